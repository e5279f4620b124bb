"""What edits of any size come to: fills, accepted predictions, operations on regions, copied labels.

Every function here reads a `Ground` and returns an edit that is not applied, or None where nothing would
change; they run on the io pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core import regions
from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.core.edit import Edit, make_tiled_edit
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.patch import Planes, choose
from fcn_studio.core.protect import Protection
from fcn_studio.session.document import Document

Plane = NDArray[np.uint8]
Mask = NDArray[np.bool_]
PAINTED, ACCEPTED, IMPORTED = (np.uint8(origin) for origin in list(Provenance)[1:])


class RegionOp(Enum):
    """What can be done to the labelled regions of one class."""

    GROW = "grow"
    SHRINK = "shrink"
    FILL_HOLES = "fill holes"
    DROP_ISLANDS = "remove islands"
    SMOOTH = "smooth"


class Unchanged(Enum):
    """Why an operation on regions would change nothing."""

    NOT_LABELLED = "the class has no labels"
    AS_WANTED = "nothing is to be done"
    PROTECTED = "what is to be done is protected"


@dataclass(frozen=True, eq=False)
class Ground:
    """What an edit looks at: labels, prediction and pixels of one image, and what is protected."""

    label_map: LabelMap
    channels: Plane | None
    classes_of_channels: Plane  # uint8 [256]
    pixels: Plane
    protection: Protection

    @classmethod
    def of(cls, document: Document, table: ClassTable, protection: Protection) -> Ground:
        channels = document.prediction.channels if document.prediction is not None else None
        lut = document.make_prediction_lut(table)
        return cls(document.label_map, channels, lut, document.pixels, protection)

    def predicted(self, box: Box) -> Plane | None:
        """Class ids uint8 [h, w], 255 where the network says nothing that the project knows."""
        return None if self.channels is None else self.classes_of_channels[self.channels[box.slices]]

    def seen_at(self, y: int, x: int) -> int:
        """The mask's class at a pixel: the label, else the prediction; 255 for neither."""
        label = int(self.label_map.labels[y, x])
        if label != UNLABELLED or self.channels is None:
            return label
        return int(self.classes_of_channels[self.channels[y, x]])

    def find_region(self, y: int, x: int) -> regions.Runs:
        """The connected region of the mask that holds a pixel."""
        class_id = self.seen_at(y, x)
        return regions.find_region(
            self.label_map.shape_hw, lambda box: self._find_members(box, class_id), y, x
        )

    def _find_members(self, box: Box, class_id: int) -> Mask:
        """bool [h, w]: where the mask has a class; 255: where it has none."""
        labels = self.label_map.labels[box.slices]
        if self.channels is None:
            return labels == class_id
        wanted, channels = self.classes_of_channels == class_id, self.channels[box.slices]
        used = np.flatnonzero(wanted)
        if used.size <= 3:
            said = np.zeros(labels.shape, np.bool_)
            for channel in used:
                said |= channels == channel
        else:
            said = wanted[channels]
        said &= labels == UNLABELLED
        if class_id != UNLABELLED:
            said |= labels == class_id
        return said

    def allow(self, box: Box, labels: Plane, *, erases: bool) -> Mask | None:
        """Where inside `box` writing is allowed; None = everywhere."""
        over, intensity = self.protection.over, self.protection.intensity
        return self.protection.allow(
            labels,
            self.predicted(box) if over is not None else None,
            self.pixels[box.slices] if intensity is not None else None,
            erases=erases,
        )


def compute_painted(ground: Ground, name: str, box: Box, region: Mask, class_id: int) -> Edit | None:
    """Give the pixels of `region` (bool [h, w] of `box`, inside the image) one class; 255 erases."""
    return _paint(ground, name, box, lambda tile: region[tile.shift(-box.y0, -box.x0).slices], class_id)


def compute_fill(ground: Ground, name: str, y: int, x: int, class_id: int) -> Edit | None:
    """Give the connected region of the mask that holds (y, x) a class."""
    region = ground.find_region(y, x)
    return _paint(ground, name, region.box, region.draw, class_id)


def _paint(ground: Ground, name: str, box: Box, region: regions.Members, class_id: int) -> Edit | None:
    origin = np.uint8(Provenance.NONE) if class_id == UNLABELLED else PAINTED

    def give(tile: Box, _before: Planes) -> tuple[Mask, Plane]:
        mask = region(tile)
        return mask, _even(class_id, tile.shape_hw)

    return _compute(ground, name, box, give, origin, erases=class_id == UNLABELLED)


def compute_accepted(
    ground: Ground, name: str, class_id: int | None = None, at_yx: tuple[int, int] | None = None
) -> Edit | None:
    """Make the prediction the label where nothing is said: everywhere, of one class, or of one region."""
    if ground.channels is None:
        return None
    region = ground.find_region(*at_yx) if at_yx is not None else None
    box = region.box if region is not None else Box.of_shape(ground.label_map.shape_hw)

    def give(tile: Box, before: Planes) -> tuple[Mask, Plane]:
        predicted = ground.predicted(tile)
        assert predicted is not None
        mask = before[0] == UNLABELLED
        mask &= predicted != UNLABELLED if class_id is None else predicted == class_id
        if region is not None:
            mask &= region.draw(tile)
        return mask, predicted

    return _compute(ground, name, box, give, ACCEPTED, erases=False)


