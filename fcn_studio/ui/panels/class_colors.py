"""Below the classes: a word when two that touch look alike, and the button that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import make_label, make_row, make_tool_button

if TYPE_CHECKING:
    from fcn_studio.session.session import Session
    from fcn_studio.ui.theme import Theme

LOOK_AFTER_MS = 1500  # of quiet: nobody wants to hear of colours in the middle of a stroke


class ColorWarning(QFrame):
    """Asks the session to look at the colours now and then; shown while there is something to say."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._waved_off: set[tuple[int, int]] = set()
        self.setObjectName("choice")
        self.setAccessibleName(self.tr("Colours that look alike"))
        self.text = make_label("", "", wraps=True)
        self.text.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)  # or the list above is squeezed
        self.mend = QPushButton(self.tr("Make colours distinct"))
        self.mend.clicked.connect(session.coloring.request_distinct)
        close = make_tool_button(self.tr("Leave the colours as they are"))
        close.setIcon(make_icon(theme, "close", "muted"))
        close.clicked.connect(self._on_waved_off)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(12, 10, 8, 10)
        rows.addWidget(self.text)
        rows.addLayout(make_row(self.mend, None, close))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_AFTER_MS)
        self._timer.timeout.connect(session.coloring.request_check)
        events = session.events
        for event in (events.history_changed, events.image_opened, events.classes_changed):
            event.connect(self._on_changed)
        events.colors_checked.connect(self.refresh)
        events.project_opened.connect(self._on_project_opened)
        self.hide()

    def refresh(self) -> None:
        """Show the worst clash that has not been waved off."""
        table = self._session.classes.table
        for clash in self._session.coloring.clashes:
            first, second = table.by_id(clash.first_id), table.by_id(clash.second_id)
            if first and second and (first.id, second.id) not in self._waved_off:
                self.text.setText(self._sentence(first.name, second.name, clash.vision))
                self.show()
                return
        self.hide()

    def _sentence(self, first: str, second: str, vision: str) -> str:
        if vision == "normal":
            return self.tr("{0} and {1} touch and have nearly the same colour.").format(first, second)
        eyes = {
            "protanopia": self.tr("red-blind"),
            "deuteranopia": self.tr("green-blind"),
            "tritanopia": self.tr("blue-blind"),
        }[vision]
        return self.tr("{0} and {1} touch and look alike to {2} eyes.").format(first, second, eyes)

    def _on_changed(self, *_what: object) -> None:
        self._timer.start()

    def _on_project_opened(self) -> None:
        self._waved_off.clear()

    def _on_waved_off(self) -> None:
        self._waved_off.update((clash.first_id, clash.second_id) for clash in self._session.coloring.clashes)
        self.refresh()
