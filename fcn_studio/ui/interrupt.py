"""Ctrl+C in the terminal and a polite kill end the program as closing the window does."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QSocketNotifier

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Calls `on_interrupt` on the window's thread; `close` puts everything back.

    The signal writes a byte to a socket, and the socket wakes Qt's loop. The signal's own handler does
    nothing: Python runs it between any two instructions, even in the middle of a paint event.
    """

    def __init__(self, on_interrupt: Callable[[], object]) -> None:
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._on_woken)
        self._on_interrupt = on_interrupt
        self._wakeup_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _leave_to_the_loop) for number in SIGNALS}

    def close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._notifier.setEnabled(False)
        self._notifier.deleteLater()
        self._read.close()
        self._write.close()

    def _on_woken(self) -> None:
        if any(number in SIGNALS for number in self._read.recv(64)):
            self._on_interrupt()


def _leave_to_the_loop(_number: int, _frame: object) -> None:
    """A handler must be there, or Python would not write the byte."""
