"""One class of the class panel: colour, name, a lock if it is locked, share of the image, key, eye."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QIcon, QKeyEvent, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QLineEdit, QStackedLayout, QWidget

from fcn_studio.core.classes import ClassInfo
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import (
    ElidedLabel,
    make_key_chip,
    make_label,
    make_row,
    make_tool_button,
)
from fcn_studio.ui.theme import Theme

ROW_PX = 32


def make_swatch(color: tuple[int, int, int], side_px: int = 16, scale: int = 2) -> QIcon:
    """A square with round corners in a class's colour."""
    pixmap = QPixmap(QSize(side_px, side_px) * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*color))
    painter.drawRoundedRect(QRect(0, 0, side_px * scale, side_px * scale), 4 * scale, 4 * scale)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Disabled)  # a preview is grey, its colours are not
    return icon


class NameEditor(QLineEdit):
    """A name typed in place: Enter or leaving it takes it, Escape does not."""

    taken = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._answered = True
        self.returnPressed.connect(lambda: self._answer(True))

    def ask(self, text: str) -> None:
        self._answered = False
        self.setText(text)
        self.selectAll()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _answer(self, takes: bool) -> None:
        if not self._answered:
            self._answered = True
            if takes:
                self.taken.emit(self.text())
            self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._answer(False)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._answer(bool(self.text().strip()))


class ClassRow(QWidget):
    """Shows one class; says what the person wants of it and changes nothing itself."""

    chosen = Signal(int)
    renamed = Signal(int, str)
    visibility_wanted = Signal(int, bool)
    color_wanted = Signal(int)
    unlocking_wanted = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._entry: ClassInfo | None = None
        self.setObjectName("classRow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(ROW_PX)
        self.swatch = make_tool_button(self.tr("Colour"))
        self.swatch.setObjectName("swatch")
        self.name = ElidedLabel(name="className")
        self.editor = NameEditor()
        self.editor.setAccessibleName(self.tr("New name of the class"))
        self.share = make_label("", "muted")
        self.key = make_key_chip(" ")
        self.eye = make_tool_button(self.tr("Show"))
        self.lock = make_tool_button(self.tr("Unlock"))
        self.lock.setIcon(make_icon(theme, "lock", "warning"))
        self.lock.hide()
        names = QWidget(self)
        self._names = QStackedLayout(names)  # without a widget it would show its first page as a window
        self._names.addWidget(self.name)
        self._names.addWidget(self.editor)
        row = make_row(self.swatch)
        row.setContentsMargins(5, 0, 4, 0)
        row.addWidget(names, 1)
        for widget in (self.lock, self.share, self.key, self.eye):
            row.addWidget(widget)
        self.setLayout(row)
        self._connect()

    def _connect(self) -> None:
        self.swatch.clicked.connect(self._on_swatch)
        self.eye.clicked.connect(self._on_eye)
        self.lock.clicked.connect(self._on_lock)
        self.editor.taken.connect(self._on_named)
        self.editor.left.connect(self._on_editor_left)

    @property
    def entry(self) -> ClassInfo | None:
        return self._entry

    def show_class(self, entry: ClassInfo, is_preview: bool) -> None:
        """Show a class; a previewed one can only be looked at."""
        self._entry = entry
        self.swatch.setIcon(make_swatch(entry.color))
        self.swatch.setAccessibleName(self.tr("Colour of {0}").format(entry.name))
        self.swatch.setToolTip(self.tr("Change the colour of {0}").format(entry.name))
        self.name.setText(entry.name)
        if not is_preview:
            self.name.setToolTip(self.tr("{0}: double click to rename").format(entry.name))
        self.key.setText(entry.shortcut or "")
        policy = self.key.sizePolicy()
        policy.setRetainSizeWhenHidden(not is_preview)  # the eyes of all rows stay in one column
        self.key.setSizePolicy(policy)
        self.key.setVisible(bool(entry.shortcut) and not is_preview)
        self.eye.setVisible(not is_preview)
        self.eye.setIcon(
            make_icon(self._theme, "eye-outline" if entry.visible else "eye-off-outline", "muted")
        )
        tip = self.tr("Hide {0}") if entry.visible else self.tr("Show {0}")
        self.eye.setAccessibleName(tip.format(entry.name))
        self.eye.setToolTip(tip.format(entry.name))
        self.lock.setVisible(entry.locked and not is_preview)
        self.lock.setAccessibleName(self.tr("Unlock {0}").format(entry.name))
        self.lock.setToolTip(
            self.tr("{0} is locked: nothing paints over it. Click to unlock").format(entry.name)
        )
        self.swatch.setEnabled(not is_preview)
        self._set_flag("preview", is_preview)

    def show_chosen(self, is_chosen: bool) -> None:
        self._set_flag("chosen", is_chosen)
        name = self._entry.name if self._entry else ""
        if self._entry is not None and self._entry.locked:
            name = self.tr("{0}, locked").format(name)
        self.setAccessibleName(self.tr("Class {0}, chosen").format(name) if is_chosen else name)

    def show_share(self, share: float) -> None:
        """Share of the image's mask, 0 to 1; nothing is written for a class that is not there."""
        percent = round(share * 100)
        self.share.setText("" if share <= 0 else self.tr("< 1 %") if percent == 0 else f"{percent} %")

    def rename(self) -> None:
        """Let the person type a new name in place."""
        if self._entry is not None and not self.property("preview"):
            self._names.setCurrentWidget(self.editor)
            self.editor.ask(self._entry.name)

    def _set_flag(self, name: str, value: bool) -> None:
        if self.property(name) != value:
            self.setProperty(name, value)
            for widget in (self, self.name, self.share):
                widget.style().unpolish(widget)
                widget.style().polish(widget)

    def _on_named(self, name: str) -> None:
        if self._entry is not None and name.strip() != self._entry.name:
            self.renamed.emit(self._entry.id, name)

    def _on_editor_left(self) -> None:
        if self.editor.hasFocus():  # else Qt gives the keyboard to whatever stands below the list
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._names.setCurrentWidget(self.name)

    def _on_swatch(self) -> None:
        if self._entry is not None:
            self.color_wanted.emit(self._entry.id)

    def _on_eye(self) -> None:
        if self._entry is not None:
            self.visibility_wanted.emit(self._entry.id, not self._entry.visible)

    def _on_lock(self) -> None:
        if self._entry is not None:
            self.unlocking_wanted.emit(self._entry.id)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._entry is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self._entry.id)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.rename()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._entry:
            self.chosen.emit(self._entry.id)
        elif event.key() == Qt.Key.Key_F2:
            self.rename()
        else:
            super().keyPressEvent(event)
