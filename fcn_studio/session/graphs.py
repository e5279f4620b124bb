"""Has the graph of a new architecture made while nobody waits for it, so that a faster engine takes over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcn_studio.core.errors import Cancelled
from fcn_studio.session.workers import Workers

if TYPE_CHECKING:
    from fcn_studio.inference.graphs import GraphExport
    from fcn_studio.session.predicting import CheckpointEntry


class GraphDesk:
    """One export at a time, each architecture's checkpoint once a session; what fails costs only speed."""

    def __init__(
        self, workers: Workers, cache_dir: Path, on_ready: Callable[[CheckpointEntry], None]
    ) -> None:
        self._workers = workers
        self._cache_dir = cache_dir
        self._on_ready = on_ready
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._export: GraphExport | None = None
        self._closed = False

    def consider(self, entry: CheckpointEntry, engine_name: str) -> None:
        """An answer came from ``engine_name``: where that was torch on the CPU, have a graph made."""
        is_slow = engine_name.startswith("torch") and engine_name.endswith("cpu")
        if not is_slow or entry.card_id in self._asked:
            return
        self._asked.add(entry.card_id)
        self._workers.pool.submit(
            lambda: self._make(entry.path),
            lambda _graph: self._on_ready(entry),
            lambda _error: None,
            serial="graphs",
        )

    def close(self) -> None:
        """End an export that is under way; none begins any more."""
        with self._lock:
            self._closed = True
            if self._export is not None:
                self._export.stop()

    def _make(self, path: Path) -> Any:
        """On the io pool. Raises CheckpointError, Cancelled."""
        from fcn_studio.inference.graphs import GraphExport
        from fcn_studio.inference.openvino_engine import is_installed

        with self._lock:
            if self._closed or not is_installed():
                raise Cancelled
            self._export = GraphExport(path, self._cache_dir)
        return self._export.wait()
