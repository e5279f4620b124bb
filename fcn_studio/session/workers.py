"""The session's threads, built together and ended together."""

from __future__ import annotations

import time

from fcn_studio.core.ports import Dispatcher
from fcn_studio.jobs import DeviceThread, IoPool
from fcn_studio.project.journal_writer import JournalWriter


class Workers:
    """One device thread, a small pool for files, one thread that makes strokes durable."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.device = DeviceThread(dispatcher)
        self.pool = IoPool(dispatcher)
        self.writer = JournalWriter(dispatcher)

    def close(self, timeout_s: float) -> bool:
        """End all threads, letting file work finish; False when one did not end in time."""
        end = time.monotonic() + timeout_s
        self.device.cancel_all()
        ended = [
            self.pool.close(max(0.1, end - time.monotonic()), drain=True),
            self.writer.close(max(0.1, end - time.monotonic())),
            self.device.close(max(0.1, end - time.monotonic())),
        ]
        return all(ended)
