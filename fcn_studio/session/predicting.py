"""Asking networks about images: the open one first, its neighbours when nothing else is to be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import CheckpointError, DeviceError, FcnStudioError
from fcn_studio.core.prediction import Prediction
from fcn_studio.inference.cache import CacheKey, PredictionCache, image_id
from fcn_studio.io.images import read_image
from fcn_studio.jobs import Priority
from fcn_studio.session.document import Document
from fcn_studio.session.engines import Engines
from fcn_studio.session.events import About, Level, Notice, Phase, PredictionStatus, SessionEvents
from fcn_studio.session.graphs import GraphDesk
from fcn_studio.session.workers import Workers

CURRENT = "current image"
OTHER = "current image, another checkpoint"
COARSE_FROM_PX = 4_000_000
COARSE_LONG_SIDE_PX = 256


@dataclass(frozen=True)
class CheckpointEntry:
    """One checkpoint as the panel lists it; `reason` says why an unusable one is."""

    id: str
    name: str
    usable: bool
    reason: str
    figures: dict[str, float]
    active: bool
    parent: str | None
    path: Path
    classes: ClassTable
    card_id: str  # unique over all projects: names what the cache keeps
    strides: tuple[int, ...] = ()  # at which its network sums scores, the coarsest first
    finest: int | None = None  # only these strides and coarser ones count: a look into the active network


@dataclass(frozen=True)
class Ticket:
    """What a prediction was asked for; an answer whose ticket no longer fits is dropped."""

    content_id: str  # of the image, see inference.cache.image_id
    card_id: str
    device: str


class PredictionDesk:
    """Keeps the open image's prediction up to date with the active checkpoint.

    A device that is not there, or a checkpoint that proves broken, costs one notice: the CPU, or what
    `fall_back` makes active, is used instead.
    """

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        cache_dir: Path,
        find_document: Callable[[], Document | None],
        fall_back: Callable[[], bool],
    ) -> None:
        self._events = events
        self._workers = workers
        self._cache = PredictionCache(cache_dir / "predictions")
        self._find_document = find_document
        self._fall_back = fall_back
        self._engines = Engines(cache_dir)  # device thread only
        self._graphs = GraphDesk(workers, cache_dir, self._on_graph_ready)
        self._active: CheckpointEntry | None = None
        self.device = "auto"
        self.status = PredictionStatus(Phase.IDLE, "")

    @property
    def active(self) -> CheckpointEntry | None:
        return self._active

    @property
    def device_text(self) -> str:
        """Engine and device of the last answer, for the status bar."""
        return self.status.engine or self.device

    def follow(self, entry: CheckpointEntry, document: Document | None) -> None:
        """Use another checkpoint from now on; the open image is asked about again."""
        self._active = entry
        self._set_status(PredictionStatus(Phase.IDLE, entry.name))
        if document is not None:
            self.request(document, ())

    def set_device(self, device: str) -> None:
        """Run networks on "auto", "cpu" or "cuda" from now on; asks about the open image again."""
        self.device = device
        document = self._find_document()
        if document is not None:
            self.request(document, (), use_cache=False)

    def on_torch_loaded(self) -> None:
        """torch is there now: where there is a GPU, it takes over from the engine of the first answers."""
        self._workers.device.submit(
            "engines",
            Priority.NEIGHBOUR,
            lambda _cancel: self._engines.forget_quick(),
            lambda was_quick: self.set_device(self.device) if was_quick else None,
        )

    def close(self) -> None:
        """End what runs in a process of its own."""
        self._graphs.close()

    def _on_graph_ready(self, entry: CheckpointEntry) -> None:
        """A faster engine can be built now: it answers from the next question on."""
        self._workers.device.submit(
            ("engine", entry.card_id), Priority.NEIGHBOUR, lambda _cancel: self._engines.forget(entry.card_id)
        )

    def request(self, document: Document, neighbours: Sequence[Path], *, use_cache: bool = True) -> None:
        """Have the open image predicted; afterwards the files of `neighbours` are prepared in silence."""
        entry = self._active
        if entry is None:
            return
        document.prediction_is_stale = document.prediction is not None
        ticket = Ticket(document.content_id, entry.card_id, self.device)
        remembered = self._cache.recall(_make_key(ticket)) if use_cache else None
        if remembered is not None:
            self._workers.device.cancel(CURRENT)
            self._take(ticket, remembered, neighbours)
            return
        self._set_status(replace(self.status, phase=Phase.RUNNING, checkpoint_name=entry.name, message=""))
        pixels = document.pixels
        self._workers.device.submit(
            CURRENT,
            Priority.EXACT,
            lambda cancel: self._predict_steps(entry, ticket, pixels, cancel, use_cache),
            on_progress=lambda coarse: self._show(ticket, coarse),
            on_done=lambda prediction: self._take(ticket, prediction, neighbours),
            on_failed=lambda error: self._on_failed(ticket, error),
            label=f"predicting {document.name}",
        )

    def request_other(
        self,
        entry: CheckpointEntry,
        document: Document,
        on_done: Callable[[Prediction], None],
        on_failed: Callable[[BaseException], None],
    ) -> None:
        """Have the open image predicted by a checkpoint that is not the active one; changes nothing."""
        ticket = Ticket(document.content_id, entry.card_id, self.device)
        remembered = self._cache.recall(_make_key(ticket))
        if remembered is not None:
            self._workers.device.cancel(OTHER)
            on_done(remembered)
            return
        pixels = document.pixels
        self._workers.device.submit(
            OTHER,
            Priority.EXACT,
            lambda cancel: self._predict_steps(entry, ticket, pixels, cancel, True),
            on_progress=on_done,
            on_done=on_done,
            on_failed=on_failed,
            label=f"predicting {document.name} with {entry.name}",
        )

    # --- on the device thread -------------------------------------------------------------------------

    def _predict_steps(
        self,
        entry: CheckpointEntry,
        ticket: Ticket,
        pixels: NDArray[np.uint8],
        cancel: CancelToken,
        use_cache: bool,
    ) -> Any:
        """A generator: yields a coarse look at a large image, returns the exact prediction."""
        key = _make_key(ticket)
        stored = self._cache.read(key) if use_cache else None
        if stored is not None:
            return stored
        predictor = self._engines.find(entry, ticket.device)
        if pixels.shape[0] * pixels.shape[1] >= COARSE_FROM_PX:
            yield predictor.predict(pixels, cancel=cancel, long_side=COARSE_LONG_SIDE_PX)
        prediction = predictor.predict(pixels, cancel=cancel)
        self._cache.remember(key, prediction)
        # Compressing takes longer than predicting: not on this thread.
        self._workers.pool.submit(lambda: self._cache.write(key, prediction), key=key)
        return prediction

    def predict_now(self, entry: CheckpointEntry, pixels: NDArray[np.uint8]) -> Prediction:
        """A checkpoint's prediction at once; only for jobs that run on the device thread."""
        return self._engines.find(entry, self.device).predict(pixels)

    # --- back on the session's thread -------------------------------------------------------------------

    def _is_wanted(self, ticket: Ticket) -> Document | None:
        """The only place where a stale answer ends."""
        document, entry = self._find_document(), self._active
        if document is None or entry is None:
            return None
        return document if ticket == Ticket(document.content_id, entry.card_id, self.device) else None

    def _show(self, ticket: Ticket, prediction: Prediction) -> None:
        document = self._is_wanted(ticket)
        if document is not None and prediction.shape_hw == document.shape_hw:
            document.prediction = prediction
            document.prediction_is_stale = False
            self._events.prediction_changed.emit(document.image_id)

    def _take(self, ticket: Ticket, prediction: Prediction, neighbours: Sequence[Path]) -> None:
        entry = self._active
        if self._is_wanted(ticket) is None or entry is None:
            return
        self._show(ticket, prediction)
        self._set_status(
            PredictionStatus(Phase.DONE, entry.name, prediction.engine, prediction.seconds * 1000)
        )
        self._graphs.consider(entry, prediction.engine)
        for path in neighbours:
            self._prepare(entry, ticket.device, path)

    def _prepare(self, entry: CheckpointEntry, device: str, path: Path) -> None:
        """Predict a neighbour into the cache; whatever goes wrong is told when it is opened."""

        def read() -> tuple[Ticket, NDArray[np.uint8]] | None:
            ticket = Ticket(image_id(path), entry.card_id, device)
            return None if self._cache.recall(_make_key(ticket)) else (ticket, read_image(path).pixels)

        def on_read(found: tuple[Ticket, NDArray[np.uint8]] | None) -> None:
            if found is None or self._active is not entry:
                return
            ticket, pixels = found
            self._workers.device.submit(
                ("neighbour", path),
                Priority.NEIGHBOUR,
                lambda cancel: self._predict_steps(entry, ticket, pixels, cancel, True),
                label=f"preparing {path.name}",
                on_failed=lambda _error: None,
            )

        self._workers.pool.submit(read, on_read, lambda _error: None, key=("neighbour", path))

    def _on_failed(self, ticket: Ticket, error: BaseException) -> None:
        if self._is_wanted(ticket) is None:
            return
        text = str(error) if isinstance(error, FcnStudioError) else f"The prediction failed: {error}"
        if isinstance(error, DeviceError) and ticket.device != "cpu":
            self._events.notice.emit(Notice(Level.WARNING, f"{text} The CPU is used meanwhile."))
            self.set_device("cpu")
            return
        if isinstance(error, CheckpointError) and self._fall_back():
            self._events.notice.emit(Notice(Level.WARNING, f"{text} The embedded model is used instead."))
            return
        self._set_status(replace(self.status, phase=Phase.FAILED, message=text))
        self._events.notice.emit(Notice(Level.ERROR, text, about=About.IMAGE))

    def _set_status(self, status: PredictionStatus) -> None:
        self.status = status
        self._events.prediction_status_changed.emit(status)


def _make_key(ticket: Ticket) -> CacheKey:
    return CacheKey(ticket.content_id, ticket.card_id)