def compute_rejected(ground: Ground, name: str, at_yx: tuple[int, int], background_id: int) -> Edit | None:
    """Say that a region of the prediction is background; what a person painted or imported stays."""
    if ground.seen_at(*at_yx) in (UNLABELLED, background_id):
        return None
    region = ground.find_region(*at_yx)

    def give(tile: Box, before: Planes) -> tuple[Mask, Plane]:
        mask = (before[0] == UNLABELLED) | (before[1] == ACCEPTED)
        mask &= region.draw(tile)
        return mask, _even(background_id, tile.shape_hw)

    return _compute(ground, name, region.box, give, PAINTED, erases=False)


def compute_copied(ground: Ground, name: str, other: LabelMap) -> Edit | None:
    """Take the labels of another image of the same size over where this one says nothing."""

    def give(tile: Box, before: Planes) -> tuple[Mask, Plane]:
        theirs = other.labels[tile.slices]
        return (before[0] == UNLABELLED) & (theirs != UNLABELLED), theirs

    whole = Box.of_shape(ground.label_map.shape_hw)
    return _compute(ground, name, whole, give, IMPORTED, erases=False)


def compute_cleared(ground: Ground, name: str) -> Edit | None:
    """Give everything that is not protected back to "unlabelled"."""
    whole = Box.of_shape(ground.label_map.shape_hw)
    return compute_painted(ground, name, whole, np.broadcast_to(True, whole.shape_hw), UNLABELLED)


def compute_region_op(
    ground: Ground, name: str, operation: RegionOp, class_id: int, size_px: int
) -> Edit | Unchanged:
    """Work on the labelled regions of a class. size_px: radius, or the smallest island that stays (pixels).

    Pixels that the class loses become unlabelled; smoothing gives them to the label next to them. Where
    nothing would change, the answer is why.
    """
    members = ground.label_map.labels == class_id
    rows, columns = np.flatnonzero(members.any(axis=1)), np.flatnonzero(members.any(axis=0))
    if not rows.size:
        return Unchanged.NOT_LABELLED
    margin = size_px + 1 if operation in (RegionOp.GROW, RegionOp.SHRINK, RegionOp.SMOOTH) else 1
    tight = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    box = tight.grow(margin).clip(ground.label_map.shape_hw)
    before = members[box.slices]
    after = _OPERATIONS[operation](before, size_px)
    gained, lost = after & ~before, before & ~after
    if not gained.any() and not lost.any():
        return Unchanged.AS_WANTED
    heirs = np.full(box.shape_hw, UNLABELLED, np.uint8)
    if operation is RegionOp.SMOOTH and lost.any():
        labels = ground.label_map.labels[box.slices]
        heirs = regions.compute_majority(labels, lost, size_px, without=class_id)
    if gained.any():
        heirs[gained] = class_id

    def give(tile: Box, before: Planes) -> tuple[Mask, Plane]:
        inner = tile.shift(-box.y0, -box.x0).slices
        painted, allowed = gained[inner], ground.allow(tile, before[0], erases=False)
        if allowed is not None:
            painted = painted & allowed
        return painted | lost[inner], heirs[inner]

    edit = _compute(ground, name, box, give, PAINTED, erases=True)  # what is gained was looked at already
    return edit if edit is not None else Unchanged.PROTECTED


_OPERATIONS: dict[RegionOp, Callable[[Mask, int], Mask]] = {
    RegionOp.GROW: regions.grow,
    RegionOp.SHRINK: regions.shrink,
    RegionOp.FILL_HOLES: lambda mask, _size_px: regions.fill_holes(mask),
    RegionOp.DROP_ISLANDS: regions.drop_islands,
    RegionOp.SMOOTH: regions.smooth,
}


def _compute(
    ground: Ground,
    name: str,
    box: Box,
    give: Callable[[Box, Planes], tuple[Mask, Plane]],
    origin: np.uint8,
    *,
    erases: bool,
) -> Edit | None:
    """`give` says for a tile which pixels get which class; protected ones are left out."""

    def change(tile: Box, before: Planes) -> Planes:
        mask, given = give(tile, before)
        if not mask.any():
            return before
        allowed = ground.allow(tile, before[0], erases=erases)
        if allowed is not None:
            mask = mask & allowed
        origins = _origins_of(given, origin)
        if mask.all():
            return given, origins
        return choose(mask, given, before[0]), choose(mask, origins, before[1])

    return make_tiled_edit(name, ground.label_map, box, change)


def _origins_of(given: Plane, origin: np.uint8) -> Plane:
    """The provenance of class ids, uint8 [h, w]: erased pixels have none; one value seen as many for one."""
    unsaid = np.uint8(Provenance.NONE)
    if not any(given.strides):
        return _even(int(unsaid if given[0, 0] == UNLABELLED else origin), (given.shape[0], given.shape[1]))
    return np.where(given == UNLABELLED, unsaid, origin)


@lru_cache(maxsize=32)
def _even(value: int, shape_hw: tuple[int, int]) -> Plane:
    """uint8 [h, w]: one value seen as many; numpy takes as long to make that as to compare a tile."""
    return np.broadcast_to(np.uint8(value), shape_hw)
