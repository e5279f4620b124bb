"""The thread that makes journals durable while the person goes on painting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fcn_studio.core.ports import Dispatcher
from fcn_studio.jobs import IoPool
from fcn_studio.project.journal import Journal


class JournalWriter:
    """One thread for fsync and compaction; answers through the dispatcher.

    Several requests for one journal that wait together become one: the newest answers for all.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._pool = IoPool(dispatcher, workers=1, name="journal")

    def request_sync(
        self,
        journal: Journal,
        on_synced: Callable[[int], None] | None = None,
        on_failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Make durable what `journal` has written; `on_synced` gets the number up to which it is."""
        self._pool.submit(journal.sync, on_synced, on_failed, key=id(journal), label="journal")

    def request(
        self,
        run: Callable[[], Any],
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Run something else here, after what is queued: compaction, saving project.json."""
        self._pool.submit(run, on_done, on_failed, label="journal")

    def close(self, timeout_s: float = 10.0) -> bool:
        """Finish what is queued and end the thread; False when that took longer than `timeout_s`."""
        return self._pool.close(timeout_s)
