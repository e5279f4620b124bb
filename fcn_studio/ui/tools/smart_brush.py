"""The smart brush: a drag paints what lies on the pointer's side of the edges under the tip."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from fcn_studio.core.box import Box
from fcn_studio.core.smart import compute_smart_dab
from fcn_studio.session.document import Document
from fcn_studio.ui.tools.base import translatable
from fcn_studio.ui.tools.brush import BrushTool, Mask, Piece

SPACING = 0.3  # of the tip's size, between two looks at the image
MOST_DABS = 12  # for one move of the pointer: they must not keep the next one waiting


class SmartBrushTool(BrushTool):
    """Looks at the image under the tip again and again along its way."""

    id = "smart"
    title = "Smart brush"
    key = "Q"
    icon = "mdi6.auto-fix"
    hint = translatable("Tool", "Drag inside a thing: it stops at edges · right drag erases · [ ] size")
    option_names: ClassVar[tuple[str, ...]] = ("size", "edge")

    def _make_masks(self, document: Document, piece: Piece) -> Iterator[tuple[Box, Mask]]:
        (y0, x0), _, (y1, x1), size_px = piece
        length = math.hypot(y1 - y0, x1 - x0)
        count = min(MOST_DABS, max(1, math.ceil(length / max(1.0, SPACING * size_px))))
        edge = self._context.options.number("edge")
        for step in range(1, count + 1):
            centre = y0 + (y1 - y0) * step / count, x0 + (x1 - x0) * step / count
            yield compute_smart_dab(document.pixels, centre, size_px, edge)
