"""The running stroke: dabs are applied as they come, and become one edit when the drag ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.edit import Edit, make_edit_of
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.patch import TILE_SIDE_PX, Patch, Planes, make_patch

CODED_PER_DAB = 12  # tiles that the brush has left, coded while the stroke goes on


class _Tile:
    """One tile of the grid that the stroke has touched: how it was, how far it is touched, its patch."""

    __slots__ = ("before", "box", "is_coded", "patch", "touched")

    def __init__(self, box: Box, before: Planes) -> None:
        self.box, self.before = box, before
        self.touched = Box(box.y0, box.x0, box.y0, box.x0)
        self.is_coded = False
        self.patch: Patch | None = None


class StrokeRecorder:
    """Turns the dabs of one drag into one edit.

    Each dab is applied at once; the tiles it touches are remembered as they were before the drag, so the
    cost of a dab does not grow with the image or with the length of the stroke. A tile that the brush has
    left is coded while the stroke goes on, so that the end of a long one finds only the last few to be done.
    """

    def __init__(self, label_map: LabelMap, name: str) -> None:
        self._label_map = label_map
        self._name = name
        self._tiles: dict[tuple[int, int], _Tile] = {}
        self._waiting: dict[tuple[int, int], _Tile] = {}  # touched since they were coded, longest ago first

    def paint(
        self, box: Box, mask: NDArray[np.bool_], class_id: int | NDArray[np.uint8], provenance: int
    ) -> Box | None:
        """Give the pixels of `mask` (bool [h, w] of `box`) a class; returns the box that changed.

        `class_id` may be uint8 [h, w] of `box`: a class for each pixel. 255 erases: the provenance becomes
        NONE there.
        """
        inside = box.clip(self._label_map.shape_hw)
        if inside.is_empty:
            return None
        part = inside.shift(-box.y0, -box.x0).slices
        mask = mask[part]
        if not mask.any():
            return None
        touched = self._remember(inside)
        labels, origins = self._label_map.writable()
        given: np.uint8 | NDArray[np.uint8]
        origin: np.uint8 | NDArray[np.uint8]
        if isinstance(class_id, int):
            given = np.uint8(class_id)
            origin = np.uint8(Provenance.NONE if class_id == UNLABELLED else provenance)
        else:
            given = class_id[part]
            origin = np.where(given == UNLABELLED, np.uint8(Provenance.NONE), np.uint8(provenance))
        np.copyto(labels[inside.slices], given, where=mask)
        np.copyto(origins[inside.slices], origin, where=mask)
        self._code_some(touched)
        return inside

    def _remember(self, box: Box) -> set[tuple[int, int]]:
        whole, touched = Box.of_shape(self._label_map.shape_hw), set()
        for part in box.tiles(TILE_SIDE_PX):
            key = part.y0 // TILE_SIDE_PX, part.x0 // TILE_SIDE_PX
            tile = self._tiles.get(key)
            if tile is None:
                y0, x0 = key[0] * TILE_SIDE_PX, key[1] * TILE_SIDE_PX
                area = Box(y0, x0, y0 + TILE_SIDE_PX, x0 + TILE_SIDE_PX).intersect(whole)
                labels, provenance = self._planes(area)
                tile = self._tiles[key] = _Tile(area, (labels.copy(), provenance.copy()))
            tile.touched = part.union(tile.touched)
            tile.is_coded, tile.patch = False, None
            self._waiting.pop(key, None)
            self._waiting[key] = tile
            touched.add(key)
        return touched

    def _planes(self, box: Box) -> Planes:
        return self._label_map.labels[box.slices], self._label_map.provenance[box.slices]

    def _code_some(self, under_brush: set[tuple[int, int]]) -> None:
        left = [key for key in self._waiting if key not in under_brush]
        for key in left[:CODED_PER_DAB]:
            self._code(self._waiting.pop(key))

    def _code(self, tile: _Tile) -> None:
        labels, provenance = tile.before
        part = tile.touched.shift(-tile.box.y0, -tile.box.x0).slices
        before = labels[part], provenance[part]
        tile.patch = make_patch(tile.touched, before, self._planes(tile.touched), squeeze=False)
        tile.is_coded = True

    def finish(self) -> Edit | None:
        """The whole drag as one edit that is already applied; None when nothing changed."""
        tiles, self._tiles, self._waiting = self._tiles, {}, {}
        for tile in tiles.values():
            if not tile.is_coded:
                self._code(tile)
        return make_edit_of(self._name, [tile.patch for tile in tiles.values()])

    def cancel(self) -> Box | None:
        """Put everything back as it was before the drag; returns the box to repaint."""
        edit = self.finish()
        return edit.revert(self._label_map) if edit else None
