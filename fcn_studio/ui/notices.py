"""Notices that float over the canvas: one sentence and its cure, gone by themselves or closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QPushButton, QWidget

from fcn_studio.session.events import About, Notice, Saved
from fcn_studio.ui.command_actions import title_of, with_key
from fcn_studio.ui.commands import BY_ID
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import fit_text, make_row, make_tool_button
from fcn_studio.ui.theme import Theme

SIGNS = {
    "info": ("information", "accent"),
    "success": ("check-circle", "accent"),
    "warning": ("alert", "warning"),
    "error": ("alert-circle", "error"),
}
SHOWN_MS = {"info": 5000, "success": 5000, "warning": 15000}  # errors stay as long as what they are about
TOP_PX = 14
GAP_PX = 8
MOST_SHOWN = 4
WIDEST_TEXT_PX = 560
NARROWEST_TEXT_PX = 220  # with less beside it the cure goes below the text
SPACING_PX = 9


class NoticeChip(QFrame):
    """One notice; `closed` when it goes."""

    closed = Signal()
    cure_wanted = Signal(str)  # command id

    def __init__(self, parent: QWidget, theme: Theme, notice: Notice) -> None:
        super().__init__(parent)
        self.notice = notice
        self.setObjectName("notice")
        self.setProperty("level", notice.level.value)
        self.setAccessibleName(notice.text)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        sign, token = SIGNS[notice.level.value]
        icon = QLabel()
        icon.setPixmap(make_icon(theme, sign, token).pixmap(QSize(16, 16), self.devicePixelRatioF()))
        self.text = QLabel(notice.text)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.setSpacing(SPACING_PX)
        self._words.addWidget(self.text)
        self.cure = self._make_cure(notice.action)
        if self.cure is not None:
            self._words.addWidget(self.cure, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        row = make_row(icon, spacing=SPACING_PX)
        row.setContentsMargins(13, 7, 8, 7)
        row.addLayout(self._words)
        self.close_button = make_tool_button(self.tr("Close this notice"))
        self.close_button.setIcon(make_icon(theme, "close", "muted"))
        self.close_button.clicked.connect(self.go)
        row.addWidget(self.close_button)
        self.setLayout(row)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.go)
        self.restart()

    def _make_cure(self, command_id: str | None) -> QPushButton | None:
        command = BY_ID.get(command_id or "")
        if command is None:
            return None
        button = QPushButton(title_of(command))
        button.setToolTip(with_key(title_of(command), command.id))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the canvas
        button.clicked.connect(lambda: self._on_cure(command.id))
        return button

    def _on_cure(self, command_id: str) -> None:
        self.cure_wanted.emit(command_id)
        self.go()

    def restart(self) -> None:
        """Let the time to read begin anew."""
        shown_ms = SHOWN_MS.get(self.notice.level.value)
        if shown_ms is not None:
            self._timer.start(shown_ms)

    def fit(self, width_px: int) -> None:
        """As wide as the text needs, with more than one line where there is no room."""
        self.ensurePolished()
        self._fit_text(WIDEST_TEXT_PX)
        beside_px = self.cure.sizeHint().width() + SPACING_PX if self.cure is not None else 0
        room_px = width_px - 2 * TOP_PX - (self.sizeHint().width() - self._words.sizeHint().width())
        is_narrow = beside_px > 0 and room_px - beside_px < NARROWEST_TEXT_PX
        below, beside = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._words.setDirection(below if is_narrow else beside)
        self._fit_text(max(120, min(WIDEST_TEXT_PX, room_px - (0 if is_narrow else beside_px))))
        self.adjustSize()

    def _fit_text(self, widest_px: int) -> None:
        fit_text(self.text, widest_px)
        self._words.invalidate()  # Qt tells only the outer layout at once
        self.updateGeometry()

    def go(self) -> None:
        self._timer.stop()
        self.hide()
        self.closed.emit()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()  # whoever points at it is reading it
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.restart()
        super().leaveEvent(event)


class Notices(QObject):
    """Places the notices at the top of `stage`, newest last."""

    cure_wanted = Signal(str)  # command id

    def __init__(self, stage: QWidget, theme: Theme) -> None:
        super().__init__(stage)
        self._stage, self._theme = stage, theme
        self.chips: list[NoticeChip] = []
        stage.installEventFilter(self)

    def show_notice(self, notice: Notice) -> None:
        """Show one; the same sentence again only stays longer; one attempt to open replaces the last."""
        for chip in self.chips:
            if chip.notice.text == notice.text:
                chip.restart()
                return
        if notice.about is About.OPENING:
            self._drop(lambda older: older.about is About.OPENING)
        chip = NoticeChip(self._stage, self._theme, notice)
        chip.closed.connect(lambda: self._on_closed(chip))
        chip.cure_wanted.connect(self.cure_wanted)
        self.chips.append(chip)
        self._drop_surplus()
        chip.show()
        chip.raise_()
        self._place()

    def on_saved_changed(self, saved: Saved) -> None:
        """Once all strokes are written, complaints that they are not go by themselves."""
        if saved is not Saved.IN_MEMORY:
            self._drop(lambda notice: notice.until_saved)

    def on_image_opening(self, _image_id: str) -> None:
        """What was said of the image before is no news of the next one, and it would cover that."""
        self._drop(lambda notice: notice.about is About.IMAGE)

    def on_project_left(self) -> None:
        """Of the project before only strokes that are still to be written matter."""
        self._drop(lambda notice: not notice.until_saved)

    def clear(self) -> None:
        self._drop(lambda _notice: True)

    def _drop(self, is_over: Callable[[Notice], bool]) -> None:
        for chip in [chip for chip in self.chips if is_over(chip.notice)]:
            chip.go()

    def _drop_surplus(self) -> None:
        """Too many: the oldest that is no error goes first."""
        while len(self.chips) > MOST_SHOWN:
            mild = [chip for chip in self.chips[:-1] if chip.notice.level.value != "error"]
            (mild or self.chips)[0].go()

    def _on_closed(self, chip: NoticeChip) -> None:
        if chip in self.chips:
            self.chips.remove(chip)
            chip.deleteLater()
            self._place()

    def _place(self) -> None:
        top = TOP_PX
        for chip in self.chips:
            chip.fit(self._stage.width())
            chip.move((self._stage.width() - chip.width()) // 2, top)
            top += chip.height() + GAP_PX

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._stage and event.type() == QEvent.Type.Resize:
            self._place()
        return False
