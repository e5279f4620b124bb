"""Does heavy things one at a time while the person does nothing: no input for half a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

IDLE_MS = 500
INPUT = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonRelease,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TabletMove,
        QEvent.Type.TabletPress,
        QEvent.Type.TouchUpdate,
        QEvent.Type.NativeGesture,
    }
)


class IdleWork(QObject):
    """Runs each task once, the next only after another half second without input; then stops watching.

    The first input of a half second ends the watch until the next one begins: to look at every event of a
    stroke would cost the hand more than there is to know.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QCoreApplication.instance()
        if application is None:
            raise RuntimeError("there is no application whose input could be watched")
        self._application = application
        self._tasks: deque[Callable[[], None]] = deque()
        self._saw_input = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(IDLE_MS)
        self._timer.timeout.connect(self._on_time)

    @property
    def is_watching(self) -> bool:
        return self._timer.isActive()

    def add(self, *tasks: Callable[[], None]) -> None:
        """Do these, in order, when nobody touches anything."""
        if not self._tasks and tasks:
            self._watch()
        self._tasks.extend(tasks)

    def stop(self) -> None:
        """Do nothing any more."""
        self._tasks.clear()
        self._timer.stop()
        self._application.removeEventFilter(self)

    def _watch(self) -> None:
        self._saw_input = False
        self._application.installEventFilter(self)
        self._timer.start()

    def _on_time(self) -> None:
        if self._saw_input:
            self._watch()
            return
        task = self._tasks.popleft()
        task()
        if self._tasks:
            self._timer.start()
        else:
            self.stop()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() in INPUT:
            self._saw_input = True
            self._application.removeEventFilter(self)
        return False
