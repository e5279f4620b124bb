"""An edit: what one action changed, small enough to keep by the hundred, exact enough to take back.

An edit is cut along a 256 px grid into patches, so that its cost follows the pixels it touched and not the
box round them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.patch import DEFLATED, PLANES, RUNS, TILE_SIDE_PX, Patch, Planes, make_patch

_PATCH_HEAD = struct.Struct("<IIHHBII")  # y0, x0, height, width, coding, payload bytes, changed pixels
_EDIT_HEAD = struct.Struct("<HI")  # bytes of the name, number of patches
# Given a tile's box and its planes before: the planes after.
Change = Callable[[Box, Planes], Planes]


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
        for patch in self.patches:
            patch.write(labels, provenance, after=after)
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
                if len(payload) != size or coding not in (RUNS, DEFLATED, PLANES):
                    raise ValueError("a patch is cut off")
                patches.append(Patch(Box(y0, x0, y0 + height, x0 + width), coding, payload, changed))
                offset += size
        except struct.error as error:
            raise ValueError(f"no edit: {error}") from error
        if not patches or offset != len(data):
            raise ValueError("no edit: wrong length")
        return cls(name, tuple(patches))


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

    def change(tile: Box, _before: Planes) -> Planes:
        inner = tile.shift(-box.y0, -box.x0).slices
        return labels[inner], provenance[inner]

    return make_tiled_edit(name, label_map, box, change)


def make_tiled_edit(name: str, label_map: LabelMap, box: Box, change: Change) -> Edit | None:
    """The edit that `change` describes tile by tile inside `box`, so that nothing of the box's size is made.

    Applies nothing. Returns None where nothing would change. `box` must lie inside the image.
    """
    patches = []
    for tile in box.tiles(TILE_SIDE_PX):
        # in memory without gaps: numpy is much quicker over one long row than over many short
        before = (
            np.ascontiguousarray(label_map.labels[tile.slices]),
            np.ascontiguousarray(label_map.provenance[tile.slices]),
        )
        patches.append(make_patch(tile, before, change(tile, before)))
    return make_edit_of(name, patches)


def make_edit_of(name: str, patches: Iterable[Patch | None]) -> Edit | None:
    """An edit of the patches that are not None; None when there are none."""
    kept = tuple(patch for patch in patches if patch is not None)
    return Edit(name, kept) if kept else None
