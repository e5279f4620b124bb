"""How a job is told that its answer is no longer wanted."""

from __future__ import annotations

import threading

from fcn_studio.core.errors import Cancelled


class CancelToken:
    """Two flags for any thread to raise: `cancel` throws the answer away, `request_stop` wants it now."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._stop = threading.Event()

    def cancel(self) -> None:
        """The answer is no longer wanted; the job ends as soon as it looks."""
        self._cancelled.set()

    def request_stop(self) -> None:
        """Finish early with what there is, for example the best network so far."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    def raise_if_cancelled(self) -> None:
        """Raises Cancelled; to be called between tiles, steps or files."""
        if self._cancelled.is_set():
            raise Cancelled
