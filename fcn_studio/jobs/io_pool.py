"""A few threads for the disk: decode, encode, hash, compress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from fcn_studio.core.ports import Dispatcher
from fcn_studio.jobs.job import Callbacks, JobHandle


@dataclass(eq=False)
class _Entry:
    handle: JobHandle
    run: Callable[[], Any]
    serial: Hashable


class IoPool:
    """Runs functions without arguments in the order given; answers through the dispatcher.

    key: the newest job of a key wins (a waiting one never runs, the result of a running one is dropped).
    serial: jobs of one value run one after the other, in order. None means no key, no order.
    """

    def __init__(self, dispatcher: Dispatcher, workers: int = 3, name: str = "io") -> None:
        self._dispatcher = dispatcher
        self._wake = threading.Condition()
        self._queue: list[_Entry] = []
        self._running: list[_Entry] = []
        self._closing = False
        self._threads = [
            threading.Thread(target=self._loop, name=f"{name}-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        run: Callable[[], Any],
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        *,
        key: Hashable | None = None,
        serial: Hashable | None = None,
        label: str = "io",
    ) -> JobHandle:
        """Queue `run`; after `close` it is cancelled at once."""
        handle = JobHandle(self._dispatcher, Callbacks(on_done, on_failed, on_cancelled), key, label)
        handle.notify_cancel(self._on_cancel)
        with self._wake:
            entries = [*self._queue, *self._running]
            earlier = [e.handle for e in entries if key is not None and e.handle.key == key]
            closing = self._closing
            if not closing:
                self._queue.append(_Entry(handle, run, serial))
                self._wake.notify()
        for other in earlier:
            other.cancel()
        if closing:
            handle.cancel()
        return handle

    @property
    def idle(self) -> bool:
        with self._wake:
            return not self._queue and not self._running

    def close(self, timeout_s: float = 10.0, *, drain: bool = True) -> bool:
        """End the threads: after what is queued (`drain`, for saves) or at once, dropping it.

        Waits at most `timeout_s`, then drops what is still queued; False when a thread would not end.
        """
        end = time.monotonic() + timeout_s
        with self._wake:
            self._closing = True
            dropped = [] if drain else [entry.handle for entry in self._queue]
            self._wake.notify_all()
        for handle in dropped:
            handle.cancel()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._wake:
            left = [entry.handle for entry in self._queue]
        for handle in left:
            handle.cancel()
        return not any(thread.is_alive() for thread in self._threads)

    def _on_cancel(self, handle: JobHandle) -> None:
        with self._wake:
            waiting = next((entry for entry in self._queue if entry.handle is handle), None)
            if waiting is not None:
                self._queue.remove(waiting)
            running = any(entry.handle is handle for entry in self._running)
            self._wake.notify_all()
        if not running:
            handle.end_cancelled()

    def _loop(self) -> None:
        while (entry := self._take()) is not None:
            self._run(entry)
            with self._wake:
                self._running.remove(entry)
                self._wake.notify_all()
            del entry

    def _take(self) -> _Entry | None:
        with self._wake:
            while True:
                busy = {entry.serial for entry in self._running if entry.serial is not None}
                entry = next((e for e in self._queue if e.serial is None or e.serial not in busy), None)
                if entry is not None:
                    self._queue.remove(entry)
                    self._running.append(entry)
                    return entry
                if self._closing and not self._queue:
                    return None
                self._wake.wait()

    @staticmethod
    def _run(entry: _Entry) -> None:
        if not entry.handle.start():
            return
        try:
            result = entry.run()
        except BaseException as error:  # noqa: BLE001 - the thread outlives whatever a job raises
            entry.handle.end_failed(error)
        else:
            entry.handle.end_done(result)
