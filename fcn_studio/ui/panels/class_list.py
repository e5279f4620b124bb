"""The rows of the class panel, in a list that scrolls by itself when there are many."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from fcn_studio.core.classes import BACKGROUND_KEY, ClassInfo, ClassTable
from fcn_studio.ui.panels.class_row import ROW_PX, ClassRow
from fcn_studio.ui.theme import Theme

FEWEST_ROWS = 6


class ClassList(QScrollArea):
    """One row a class, background last; the rows' wishes are passed on."""

    chosen = Signal(int)
    renamed = Signal(int, str)
    visibility_wanted = Signal(int, bool)
    color_wanted = Signal(int)
    unlocking_wanted = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: list[ClassRow] = []
        self._table, self._is_preview = ClassTable(), False
        self._shares: Mapping[int, float] = {}
        self.setAccessibleName(self.tr("Classes"))
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setObjectName("surface")
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self._layout.addStretch(1)
        self.setWidget(inner)

    def show_table(self, table: ClassTable, is_preview: bool) -> None:
        """Show these classes; rows are reused, so that a rename does not rebuild the panel."""
        self._table, self._is_preview = table, is_preview
        self._fill()

    def _fill(self) -> None:
        """In their own order, whose keys the fingers know; a preview begins with what is in the image."""
        table, is_preview = self._table, self._is_preview
        entries = sorted(table, key=self._preview_place if is_preview else _own_place)
        while len(self.rows) < len(entries):
            self._add_row()
        for row in self.rows[len(entries) :]:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        del self.rows[len(entries) :]
        for row, entry in zip(self.rows, entries, strict=True):
            row.show_class(entry, is_preview)
        self.updateGeometry()

    def show_chosen(self, class_id: int | None) -> None:
        for row in self.rows:
            is_chosen = row.entry is not None and row.entry.id == class_id
            row.show_chosen(is_chosen)
            if is_chosen:
                self.ensureWidgetVisible(row, 0, 0)

    def _preview_place(self, entry: ClassInfo) -> tuple[bool, float]:
        return entry.key == BACKGROUND_KEY, -self._shares.get(entry.id, 0.0)

    def show_shares(self, shares: Mapping[int, float]) -> None:
        """Share of the image by class id, 0 to 1."""
        self._shares = shares
        if self._is_preview:
            self._fill()
        for row in self.rows:
            if row.entry is not None:
                row.show_share(shares.get(row.entry.id, 0.0))

    def put_into_tab_order(self, before: QWidget) -> None:
        """Let Tab go from `before` to the rows; as they are made late, it would come to them last of all."""
        stops = [stop for row in self.rows for stop in (row, row.swatch, row.editor, row.lock, row.eye)]
        for first, second in pairwise((before, *stops)):
            QWidget.setTabOrder(first, second)

    def row_of(self, class_id: int) -> ClassRow | None:
        return next((row for row in self.rows if row.entry and row.entry.id == class_id), None)

    def sizeHint(self) -> QSize:
        return QSize(200, self._height_of(len(self.rows)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._height_of(min(len(self.rows), FEWEST_ROWS)))

    def _height_of(self, rows: int) -> int:
        return rows * (ROW_PX + 1)

    def _add_row(self) -> None:
        row = ClassRow(self._theme)
        row.chosen.connect(self.chosen)
        row.renamed.connect(self.renamed)
        row.visibility_wanted.connect(self.visibility_wanted)
        row.color_wanted.connect(self.color_wanted)
        row.unlocking_wanted.connect(self.unlocking_wanted)
        self._layout.insertWidget(len(self.rows), row)
        self.rows.append(row)


def _own_place(entry: ClassInfo) -> bool:
    return entry.key == BACKGROUND_KEY
