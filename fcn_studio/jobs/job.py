"""One job: its state, its callbacks, and that it ends exactly once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled
from fcn_studio.core.ports import Dispatcher

_log = logging.getLogger(__name__)


class JobState(Enum):
    """A job moves QUEUED -> RUNNING -> one of the three endings; a queued one may be cancelled at once."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ending(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Priority(IntEnum):
    """What the device thread does first: the lower number."""

    LIVE_HEAD = 0
    COARSE = 1
    EXACT = 2
    TRAINING = 3
    NEIGHBOUR = 4
    BATCH = 5


@dataclass(frozen=True)
class Callbacks:
    """Whom to tell; each is called on the owner's thread, through its dispatcher."""

    done: Callable[[Any], None] | None = None
    failed: Callable[[BaseException], None] | None = None
    cancelled: Callable[[], None] | None = None
    progress: Callable[[Any], None] | None = None


class JobHandle:
    """What the one who submitted a job keeps of it; safe from any thread.

    The job ends in exactly one of DONE, FAILED, CANCELLED, and exactly that callback is posted. A job that
    was cancelled before it ended ends CANCELLED, whatever it returns or raises.
    """

    def __init__(self, dispatcher: Dispatcher, callbacks: Callbacks, key: Hashable, label: str) -> None:
        self.key = key
        self.label = label
        self.token = CancelToken()
        self._dispatcher = dispatcher
        self._callbacks = callbacks
        self._state = JobState.QUEUED
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._on_cancel: Callable[[JobHandle], None] | None = None

    @property
    def state(self) -> JobState:
        return self._state

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        """The answer is not wanted: a queued job never runs, a generator is closed at its next yield."""
        with self._lock:
            if self._state.is_ending:
                return
            self.token.cancel()
        if self._on_cancel is not None:
            self._on_cancel(self)

    def request_stop(self) -> None:
        """Ask the job to finish early with what it has; it then ends DONE with its result."""
        self.token.request_stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the ending (not for its callback); False when `timeout_s` passed before."""
        return self._ended.wait(timeout_s)

    # What follows is for the threads that run jobs.

    def notify_cancel(self, on_cancel: Callable[[JobHandle], None]) -> None:
        self._on_cancel = on_cancel

    def start(self) -> bool:
        """QUEUED -> RUNNING; False when it was cancelled before, which then is its ending."""
        with self._lock:
            if self._state is not JobState.QUEUED:
                return False
            if not self.token.cancelled:
                self._state = JobState.RUNNING
                return True
        self.end_cancelled()
        return False

    def report(self, value: Any) -> None:
        if value is not None and self._callbacks.progress is not None and not self.token.cancelled:
            self._post(self._callbacks.progress, value)

    def end_done(self, result: Any) -> None:
        self._end(JobState.DONE, self._callbacks.done, result)

    def end_failed(self, error: BaseException) -> None:
        if isinstance(error, Cancelled):
            self.end_cancelled()
            return
        self._end(JobState.FAILED, self._callbacks.failed, error)

    def end_cancelled(self) -> None:
        self._end(JobState.CANCELLED, self._callbacks.cancelled)

    def _end(self, state: JobState, callback: Callable[..., None] | None, *arguments: Any) -> None:
        with self._lock:
            if self._state.is_ending:
                return
            if self.token.cancelled and state is not JobState.CANCELLED:
                if state is JobState.FAILED:
                    _log.info("job %s failed after it was cancelled", self.label, exc_info=arguments[0])
                state, callback, arguments = JobState.CANCELLED, self._callbacks.cancelled, ()
            self._state = state
        if state is JobState.FAILED and callback is None:
            _log.error("job %s failed and nobody asked", self.label, exc_info=arguments[0])
        if callback is not None:
            self._post(callback, *arguments)
        self._ended.set()

    def _post(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            self._dispatcher.post(lambda: callback(*arguments))
        except Exception:  # noqa: BLE001 - a direct dispatcher runs the callback on this very thread
            _log.exception("the callback of job %s failed", self.label)
