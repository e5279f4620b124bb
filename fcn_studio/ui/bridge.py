"""The session's dispatcher in Qt: brings calls from any thread to the thread of the window."""

from __future__ import annotations

import queue
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class QtDispatcher(QObject):
    """Implements `core.ports.Dispatcher` by a queued signal; it only forwards.

    Calls run in the order in which they were posted, one per turn of the event loop, so that input from the
    person gets its turn in between. After `close` nothing runs any more, and posting does nothing.
    """

    _posted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closed = False
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """Run `call` soon on the thread that made this object; safe from any thread, never blocks."""
        if self._closed:
            return
        self._calls.put(call)
        try:
            self._posted.emit()
        except RuntimeError:  # Qt has deleted the object between the check and here: nobody listens
            self._closed = True

    def close(self) -> None:
        """Forget what waits; call it on the thread of the window."""
        self._closed = True
        while not self._calls.empty():
            self._calls.get_nowait()

    def _on_posted(self) -> None:
        if self._closed:
            return
        try:
            call = self._calls.get_nowait()
        except queue.Empty:
            return
        call()
