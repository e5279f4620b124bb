"""The smart brush: a drag paints what lies on the pointer's side of the edges under the tip."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from fcn_studio.core.box import Box
from fcn_studio.core.smart import SMALLEST_PX, compute_smart_dab
from fcn_studio.session.document import Document
from fcn_studio.ui.tools.base import translatable
from fcn_studio.ui.tools.brush import BrushTool, Mask, Piece

SPACING = 0.3  # of the tip's size, between two looks at the image
WIDEST_SPACING = 0.5  # from here on gaps would show, so this much is looked at however long it takes
# What one move of the pointer may look at beyond that: the next one must not wait. About 10 ms.
MOST_PX = 200_000
PX_A_LOOK = 4_000  # as many could be looked at in the time that a look takes by itself


class SmartBrushTool(BrushTool):
    """Looks at the image under the tip again and again along its way."""

    id = "smart"
    title = "Smart brush"
    key = "Q"
    icon = "mdi6.auto-fix"
    hint = translatable("Tool", "Drag inside a thing: it stops at edges · right drag erases · [ ] size")
    option_names: ClassVar[tuple[str, ...]] = ("size", "edge")

    def _make_masks(self, document: Document, piece: Piece) -> Iterator[tuple[Box, Mask]]:
        (y0, x0), start_size_px, (y1, x1), size_px = piece
        if max(start_size_px, size_px) < SMALLEST_PX:  # no room for an edge under it
            yield from super()._make_masks(document, piece)
            return
        count = _count_looks(math.hypot(y1 - y0, x1 - x0), size_px)
        edge = self._context.options.number("edge")
        for step in range(1, count + 1):
            centre = y0 + (y1 - y0) * step / count, x0 + (x1 - x0) * step / count
            yield compute_smart_dab(document.pixels, centre, size_px, edge)


def _count_looks(length_px: float, size_px: float) -> int:
    """How often to look at the image on a way of this length: often, as far as time allows."""
    wanted = length_px / max(1.0, SPACING * size_px)
    needed = length_px / max(1.0, WIDEST_SPACING * size_px)
    return max(1, math.ceil(max(needed, min(wanted, MOST_PX / (PX_A_LOOK + size_px**2)))))
