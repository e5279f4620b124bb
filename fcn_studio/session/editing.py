"""Changing the labels of the open image: strokes, whole-image edits, undo and redo, and keeping them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.edit import Edit, make_edit
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.regions import compute_region
from fcn_studio.core.stroke import StrokeRecorder
from fcn_studio.io.export import compose_mask
from fcn_studio.session.classes import ClassDesk
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.keeping import Keeper
from fcn_studio.session.workers import Workers

# One whole-image edit: given labels, provenance and mask it returns (box, labels, provenance) or None.
Planes = tuple[Box, NDArray[np.uint8], NDArray[np.uint8]]
Computation = Callable[[LabelMap, NDArray[np.uint8]], Planes | None]


class EditingDesk:
    """All ways to change labels; each ends in one edit that is applied, remembered and journalled.

    Strokes are applied as they are drawn. Edits of the whole image are computed on the io pool from a
    snapshot that is taken there too; when the labels moved meanwhile (their revision tells, also of a
    snapshot torn by a stroke) they are computed again, never merged. Only classes of the project can be
    given; as long as it has none nothing can be labelled.
    """

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        keeper: Keeper,
        find_document: Callable[[], Document | None],
        classes: ClassDesk,
    ) -> None:
        self._events = events
        self._workers = workers
        self._keeper = keeper
        self._find_document = find_document
        self._classes = classes
        self._stroke: StrokeRecorder | None = None

    # --- strokes -------------------------------------------------------------------------------------

    @property
    def in_stroke(self) -> bool:
        return self._stroke is not None

    def begin_stroke(self, name: str) -> None:
        """Start a drag; a drag that was still running is finished first."""
        self.finish_stroke()
        document = self._find_document()
        if document is not None:
            self._stroke = StrokeRecorder(document.label_map, name)

    def paint(self, box: Box, mask: NDArray[np.bool_], class_id: int) -> None:
        """Give the pixels of `mask` (bool [h, w] of `box`, which may leave the image) a class.

        255 gives them back to "unlabelled". Without a running stroke, or with a class that the project does
        not have, nothing happens.
        """
        document = self._find_document()
        if self._stroke is None or document is None or not self._classes.can_paint(class_id):
            return
        origin = Provenance.NONE if class_id == UNLABELLED else Provenance.PAINTED
        changed = self._stroke.paint(box, mask, class_id, origin)
        if changed is not None:
            self._events.labels_changed.emit(document.image_id, changed)

    def finish_stroke(self) -> None:
        """The drag has ended: one edit, written to the journal before this returns."""
        document, stroke, self._stroke = self._find_document(), self._stroke, None
        edit = stroke.finish() if stroke is not None else None
        if document is not None and edit is not None:
            self._remember(document, edit)

    def cancel_stroke(self) -> None:
        """The drag did not count: everything is as it was before it."""
        document, stroke, self._stroke = self._find_document(), self._stroke, None
        box = stroke.cancel() if stroke is not None else None
        if document is not None and box is not None:
            self._events.labels_changed.emit(document.image_id, box)

    # --- edits of the whole image ----------------------------------------------------------------------

    def request_fill(self, y: int, x: int, class_id: int) -> None:
        """Give the connected region of the mask round (y, x) a class."""

        def compute(label_map: LabelMap, mask: NDArray[np.uint8]) -> Planes:
            box, region = compute_region(mask, y, x)
            return box, *_painted(label_map, box, region, class_id, Provenance.PAINTED)

        document = self._find_document()
        inside = document is not None and Box.of_shape(document.shape_hw).contains(y, x)
        if inside and self._classes.can_paint(class_id):
            self._request("Fill", compute)

    def request_accept_all(self) -> None:
        """Make the prediction the label wherever nothing has been said yet."""
        document = self._find_document()
        if document is None or document.prediction is None:
            self._tell("There is no prediction to accept yet. Wait a moment.")
            return
        if self._classes.is_preview:
            self._tell("Choose the classes first: the model’s, or your own.")
            return

        def compute(label_map: LabelMap, mask: NDArray[np.uint8]) -> Planes | None:
            unsaid = (label_map.labels == UNLABELLED) & (mask != UNLABELLED)
            if not unsaid.any():
                return None
            provenance = np.where(unsaid, np.uint8(Provenance.ACCEPTED), label_map.provenance)
            return Box.of_shape(label_map.shape_hw), np.where(unsaid, mask, label_map.labels), provenance

        self._request("Accept all", compute)

    def request_clear(self) -> None:
        """Give the whole image back to "unlabelled"."""

        def compute(label_map: LabelMap, _mask: NDArray[np.uint8]) -> Planes:
            empty = LabelMap.empty(label_map.shape_hw)
            return Box.of_shape(label_map.shape_hw), empty.labels, empty.provenance

        self._request("Clear labels", compute)

    def _request(self, name: str, compute: Computation) -> None:
        self.finish_stroke()
        document = self._find_document()
        if document is None:
            return
        label_map, revision = document.label_map, document.label_map.revision
        channels = document.prediction.channels if document.prediction is not None else None
        lut = document.make_prediction_lut(self._classes.table)

        def run() -> Edit | None:
            snapshot = label_map.copy()
            mask = compose_mask(snapshot.labels, lut[channels]) if channels is not None else snapshot.labels
            planes = compute(snapshot, mask)
            return make_edit(name, snapshot, *planes) if planes is not None else None

        def on_done(edit: Edit | None) -> None:
            if self._find_document() is not document or edit is None:
                return
            if label_map.revision != revision or self.in_stroke:
                self._request(name, compute)
                return
            self._events.labels_changed.emit(document.image_id, edit.apply(label_map))
            self._remember(document, edit)

        self._workers.pool.submit(run, on_done, self._on_failed, key="edit")

    def _tell(self, text: str) -> None:
        self._events.notice.emit(Notice(Level.INFO, text))

    def _on_failed(self, error: BaseException) -> None:
        self._events.notice.emit(Notice(Level.ERROR, f"The labels were not changed: {error}"))

    # --- history -----------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        document = self._find_document()
        return document is not None and (document.history.can_undo or self.in_stroke)

    @property
    def can_redo(self) -> bool:
        document = self._find_document()
        return document is not None and document.history.can_redo

    @property
    def undo_name(self) -> str:
        """What undo would take back, for menus; empty when there is nothing."""
        document = self._find_document()
        return document.history.done[-1].name if document is not None and document.history.can_undo else ""

    @property
    def redo_name(self) -> str:
        document = self._find_document()
        return document.history.undone[-1].name if document is not None and document.history.can_redo else ""

    def undo(self) -> None:
        """Take the last edit back; a running stroke is finished and taken back."""
        self.finish_stroke()
        document = self._find_document()
        if document is not None and document.history.can_undo:
            box = document.history.undo(document.label_map)
            self._keeper.keep_undo()
            self._announce(document, box)

    def redo(self) -> None:
        self.finish_stroke()
        document = self._find_document()
        if document is not None and document.history.can_redo:
            box = document.history.redo(document.label_map)
            self._keeper.keep_redo()
            self._announce(document, box)

    # --- keeping -----------------------------------------------------------------------------------------

    @property
    def saved(self) -> Saved:
        return self._keeper.saved

    @property
    def journal_frames(self) -> int:
        """How many changes of the open image its journal has noted since it was opened."""
        return self._keeper.journal_frames

    def save_now(self) -> None:
        """Write the label PNG of the open image in the background; the journal is always up to date."""
        self.finish_stroke()
        self._keeper.request_save()

    def catch_up(self) -> None:
        """Try again, in the background, to write what the disk has refused; to be called now and then."""
        self._keeper.catch_up()

    def _remember(self, document: Document, edit: Edit) -> None:
        document.history.push(edit)
        self._keeper.keep_edit(edit)
        self._announce(document, None)

    def _announce(self, document: Document, box: Box | None) -> None:
        if box is not None:
            self._events.labels_changed.emit(document.image_id, box)
        self._events.history_changed.emit()


def _painted(
    label_map: LabelMap, box: Box, region: NDArray[np.bool_], class_id: int, origin: Provenance
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels and provenance inside `box` once the pixels of `region` have a class."""
    if class_id == UNLABELLED:
        origin = Provenance.NONE
    labels = np.where(region, np.uint8(class_id), label_map.labels[box.slices])
    return labels, np.where(region, np.uint8(origin), label_map.provenance[box.slices])
