"""An edit: what one action changed, small enough to keep by the hundred, exact enough to take back.

An edit is cut along a 256 px grid into patches, so that its cost follows the pixels it touched and not the
box round them. A patch holds one uint32 a pixel (label and provenance before and after), run-length coded
or deflated, whichever is smaller.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import LabelMap, Provenance

TILE_SIDE_PX = 256
_PATCH_HEAD = struct.Struct("<IIHHBII")  # y0, x0, height, width, coding, payload bytes, changed pixels
_EDIT_HEAD = struct.Struct("<HI")  # bytes of the name, number of patches
_RUNS, _DEFLATED = 0, 1
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # labels and provenance


@dataclass(frozen=True, slots=True)
class Patch:
    """The part of an edit inside one tile of the grid."""

    box: Box
    coding: int
    payload: bytes
    changed_pixels: int

    def decode(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """uint8 [h, w, 4] (label before, provenance before, label after, provenance after) and a mask.

        Raises ValueError when the payload does not describe the box.
        """
        codes = self._read_runs() if self.coding == _RUNS else self._inflate()
        if codes.size != self.box.area:
            raise ValueError("the patch does not fill its box")
        changed = ((codes & 0xFFFF) != (codes >> 16)).reshape(self.box.shape_hw)
        planes = np.ascontiguousarray(codes, "<u4").view(np.uint8).reshape(*self.box.shape_hw, 4)
        return planes, changed

    def _read_runs(self) -> NDArray[np.uint32]:
        lengths, values = np.frombuffer(self.payload, "<u4").reshape(2, -1)
        if int(lengths.sum()) != self.box.area:  # before anything of that size is made
            raise ValueError("the runs of the patch do not fill its box")
        return np.repeat(values, lengths)

    def _inflate(self) -> NDArray[np.uint32]:
        try:
            return np.frombuffer(zlib.decompress(self.payload), "<u4")
        except zlib.error as error:
            raise ValueError(f"the patch cannot be unpacked: {error}") from error


@dataclass(frozen=True)
class Edit:
    """A named change of a label map; `apply` and `revert` are exact inverses of one another."""

    name: str
    patches: tuple[Patch, ...]

    @cached_property
    def box(self) -> Box:
        """The smallest box that holds every patch."""
        box = self.patches[0].box
        for patch in self.patches[1:]:
            box = box.union(patch.box)
        return box

    @property
    def changed_pixels(self) -> int:
        return sum(patch.changed_pixels for patch in self.patches)

    @property
    def size_bytes(self) -> int:
        """Memory that the edit takes, near enough for a budget."""
        return sum(len(patch.payload) + 120 for patch in self.patches) + 200

    def apply(self, label_map: LabelMap) -> Box:
        """Write the values after; returns the box to repaint."""
        return self._write(label_map, after=True)

    def revert(self, label_map: LabelMap) -> Box:
        """Write the values before; returns the box to repaint."""
        return self._write(label_map, after=False)

    def _write(self, label_map: LabelMap, *, after: bool) -> Box:
        if self.box.clip(label_map.shape_hw) != self.box:
            raise ValueError(f"the edit {self.box} lies outside an image of {label_map.shape_hw}")
        labels, provenance = label_map.writable()
        first = 2 if after else 0
        for patch in self.patches:
            planes, changed = patch.decode()
            labels[patch.box.slices][changed] = planes[..., first][changed]
            provenance[patch.box.slices][changed] = planes[..., first + 1][changed]
        return self.box

    def to_bytes(self) -> bytes:
        """The form that the journal keeps."""
        name = self.name.encode()[:1000]
        parts = [_EDIT_HEAD.pack(len(name), len(self.patches)), name]
        for patch in self.patches:
            box = patch.box
            head = (box.y0, box.x0, box.height, box.width, patch.coding, len(patch.payload))
            parts += [_PATCH_HEAD.pack(*head, patch.changed_pixels), patch.payload]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Edit:
        """The inverse of `to_bytes`; raises ValueError for anything else."""
        try:
            name_size, count = _EDIT_HEAD.unpack_from(data, 0)
            offset = _EDIT_HEAD.size
            name = data[offset : offset + name_size].decode(errors="replace")
            offset += name_size
            patches = []
            for _ in range(count):
                y0, x0, height, width, coding, size, changed = _PATCH_HEAD.unpack_from(data, offset)
                offset += _PATCH_HEAD.size
                payload = data[offset : offset + size]
                if len(payload) != size or coding not in (_RUNS, _DEFLATED):
                    raise ValueError("a patch is cut off")
                patches.append(Patch(Box(y0, x0, y0 + height, x0 + width), coding, payload, changed))
                offset += size
        except struct.error as error:
            raise ValueError(f"no edit: {error}") from error
        if not patches or offset != len(data):
            raise ValueError("no edit: wrong length")
        return cls(name, tuple(patches))


def _encode_patch(box: Box, before: Planes, after: Planes) -> Patch | None:
    """A patch from labels and provenance (uint8 [h, w] of `box`) before and after; None when equal.

    Runs at the end of each stroke: cut down to what changed first, since most of a tile did not.
    """
    changed = (before[0] != after[0]) | (before[1] != after[1])
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not rows.size:
        return None
    inner = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    codes = np.empty((*inner.shape_hw, 4), np.uint8)
    for plane, values in enumerate((*before, *after)):
        codes[..., plane] = values[inner.slices]
    flat = codes.view("<u4").ravel()
    count = int(np.count_nonzero(changed))
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    box = inner.shift(box.y0, box.x0)
    if 8 * (starts.size + 1) > flat.nbytes // 8:
        return Patch(box, _DEFLATED, zlib.compress(flat.tobytes(), 1), count)
    bounds = np.concatenate(([0], starts, [flat.size]))
    runs = np.stack([np.diff(bounds), flat[bounds[:-1]]]).astype("<u4")
    return Patch(box, _RUNS, runs.tobytes(), count)


def make_edit(
    name: str,
    label_map: LabelMap,
    box: Box,
    labels: NDArray[np.uint8],
    provenance: NDArray[np.uint8],
) -> Edit | None:
    """The edit that brings `label_map` to `labels` and `provenance` (uint8 [h, w]) inside `box`.

    Applies nothing. Returns None where nothing would change. `box` must lie inside the image.
    """
    patches = []
    for tile in box.tiles(TILE_SIDE_PX):
        inner = tile.shift(-box.y0, -box.x0).slices
        before = label_map.labels[tile.slices], label_map.provenance[tile.slices]
        patches.append(_encode_patch(tile, before, (labels[inner], provenance[inner])))
    return make_edit_of(name, patches)


def make_edit_of(name: str, patches: Iterable[Patch | None]) -> Edit | None:
    """An edit of the patches that are not None; None when there are none."""
    kept = tuple(patch for patch in patches if patch is not None)
    return Edit(name, kept) if kept else None


class StrokeRecorder:
    """Turns the dabs of one drag into one edit.

    Each dab is applied at once; the tiles it touches are remembered as they were before the drag, so the
    cost of a dab does not grow with the image or with the length of the stroke.
    """

    def __init__(self, label_map: LabelMap, name: str) -> None:
        self._label_map = label_map
        self._name = name
        self._before: dict[Box, Planes] = {}

    def paint(self, box: Box, mask: NDArray[np.bool_], class_id: int, provenance: int) -> Box | None:
        """Give the pixels of `mask` (bool [h, w] of `box`) a class; returns the box that changed.

        `class_id` 255 erases: the provenance becomes NONE.
        """
        inside = box.clip(self._label_map.shape_hw)
        if inside.is_empty:
            return None
        mask = mask[inside.shift(-box.y0, -box.x0).slices]
        if not mask.any():
            return None
        self._remember(inside)
        labels, origins = self._label_map.writable()
        labels[inside.slices][mask] = class_id
        origins[inside.slices][mask] = provenance if class_id != UNLABELLED else Provenance.NONE
        return inside

    def _remember(self, box: Box) -> None:
        whole = Box.of_shape(self._label_map.shape_hw)
        for part in box.tiles(TILE_SIDE_PX):
            y0, x0 = part.y0 // TILE_SIDE_PX * TILE_SIDE_PX, part.x0 // TILE_SIDE_PX * TILE_SIDE_PX
            tile = Box(y0, x0, y0 + TILE_SIDE_PX, x0 + TILE_SIDE_PX).intersect(whole)
            if tile not in self._before:
                labels, provenance = self._planes(tile)
                self._before[tile] = labels.copy(), provenance.copy()

    def _planes(self, tile: Box) -> Planes:
        return self._label_map.labels[tile.slices], self._label_map.provenance[tile.slices]

    def finish(self) -> Edit | None:
        """The whole drag as one edit that is already applied; None when nothing changed."""
        patches = [_encode_patch(tile, old, self._planes(tile)) for tile, old in self._before.items()]
        self._before = {}
        return make_edit_of(self._name, patches)

    def cancel(self) -> Box | None:
        """Put everything back as it was before the drag; returns the box to repaint."""
        edit = self.finish()
        return edit.revert(self._label_map) if edit else None
