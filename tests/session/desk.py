"""A person at a session: waits for answers, paints, and remembers what they were told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from fcn_studio.core.box import Box
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.core.settings import Settings
from fcn_studio.session import Document, Level, Notice, Phase, Saved, Session

PATIENCE_S = 40.0


class Desk:
    """One session; answers come in only while `until` or `settle` wait for them."""

    def __init__(
        self, home: Path, cache_dir: Path, *, networks: bool, settings: Mapping[str, object]
    ) -> None:
        self.queue = QueueDispatcher()
        self.session = Session(
            self.queue,
            Settings(settings),
            settings_path=home / "settings.json",
            cache_dir=cache_dir,
            data_dir=home / "data",
        )
        if not networks:
            assert self.session._workers.device.close()
        self.notices: list[Notice] = []
        self.session.events.notice.connect(self.notices.append)

    @property
    def document(self) -> Document:
        assert self.session.document is not None
        return self.session.document

    @property
    def labels(self) -> np.ndarray:
        return self.document.label_map.labels

    @property
    def provenance(self) -> np.ndarray:
        return self.document.label_map.provenance

    @property
    def complaints(self) -> list[str]:
        return [n.text for n in self.notices if n.level in (Level.WARNING, Level.ERROR)]

    def until(self, reached: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        assert self.queue.run_until(reached, timeout_s), f"waited in vain; told: {self.notices}"

    def settle(self) -> None:
        """Let everything in that files and fsync still have to say."""
        pools = (self.session._workers.pool, self.session._workers.writer._pool)
        self.until(lambda: all(pool.idle for pool in pools))
        self.queue.run_pending()
        self.until(lambda: all(pool.idle for pool in pools))
        self.queue.run_pending()

    def hold(self, is_idle: Callable[[], bool]) -> None:
        """Wait until other threads have answered, letting no answer in."""
        end = time.monotonic() + PATIENCE_S
        while not is_idle():
            assert time.monotonic() < end
            time.sleep(0.005)

    def open(self, *paths: Path, first: str | None = None) -> None:
        """Open a project and wait for its first image."""
        before = self.session.document
        self.session.open(list(paths), first=first)
        self.until(lambda: self.session.document is not None and self.session.document is not before)

    def show(self, image_id: str) -> None:
        """Go to an image and wait until it is open."""
        self.session.images.open(image_id)
        self.until(lambda: self.document.image_id == image_id)

    def predicted(self) -> None:
        """Wait for the exact, current prediction of the open image."""
        session = self.session
        self.until(
            lambda: (
                session.document is not None
                and session.document.prediction is not None
                and not session.document.prediction_is_stale
                and session.prediction.status.phase is Phase.DONE
            )
        )

    def dab(self, y: int, x: int, class_id: int, radius: int = 4) -> None:
        """One touch of a square brush inside a stroke."""
        box = Box(y - radius, x - radius, y + radius, x + radius)
        self.session.editing.paint(box, np.ones(box.shape_hw, bool), class_id)

    def stroke(self, y: int, x: int, class_id: int, radius: int = 4, name: str = "Paint") -> None:
        self.session.editing.begin_stroke(name)
        self.dab(y, x, class_id, radius)
        self.session.editing.finish_stroke()

    def on_disk(self) -> None:
        self.until(lambda: self.session.editing.saved is Saved.ON_DISK)
