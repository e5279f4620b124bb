"""The one thread that touches networks: most urgent job first, newest of a key wins.

A job is a function of a CancelToken. When it returns a generator, the thread steps it: after each `yield`
whatever is more urgent runs first, and a cancelled generator is closed. The generator's `return` value is
the result; values it yields are progress (None is not reported).
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from typing import Any

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.ports import Dispatcher
from fcn_studio.jobs.job import Callbacks, JobHandle, Priority

NICE_STEP = 10
SWITCH_INTERVAL_S = 0.001
_log = logging.getLogger(__name__)


@dataclass(order=True)
class _Entry:
    """A queued or suspended job; a suspended one keeps its place before later ones of its priority."""

    priority: int
    number: int
    handle: JobHandle = field(compare=False)
    run: Callable[[CancelToken], Any] = field(compare=False)
    generator: Generator[Any, None, Any] | None = field(default=None, compare=False)


class DeviceThread:
    """One thread of lowered priority; every answer comes back through the dispatcher.

    Sets the interpreter's switch interval to 1 ms, so that Python code here lets the owner's thread in soon.
    """

    def __init__(self, dispatcher: Dispatcher, name: str = "device") -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._dispatcher = dispatcher
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._heap: list[_Entry] = []
        self._current: _Entry | None = None
        self._closing = False
        self._activity: Callable[[str | None], None] | None = None
        self._shown: str | None = None
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        key: Hashable,
        priority: Priority,
        run: Callable[[CancelToken], Any],
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        on_progress: Callable[[Any], None] | None = None,
        label: str = "",
    ) -> JobHandle:
        """Queue a job; an earlier job of the same key is cancelled, whether it waits or runs.

        `label` is what `on_activity` shows while it runs. After `close` the job is cancelled at once.
        """
        callbacks = Callbacks(on_done, on_failed, on_cancelled, on_progress)
        handle = JobHandle(self._dispatcher, callbacks, key, label or str(key))
        handle.notify_cancel(self._on_cancel)
        with self._wake:
            earlier = [entry.handle for entry in self._entries() if entry.handle.key == key]
            closing = self._closing
            if not closing:
                heapq.heappush(self._heap, _Entry(int(priority), next(self._numbers), handle, run))
                self._wake.notify()
        for other in earlier:
            other.cancel()
        if closing:
            handle.cancel()
        return handle

    def cancel(self, key: Hashable) -> None:
        """Cancel whatever has this key."""
        with self._wake:
            found = [entry.handle for entry in self._entries() if entry.handle.key == key]
        for handle in found:
            handle.cancel()

    def cancel_all(self) -> None:
        with self._wake:
            found = [entry.handle for entry in self._entries()]
        for handle in found:
            handle.cancel()

    def on_activity(self, callback: Callable[[str | None], None] | None) -> None:
        """Post the running job's label whenever it changes, None when there is nothing left to do."""
        self._activity = callback

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        with self._wake:
            return self._current is None and not self._heap

    def close(self, timeout_s: float = 5.0) -> bool:
        """Cancel everything, end the thread; False when a job would not let go within `timeout_s`."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.cancel_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _entries(self) -> list[_Entry]:
        return [*self._heap, self._current] if self._current else list(self._heap)

    def _on_cancel(self, handle: JobHandle) -> None:
        """A job that has not begun ends at once; a generator is closed by the thread, which may sleep."""
        with self._wake:
            waiting = next((e for e in self._heap if e.handle is handle and e.generator is None), None)
            if waiting is not None:
                self._heap.remove(waiting)
                heapq.heapify(self._heap)
            unknown = waiting is None and all(e.handle is not handle for e in self._entries())
            self._wake.notify()
        if waiting is not None or unknown:
            handle.end_cancelled()

    def _loop(self) -> None:
        _lower_priority()
        while (entry := self._take()) is not None:
            self._show(entry.handle.label)
            suspended = self._step(entry)
            with self._wake:
                self._current = None
                if suspended:
                    heapq.heappush(self._heap, entry)
                empty = not self._heap
            if empty:
                self._show(None)
            del entry

    def _take(self) -> _Entry | None:
        """The next entry: cancelled generators first (to let go of what they hold), then the most urgent."""
        with self._wake:
            while not self._heap:
                if self._closing:
                    return None
                self._wake.wait()
            entry = next((e for e in self._heap if e.handle.token.cancelled), None)
            if entry is None:
                entry = heapq.heappop(self._heap)
            else:
                self._heap.remove(entry)
                heapq.heapify(self._heap)
            self._current = entry
            return entry

    def _step(self, entry: _Entry) -> bool:
        """Run a job to its end or a generator to its next yield; True when it wants to go on."""
        handle = entry.handle
        try:
            if entry.generator is None:
                if not handle.start():
                    return False
                result = entry.run(handle.token)
                if not isinstance(result, Generator):
                    handle.end_done(result)
                    return False
                entry.generator = result
            return _advance(handle, entry.generator)
        except BaseException as error:  # noqa: BLE001 - the thread outlives whatever a job raises
            handle.end_failed(error)
            return False

    def _show(self, label: str | None) -> None:
        if label == self._shown:
            return
        self._shown = label
        callback = self._activity
        if callback is None:
            return
        try:
            self._dispatcher.post(lambda: callback(label))
        except Exception:  # noqa: BLE001 - a direct dispatcher runs the callback on this very thread
            _log.exception("the activity callback failed")


def _advance(handle: JobHandle, generator: Generator[Any, None, Any]) -> bool:
    """One step of a generator, or its closing when it was cancelled; True when it wants to go on."""
    if handle.token.cancelled:
        generator.close()
        handle.end_cancelled()
        return False
    try:
        value = next(generator)
    except StopIteration as stop:
        handle.end_done(stop.value)
        return False
    handle.report(value)
    return True


def _lower_priority() -> None:
    """Nice +10 for this thread on Linux; worker threads that a network starts from here inherit it."""
    if not sys.platform.startswith("linux"):
        return
    thread = threading.get_native_id()
    try:
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE_STEP)
    except OSError:
        _log.info("the device thread keeps its normal priority", exc_info=True)
