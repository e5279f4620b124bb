"""Changing the labels of the open image: strokes, edits of any size, undo and redo, and keeping them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.edit import Edit
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.protect import Protection
from fcn_studio.core.similar import compute_similar
from fcn_studio.session import whole_image
from fcn_studio.session.edit_queue import Computation, EditRequest, Found
from fcn_studio.session.region_words import NOT_PREDICTED, PROTECTED, explain_unchanged, name_region_edit
from fcn_studio.session.strokes import Painted, StrokeDesk
from fcn_studio.session.whole_image import Ground, RegionOp

SMALL_AREA_PX = 512 * 512  # a shape up to this size is applied at once, a larger one in the background


class EditingDesk(StrokeDesk):
    """All ways to change labels; each ends in one edit that is applied, remembered and journalled.

    Strokes are applied as they are drawn. What can be as large as the image is computed on the io pool; when
    the labels moved meanwhile it is computed again, never merged. Only classes of the project can be given;
    as long as it has none nothing can be labelled. What `protection` and the locks of classes guard stays.
    """

    def apply_shape(self, name: str, box: Box, make: Callable[[], Painted], class_id: int) -> Painted | None:
        """Give a closed shape inside `box` a class as one edit; at once where it is small.

        make: makes its pixels, on the io pool where they are many. Returns those that were written at once.
        """
        if box.area > SMALL_AREA_PX:
            self._request_painted(name, lambda _ground: make(), class_id)
            return None
        self.begin_stroke(name)
        painted = self.paint(*make(), class_id)
        self.finish_stroke()
        return painted

    def request_fill(self, y: int, x: int, class_id: int) -> None:
        """Give the connected region of the mask round (y, x) a class."""
        if self._holds(y, x) and self._classes.can_paint(class_id):
            name = self._name_edit("Fill with {0}", class_id, "Erase region")
            self._request(name, lambda ground: whole_image.compute_fill(ground, name, y, x, class_id))

    def request_similar(self, y: int, x: int, class_id: int, tolerance: int, *, contiguous: bool) -> None:
        """Give the pixels that look like (y, x) a class; tolerance 0 to 255 in each channel."""
        if self._holds(y, x):
            self._request_painted(
                self._name_edit("Magic wand: {0}", class_id, "Erase similar"),
                lambda ground: compute_similar(ground.pixels, y, x, tolerance, contiguous=contiguous),
                class_id,
            )

    def request_accept_all(self) -> None:
        """Make the prediction the label wherever nothing has been said yet."""
        if self._has_answer():
            self._request("Accept all", lambda ground: whole_image.compute_accepted(ground, "Accept all"))

    def request_accept_class(self, class_id: int) -> None:
        """Make the prediction the label wherever it says this class and nothing has been said yet."""
        name = f"Accept {self._name_of(class_id)}"
        if self._has_answer():
            self._request(
                name,
                lambda ground: whole_image.compute_accepted(ground, name, class_id),
                f"Nothing unlabelled is predicted as {self._name_of(class_id)}.",
            )

    def request_accept_region(self, y: int, x: int) -> None:
        """Make the prediction the label in the region round (y, x), where nothing has been said yet."""
        if self._holds(y, x) and self._has_answer():
            name = self._name_region("Accept", y, x)

            def compute(ground: Ground) -> Found:
                if ground.seen_at(y, x) == UNLABELLED:
                    return NOT_PREDICTED
                return whole_image.compute_accepted(ground, name, at_yx=(y, x))

            self._request(name, compute, "This region is labelled already.")

    def request_reject_region(self, y: int, x: int) -> None:
        """Say that the predicted region round (y, x) is background."""
        background_id = self.background_id
        if not self._holds(y, x) or not self._has_answer():
            return
        if background_id is None:
            self._tell("There is no class “background” to reject to. Add it, or paint the right class.")
            return
        name = self._name_region("Reject", y, x)

        def compute(ground: Ground) -> Found:
            if ground.seen_at(y, x) == UNLABELLED:
                return NOT_PREDICTED
            return whole_image.compute_rejected(ground, name, (y, x), background_id)

        self._request(name, compute, "This is background or labelled by hand already. Paint what it is.")

    def request_region_op(self, operation: RegionOp, class_id: int, size_px: int) -> None:
        """Grow, shrink, fill, clean or smooth the labelled regions of a class."""
        if not self._classes.can_paint(class_id) or class_id == UNLABELLED:
            return
        class_name = self._name_of(class_id)
        name = name_region_edit(operation, class_name)

        def compute(ground: Ground) -> Found:
            found = whole_image.compute_region_op(ground, name, operation, class_id, size_px)
            if isinstance(found, Edit):
                return found
            return explain_unchanged(found, operation, class_name, size_px)

        self._request(name, compute)

    def request_copy(self, other: LabelMap, name: str) -> None:
        """Take the labels of another image of the same size over where this one has none."""
        document = self._find_document()
        if document is not None and other.shape_hw == document.shape_hw:
            self._request(
                name,
                lambda ground: whole_image.compute_copied(ground, name, other),
                "There was nothing to copy: no labels there, or all of this image is labelled.",
            )

    def request_clear(self) -> None:
        """Give the whole image back to "unlabelled"."""
        self._request("Clear labels", lambda ground: whole_image.compute_cleared(ground, "Clear labels"))

    def _request_painted(self, name: str, find: Callable[[Ground], Painted], class_id: int) -> None:
        def compute(ground: Ground) -> Edit | None:
            box, mask = find(ground)
            return whole_image.compute_painted(ground, name, box, mask, class_id)

        if self._classes.can_paint(class_id):
            self._request(name, compute)

    def _request(self, name: str, compute: Callable[[Ground], Found], nothing: str = "") -> None:
        """nothing: what to tell where it changes nothing, and nothing that it would change is protected."""
        self.finish_stroke()
        document = self._find_document()
        if document is None:
            return

        def make() -> Computation:
            ground = self._make_ground(document)
            return lambda: compute(ground) or (_find_protected(compute, ground) if nothing else None)

        could_undo = self.can_undo
        self._queue.submit(EditRequest(name, document, make, nothing))
        if not could_undo:
            self._events.undo_changed.emit()

    def _name_region(self, verb: str, y: int, x: int) -> str:
        """What is done to the region round a pixel of the image, with its class as it is seen."""
        document = self._find_document()
        class_id = UNLABELLED if document is None else self._make_ground(document).seen_at(y, x)
        return f"{verb} region" if class_id == UNLABELLED else f"{verb} region of {self._name_of(class_id)}"

    def _holds(self, y: int, x: int) -> bool:
        document = self._find_document()
        return document is not None and Box.of_shape(document.shape_hw).contains(y, x)

    def _has_answer(self) -> bool:
        """Whether there is a prediction that can be accepted; says so where not."""
        document = self._find_document()
        if document is None or document.prediction is None:
            self._tell("There is no prediction to accept yet. Wait a moment.")
        elif self._classes.is_preview:
            self._tell("Choose the classes first: the model’s, or your own.")
        else:
            return True
        return False

    def _name_edit(self, with_class: str, class_id: int, without: str) -> str:
        return without if class_id == UNLABELLED else with_class.format(self._name_of(class_id))

    def _name_of(self, class_id: int) -> str:
        entry = self._classes.table.by_id(class_id)
        return entry.name if entry is not None else f"class {class_id}"


def _find_protected(compute: Callable[[Ground], Found], ground: Ground) -> str | None:
    """For what changes nothing: the sentence that says so, where it would without protection."""
    is_held_back = ground.protection.is_active and compute(replace(ground, protection=Protection()))
    return PROTECTED if is_held_back else None
