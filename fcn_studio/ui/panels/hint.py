"""The first start's hint: three lines on the canvas that go away by themselves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from fcn_studio.ui.command_actions import key_text
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import fit_text, make_key_chip, make_label, make_tool_button
from fcn_studio.ui.theme import Theme

STAYS_MS = 25_000
BOTTOM_PX = 18
FRAME_PX = 130  # what is not text: margins, key, button, distance from the borders


class HintCard(QFrame):
    """Lies at the bottom of `stage`; `gone` once, when it was read, closed or is no longer needed."""

    gone = Signal()

    def __init__(self, stage: QWidget, theme: Theme) -> None:
        super().__init__(stage)
        self._stage = stage
        self.setObjectName("card")
        self.setAccessibleName(self.tr("First steps"))
        self._is_preview = False
        self.keys: list[QLabel] = []
        self.texts: list[QLabel] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 12, 10, 12)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        for row in range(len(self._lines())):
            self.keys.append(make_key_chip(""))
            self.texts.append(make_label())
            grid.addWidget(self.keys[-1], row, 0)
            grid.addWidget(self.texts[-1], row, 1)
        close = make_tool_button(self.tr("Close the hint"))
        close.setIcon(make_icon(theme, "close", "muted"))
        close.clicked.connect(self.go)
        grid.addWidget(close, 0, 2)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.go)
        stage.installEventFilter(self)
        self.hide()

    def _lines(self) -> tuple[tuple[str, str], ...]:
        preview = self.tr(
            "The tinted areas are what the network sees. Take its classes on the right, or type your own …"
        )
        chosen = self.tr(
            "Light tints are what the network sees, strong ones are labels. Choose a class on the right …"
        )
        return (
            (key_text("add_class"), preview) if self._is_preview else ("1", chosen),
            (
                key_text("tool_brush"),
                self.tr("… and paint over mistakes; a drag with the right button erases."),
            ),
            (key_text("next_image"), self.tr("Go on to the next image, then press “Fine-tune” to teach it.")),
        )

    def show_preview(self, is_preview: bool) -> None:
        """Whether the classes are a preview and have to be chosen before anything can be painted."""
        if is_preview != self._is_preview:
            self._is_preview = is_preview
            self._write()
            self._place()

    def _write(self) -> None:
        for key, label, (name, text) in zip(self.keys, self.texts, self._lines(), strict=True):
            key.setText(name)
            label.setText(text)

    def appear(self) -> None:
        self._write()  # the keys may be others than at the start
        self.show()
        self.raise_()
        self._place()
        self._timer.start(STAYS_MS)

    def go(self) -> None:
        if self.isVisible():
            self._timer.stop()
            self.hide()
            self.gone.emit()

    def _place(self) -> None:
        """At the bottom, in the middle; the lines wrap where there is little room."""
        room = self._stage.width() - FRAME_PX
        for text in self.texts:
            fit_text(text, room)
        self.adjustSize()
        x = (self._stage.width() - self.width()) // 2
        self.move(max(8, x), self._stage.height() - self.height() - BOTTOM_PX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._stage and event.type() == QEvent.Type.Resize:
            self._place()
        return False
