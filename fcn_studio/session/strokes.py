"""Strokes on the open image: drawn dab by dab, noted in the journal, undone and redone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import BACKGROUND_KEY, UNLABELLED, ClassTable
from fcn_studio.core.edit import Edit
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.protect import Protection
from fcn_studio.core.stroke import StrokeRecorder
from fcn_studio.session.classes import ClassDesk
from fcn_studio.session.document import Document
from fcn_studio.session.edit_queue import EditQueue
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.keeping import Keeper
from fcn_studio.session.whole_image import Ground
from fcn_studio.session.workers import Workers

Mask = NDArray[np.bool_]
Painted = tuple[Box, Mask]


class StrokeDesk:
    """The half of `EditingDesk` that answers at once."""

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        keeper: Keeper,
        find_document: Callable[[], Document | None],
        classes: ClassDesk,
    ) -> None:
        self._events = events
        self._keeper = keeper
        self._find_document = find_document
        self._classes = classes
        self._stroke: StrokeRecorder | None = None
        self._saves_next = False  # once the stroke has ended
        self._protection = Protection()
        events.project_left.connect(self._on_project_left)
        self._with_locks: tuple[ClassTable, Protection] | None = None  # kept, because every dab asks
        self._queue = EditQueue(
            workers, lambda: self.in_stroke, self._take, self._on_unchanged, self._on_failed
        )

    # --- what is protected -----------------------------------------------------------------------------

    @property
    def protection(self) -> Protection:
        """What the tools leave alone, the locks of the classes included."""
        table = self._classes.table
        if self._with_locks is None or self._with_locks[0] is not table:
            locked = frozenset(entry.id for entry in table if entry.locked)
            self._with_locks = table, replace(self._protection, locked=locked)
        return self._with_locks[1]

    def protect(self, protection: Protection) -> None:
        """Leave other pixels alone from now on; locks belong to the classes and are not taken from here."""
        self._protection, self._with_locks = replace(protection, locked=frozenset()), None
        self._events.protection_changed.emit()

    def _on_project_left(self) -> None:
        """Ids of its classes mean others in the next project, or none."""
        if self._protection.over is not None:
            self.protect(replace(self._protection, over=None))

    # --- strokes -------------------------------------------------------------------------------------

    @property
    def in_stroke(self) -> bool:
        return self._stroke is not None

    def begin_stroke(self, name: str) -> None:
        """Start a drag; a drag that was still running is finished first."""
        self.finish_stroke()
        document = self._find_document()
        if document is not None:
            could_undo = self.can_undo
            self._stroke = StrokeRecorder(document.label_map, name)
            if not could_undo:
                self._events.undo_changed.emit()

    def paint(self, box: Box, mask: Mask, class_id: int) -> Painted | None:
        """Give the pixels of `mask` (bool [h, w] of `box`, which may leave the image) a class.

        255 gives them back to "unlabelled". Returns the box and the pixels that were written. Without a
        running stroke nothing happens; a class that the project does not have (any more) ends the stroke.
        """
        if self._stroke is not None and not self._classes.can_paint(class_id):
            self.finish_stroke()
        return self._write(box, mask, class_id, Provenance.PAINTED)

    def accept(self, box: Box, mask: Mask) -> Painted | None:
        """Make the prediction the label under a dab, where nothing is said; within a stroke."""
        document = self._find_document()
        if document is None or self._stroke is None or self._classes.is_preview:
            return None
        inside = box.clip(document.shape_hw)
        ground = self._make_ground(document)
        predicted = ground.predicted(inside)
        if inside.is_empty or predicted is None:
            return None
        free = document.label_map.labels[inside.slices] == UNLABELLED
        free &= predicted != UNLABELLED
        free &= mask[inside.shift(-box.y0, -box.x0).slices]
        return self._write(inside, free, predicted, Provenance.ACCEPTED)

    def reject(self, box: Box, mask: Mask) -> Painted | None:
        """Say that the prediction under a dab is background, where no person said more; within a stroke."""
        document, background_id = self._find_document(), self.background_id
        if document is None or self._stroke is None or background_id is None:
            return None
        inside = box.clip(document.shape_hw)
        predicted = self._make_ground(document).predicted(inside)
        if inside.is_empty or predicted is None:
            return None
        label_map = document.label_map
        wrong = label_map.labels[inside.slices] == UNLABELLED
        wrong |= label_map.provenance[inside.slices] == Provenance.ACCEPTED
        wrong &= (predicted != UNLABELLED) & (predicted != background_id)
        wrong &= mask[inside.shift(-box.y0, -box.x0).slices]
        return self._write(inside, wrong, background_id, Provenance.PAINTED)

    def _write(
        self, box: Box, mask: Mask, class_id: int | NDArray[np.uint8], origin: Provenance
    ) -> Painted | None:
        document, stroke = self._find_document(), self._stroke
        if stroke is None or document is None:
            return None
        inside = box.clip(document.shape_hw)
        if inside.is_empty:
            return None
        mask = mask[inside.shift(-box.y0, -box.x0).slices]
        if self.protection.is_active:
            erases = isinstance(class_id, int) and class_id == UNLABELLED
            labels = document.label_map.labels[inside.slices]
            allowed = self._make_ground(document).allow(inside, labels, erases=erases)
            mask = mask if allowed is None else mask & allowed
        changed = stroke.paint(inside, mask, class_id, origin)
        if changed is None:
            return None
        self._events.labels_changed.emit(document.image_id, changed)
        return inside, mask

    def finish_stroke(self) -> None:
        """The drag has ended: one edit, written to the journal before this returns."""
        document, stroke, self._stroke = self._find_document(), self._stroke, None
        edit = stroke.finish() if stroke is not None else None
        if document is not None and edit is not None:
            self._remember(document, edit)
        if stroke is not None:
            self._end_stroke()

    def cancel_stroke(self) -> None:
        """The drag did not count: everything is as it was before it."""
        document, stroke, self._stroke = self._find_document(), self._stroke, None
        box = stroke.cancel() if stroke is not None else None
        if document is not None and box is not None:
            self._events.labels_changed.emit(document.image_id, box)
        self._end_stroke()

    def _end_stroke(self) -> None:
        """What had to wait for the end of the drag."""
        if self._saves_next:
            self.save_now()
        if not self.can_undo:
            self._events.undo_changed.emit()
        self._queue.go_on()

    def finish(self) -> Callable[[], Iterator[Edit]] | None:
        """End the stroke: the image is about to be left.

        Returns what is still to be computed, as a function for the io pool; see `EditQueue.hand_over`.
        """
        self.finish_stroke()
        return self._queue.hand_over()

    def _make_ground(self, document: Document) -> Ground:
        return Ground.of(document, self._classes.table, self.protection)

    @property
    def background_id(self) -> int | None:
        """The class that rejected predictions become; None where the project has none."""
        entry = self._classes.table.by_key(BACKGROUND_KEY)
        return entry.id if entry is not None else None

    # --- history -----------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        document = self._find_document()
        is_busy = self.in_stroke or not self._queue.is_empty
        return document is not None and (document.history.can_undo or is_busy)

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
        """Take the last edit back; a running stroke is finished and taken back.

        What is still being computed is the last edit that a person asked for: it is dropped.
        """
        was_stroke = self.in_stroke
        self.finish_stroke()
        if not was_stroke and self._queue.drop_last():
            self._events.undo_changed.emit()
            return
        document = self._find_document()
        if document is not None and document.history.can_undo:
            edit, box = document.history.done[-1], document.history.undo(document.label_map)
            self._keeper.keep_undo(edit)
            self._announce(document, box)

    def drop_waiting(self) -> None:
        """Forget what is still being computed; a running stroke is finished."""
        self.finish_stroke()
        self._queue.drop_all()
        self._events.undo_changed.emit()

    def redo(self) -> None:
        self.finish_stroke()
        document = self._find_document()
        if document is not None and document.history.can_redo:
            edit, box = document.history.undone[-1], document.history.redo(document.label_map)
            self._keeper.keep_redo(edit)
            self._announce(document, box)

    # --- keeping -----------------------------------------------------------------------------------------

    @property
    def saved(self) -> Saved:
        return self._keeper.saved

    @property
    def is_at_risk(self) -> bool:
        """Whether closing now would lose finished strokes."""
        return self._keeper.is_at_risk

    @property
    def journal_frames(self) -> int:
        """How many changes of the open image its journal has noted since it was opened."""
        return self._keeper.journal_frames

    def save_now(self) -> None:
        """Write the label PNG of the open image in the background; the journal is always up to date.

        A running stroke goes on; then it is written at its end.
        """
        self._saves_next = self.in_stroke
        if not self._saves_next:
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

    def _take(self, document: Document, edit: Edit) -> None:
        if self._find_document() is document:
            self._events.labels_changed.emit(document.image_id, edit.apply(document.label_map))
            self._events.edit_applied.emit(document.image_id, edit)
            self._remember(document, edit)

    def _on_unchanged(self, text: str) -> None:
        self._events.undo_changed.emit()
        if text:
            self._tell(text)

    def _tell(self, text: str) -> None:
        self._events.notice.emit(Notice(Level.INFO, text))

    def _on_failed(self, error: BaseException) -> None:
        self._events.undo_changed.emit()
        self._events.notice.emit(Notice(Level.ERROR, f"The labels were not changed: {error}"))
