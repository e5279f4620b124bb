"""The history panel: every edit of the open image by name; a click goes back or forth to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.palette import Color
from fcn_studio.ui.panels.history_row import HistoryRow, StepText
from fcn_studio.ui.panels.sections import MARGIN, make_heading, make_label, make_row
from fcn_studio.ui.theme import Theme
from fcn_studio.ui.tools.toolbox import TOOLS

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

Index = QModelIndex | QPersistentModelIndex
START_ICON = "image-outline"
# First words of names that are no tool's title; the longest comes first.
ICONS = {
    "Fill holes": "circle-slice-8",
    "Paint": "brush",
    "Erase": "eraser",
    "Accept": "check",
    "Reject": "close",
    "Clear": "broom",
    "Copy": "content-copy",
    "Grow": "arrow-expand-all",
    "Shrink": "arrow-collapse-all",
    "Smooth": "blur",
    "Remove": "dots-hexagon",
    "Import": "import",
}


def icon_of(name: str) -> str:
    """The icon of an edit, by the first words of its name."""
    titles = {tool.title.split()[0]: tool.icon.removeprefix("mdi6.") for tool in TOOLS}
    known = next((icon for words, icon in ICONS.items() if f"{name} ".startswith(f"{words} ")), None)
    return known or titles.get(name.split(" ", 1)[0]) or "pencil-outline"


def color_of(name: str, classes: ClassTable) -> Color | None:
    """The colour of the class that an edit names at its end ("Paint cat"), if it names one."""
    named = [entry for entry in classes if name.endswith(f" {entry.name}")]
    return max(named, key=lambda entry: len(entry.name)).color if named else None


class HistoryModel(QAbstractListModel):
    """One row a place: the start, then every edit; what lies behind the present place is undone."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._names: tuple[str, ...] = ()
        self.place = 0

    def refresh(self) -> None:
        """Take the session's list; rows that are new or gone at the end are told as such."""
        names, before = self._session.history.names, self._names
        kept = min(len(names), len(before))
        if names[:kept] != before[:kept] or abs(len(names) - len(before)) > 1:
            self.beginResetModel()
            self._names = names
            self.endResetModel()
        elif len(names) > kept:
            self.beginInsertRows(QModelIndex(), kept + 1, len(names))
            self._names = names
            self.endInsertRows()
        elif len(before) > kept:
            self.beginRemoveRows(QModelIndex(), kept + 1, len(before))
            self._names = names
            self.endRemoveRows()
        self.place = self._session.history.place
        self.dataChanged.emit(self.index(0, 0), self.index(len(names), 0))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() or self._session.document is None else len(self._names) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (
            Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.UserRole,
            Qt.ItemDataRole.AccessibleTextRole,
        ) or not 0 <= index.row() <= len(self._names):  # fmt: skip
            return None
        step = self._step(index.row())
        if role == Qt.ItemDataRole.UserRole:
            return step
        if role != Qt.ItemDataRole.AccessibleTextRole:  # the tooltip has what the row has no room for
            return step.text
        state = self.tr("now") if step.is_now else self.tr("undone") if step.is_undone else ""
        return ", ".join(filter(None, (step.text, state)))

    def _step(self, row: int) -> StepText:
        if row == 0:
            return StepText(self.tr("Start"), START_ICON, None, self.place == 0, False)
        name = self._names[row - 1]
        text = QCoreApplication.translate("Edit", name)
        color = color_of(name, self._session.classes.shown)
        return StepText(text, icon_of(name), color, row == self.place, row > self.place)


class HistoryPanel(QWidget):
    """Shows the session's history of the open image and asks it to go to a place."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.setObjectName("surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("History"))
        self.count = make_label("", "small")
        self.model = HistoryModel(session)
        self.view = QListView()
        self.view.setObjectName("history")
        self.view.setAccessibleName(self.tr("Edits of this image"))
        self.view.setModel(self.model)
        self.view.setItemDelegate(HistoryRow(theme, self.view))
        self.view.setUniformItemSizes(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.clicked.connect(self._on_wanted)
        self.view.activated.connect(self._on_wanted)
        self.nothing = make_label(self.tr("Edits of this image will be listed here."), "muted", wraps=True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(MARGIN, 10, 4, 6)
        rows.setSpacing(6)
        header = make_row(make_heading(self.tr("History")), None, self.count)
        header.setContentsMargins(0, 0, 10, 0)
        rows.addLayout(header)
        rows.addWidget(self.view, 1)
        rows.addWidget(self.nothing, 1, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.refresh)
        events = session.events
        for event in (events.history_changed, events.image_opened, events.classes_changed):
            event.connect(self._on_changed)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.scrollTo(self.view.currentIndex())  # a lower list keeps the present edit in sight

    def sizeHint(self) -> QSize:
        return QSize(236, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 96)

    def refresh(self) -> None:
        """Bring the list in step with the session."""
        self.model.refresh()
        place, total = self.model.place, max(0, self.model.rowCount() - 1)
        self.view.setVisible(total > 0)
        self.nothing.setVisible(total == 0)
        self.count.setText(self.tr("{0} of {1}").format(place, total) if total else "")
        index = self.model.index(place, 0)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def _on_changed(self, *_what: object) -> None:
        self._timer.start()

    def _on_wanted(self, index: QModelIndex) -> None:
        self._session.history.go_to(index.row())
