"""Strokes that the disk has refused are offered to it again every few seconds, as long as there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from fcn_studio.session.events import Saved

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

EVERY_MS = 4000


class CatchUp(QObject):
    """Asks the session to try again while something is in memory only."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(session.editing.catch_up)
        session.events.saved_changed.connect(self._on_saved_changed)

    @property
    def is_trying(self) -> bool:
        return self._timer.isActive()

    def _on_saved_changed(self, saved: Saved) -> None:
        if saved is Saved.IN_MEMORY:
            self._timer.start()
        else:
            self._timer.stop()
