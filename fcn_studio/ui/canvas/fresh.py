"""What was painted since the network last learnt, edit by edit, so that undo makes it as it was."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.edit import Edit
from fcn_studio.core.history import History
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.patch import TILE_SIDE_PX
from fcn_studio.ui.canvas.planes import Fresh

FRESH_PX = 500_000  # an edit up to this size is marked as fresh: that takes some milliseconds
PAINTED = np.uint8(Provenance.PAINTED)
Mask = NDArray[np.bool_]
Tile = tuple[int, int]  # row and column of the grid that edits are cut along


@dataclass(eq=False)
class _Step:
    """An edit, and how the tiles that it marked were before it: bits, deflated."""

    edit: Edit
    before: dict[Tile, bytes] = field(default_factory=dict)


class FreshMarks:
    """Owns `fresh` (None: nothing is), and brings it in step with the history.

    A stroke comes dab by dab and belongs to an edit only when it has ended; until then its tiles are kept as
    they were, so that a dab costs no more the longer the stroke is.
    """

    def __init__(self) -> None:
        self.fresh: Fresh | None = None
        self._running: dict[Tile, Mask] = {}
        self._steps: list[_Step] = []  # in the order of the history
        self._taken_back: list[Edit] = []

    def clear(self) -> None:
        """Nothing is fresh any more: another image, or the network has learnt it."""
        self.fresh = None
        self._running, self._steps, self._taken_back = {}, [], []

    @property
    def has_running(self) -> bool:
        """Whether a stroke has marked something that is no edit yet."""
        return bool(self._running)

    def mark(self, shape_hw: tuple[int, int], box: Box, mask: Mask, edit: Edit | None = None) -> None:
        """The pixels of `mask` (bool [h, w] of `box`) are fresh, by an edit or by the running stroke."""
        if self.fresh is None:
            self.fresh = Fresh(np.zeros(shape_hw, bool), box)
        before = self._running if edit is None else {}
        for part in box.tiles(TILE_SIDE_PX):
            tile = part.y0 // TILE_SIDE_PX, part.x0 // TILE_SIDE_PX
            if tile not in before:
                before[tile] = self.fresh.painted[_box_of(tile).slices].copy()
        if edit is not None:
            self._keep(edit, before)
        self.fresh.add(box, mask)

    def mark_edit(self, shape_hw: tuple[int, int], edit: Edit) -> None:
        """What an edit painted is fresh; nothing of a large one."""
        if sum(patch.box.area for patch in edit.patches) > FRESH_PX:
            return
        for patch in edit.patches:
            planes, changed = patch.decode()
            changed &= planes[..., 3] == PAINTED  # the provenance after
            if changed.any():
                self.mark(shape_hw, patch.box, changed, edit)

    def drop_running(self) -> Box:
        """The running stroke did not count; returns the box to repaint."""
        before, self._running = self._running, {}
        return self._restore(before)

    def follow(self, history: History) -> Box:
        """An edit was done, taken back or done again; returns the box to repaint, perhaps an empty one."""
        done, undone = history.done, history.undone
        if self._running and done:
            self._keep(done[-1], self._running)
            self._running = {}
        box = Box(0, 0, 0, 0)
        while self._steps and _holds(undone, self._steps[-1].edit):
            step = self._steps.pop()
            self._taken_back.append(step.edit)
            box = self._restore({tile: _unpack(bits) for tile, bits in step.before.items()}).union(box)
        while self._taken_back and not _holds(undone, self._taken_back[-1]):
            again = self._taken_back.pop()
            if self.fresh is not None and _holds(done, again):
                self.mark_edit(self.fresh.painted.shape, again)
                box = again.box.union(box)
        del self._steps[: max(0, len(self._steps) - len(done))]  # what undo cannot reach any more
        return box

    def _keep(self, edit: Edit, before: dict[Tile, Mask]) -> None:
        if not self._steps or self._steps[-1].edit is not edit:
            self._steps.append(_Step(edit))
        kept = self._steps[-1].before
        for tile, mask in before.items():
            if tile not in kept:
                kept[tile] = _pack(mask)

    def _restore(self, before: dict[Tile, Mask]) -> Box:
        restored = Box(0, 0, 0, 0)
        if self.fresh is None:
            return restored
        for tile, mask in before.items():
            box = _box_of(tile).clip(self.fresh.painted.shape)
            self.fresh.painted[box.slices] = mask[: box.height, : box.width]
            restored = box.union(restored)
        return restored


def _box_of(tile: Tile) -> Box:
    y0, x0 = tile[0] * TILE_SIDE_PX, tile[1] * TILE_SIDE_PX
    return Box(y0, x0, y0 + TILE_SIDE_PX, x0 + TILE_SIDE_PX)


def _pack(mask: Mask) -> bytes:
    whole = np.zeros((TILE_SIDE_PX, TILE_SIDE_PX), np.bool_)
    whole[: mask.shape[0], : mask.shape[1]] = mask
    return zlib.compress(np.packbits(whole).tobytes(), 1)


def _unpack(bits: bytes) -> Mask:
    flat = np.unpackbits(np.frombuffer(zlib.decompress(bits), np.uint8))
    return flat.reshape(TILE_SIDE_PX, TILE_SIDE_PX).astype(np.bool_)


def _holds(edits: tuple[Edit, ...], wanted: Edit) -> bool:
    """Whether it is one of them itself, the latest first: to compare contents would take long."""
    return any(edit is wanted for edit in reversed(edits))
