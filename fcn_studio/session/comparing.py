"""A second checkpoint's prediction of the open image, to be seen beside the active one's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fcn_studio.core.prediction import Prediction
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, SessionEvents
from fcn_studio.session.predicting import CheckpointEntry, PredictionDesk


class ComparisonDesk:
    """Keeps the open image's `comparison` up to date with the checkpoint chosen here; none by default."""

    def __init__(
        self,
        events: SessionEvents,
        prediction: PredictionDesk,
        find_document: Callable[[], Document | None],
        find_entries: Callable[[], tuple[CheckpointEntry, ...]],
    ) -> None:
        self._events = events
        self._prediction = prediction
        self._find_document = find_document
        self._find_entries = find_entries
        self._entry: CheckpointEntry | None = None
        events.checkpoints_changed.connect(self._on_checkpoints_changed)

    @property
    def chosen_id(self) -> str | None:
        """The checkpoint that is compared with, by id."""
        return self._entry.id if self._entry is not None else None

    @property
    def name(self) -> str:
        return self._entry.name if self._entry is not None else ""

    @property
    def candidates(self) -> tuple[CheckpointEntry, ...]:
        """What the active checkpoint can be compared with: others, and itself without its finer strides."""
        entries = [entry for entry in self._find_entries() if entry.usable]
        others = [entry for entry in entries if not entry.active]
        return (*others, *(view for entry in entries if entry.active for view in _make_stride_views(entry)))

    def suggest(self) -> CheckpointEntry | None:
        """What a person most likely wants to compare with: the active one's parent, else the latest."""
        active = next((entry for entry in self._find_entries() if entry.active), None)
        candidates = [entry for entry in self.candidates if entry.finest is None] or self.candidates
        parent = active.parent if active is not None else None
        kin = (e for e in candidates if parent is not None and parent in (e.id, e.name, e.card_id))
        return next(kin, candidates[-1] if candidates else None)

    def choose(self, checkpoint_id: str | None) -> None:
        """Compare with a checkpoint from now on, also on other images; None or an unknown id ends it."""
        self._entry = next((entry for entry in self.candidates if entry.id == checkpoint_id), None)
        document = self._find_document()
        if document is not None:
            self._put(document, None)
            self.request(document)

    def request(self, document: Document) -> None:
        """Have the open image predicted by the other checkpoint too."""
        entry = self._entry
        if entry is not None:
            self._prediction.request_other(
                entry,
                document,
                lambda prediction: self._on_done(document, entry, prediction),
                lambda error: self._on_failed(document, entry, error),
            )

    def _on_checkpoints_changed(self) -> None:
        if self._entry is not None and self.chosen_id not in [entry.id for entry in self.candidates]:
            self.choose(None)  # it has become the active one, or belongs to another project

    def _on_done(self, document: Document, entry: CheckpointEntry, prediction: Prediction) -> None:
        if self._is_wanted(document, entry) and prediction.shape_hw == document.shape_hw:
            self._put(document, prediction)

    def _on_failed(self, document: Document, entry: CheckpointEntry, error: BaseException) -> None:
        if self._is_wanted(document, entry):
            text = f"“{entry.name}” could not be asked about this image: {error}"
            self._events.notice.emit(Notice(Level.WARNING, text))

    def _is_wanted(self, document: Document, entry: CheckpointEntry) -> bool:
        return self._find_document() is document and self._entry is entry

    def _put(self, document: Document, prediction: Prediction | None) -> None:
        document.comparison = prediction
        self._events.comparison_changed.emit(document.image_id)


def _make_stride_views(active: CheckpointEntry) -> list[CheckpointEntry]:
    """The active network as it would see with its coarse strides alone: "1/32", "1/32 + 1/16" ..."""
    views = []
    for count in range(1, len(active.strides)):
        shares = " + ".join(f"1/{stride}" for stride in active.strides[:count])
        finest = active.strides[count - 1]
        views.append(
            replace(
                active,
                id=f"{active.id}@{finest}",
                name=f"Only {shares} of this network",
                card_id=f"{active.card_id}@{finest}",
                active=False,
                finest=finest,
            )
        )
    return views
