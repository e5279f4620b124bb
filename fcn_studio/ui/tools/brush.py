"""The brush: a drag paints the chosen class, a right drag erases, Shift draws a straight line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.raster import make_capsule, make_square_stroke
from fcn_studio.session.document import Document
from fcn_studio.ui.tools.base import (
    Button,
    Point,
    PointerEvent,
    Tool,
    ToolContext,
    find_class,
    name_of,
    pick_class,
    translatable,
)

LONGEST_PIECE_PX = 512  # a long diagonal is drawn in pieces: its box would be many times its area
Mask = NDArray[np.bool_]
Piece = tuple[Point, float, Point, float]  # where and how large a stroke's piece starts and ends


class BrushTool(Tool):
    """Paints the brush's tip and all that lies between, so that a fast drag has no gaps."""

    id = "brush"
    title = "Brush"
    key = "B"
    icon = "mdi6.brush"
    hint = translatable("Tool", "Drag to paint · right drag erases · [ ] size · Shift for a line · Alt picks")
    key_hint = translatable(
        "Tool", "Enter paints a dab, Shift+Enter a line · Ctrl+arrows move · [ ] size · Alt+Enter picks"
    )
    has_size = True
    option_names: ClassVar[tuple[str, ...]] = ("size", "square", "pressure")
    verb: ClassVar[str] = "Paint"

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._last: Point | None = None  # end of the latest stroke, where a straight line starts
        self._last_size_px = 0.0
        self._class_id = UNLABELLED
        self._drags = False

    @property
    def is_busy(self) -> bool:
        return self._drags

    def press(self, event: PointerEvent) -> None:
        if event.alt and event.button is Button.LEFT:
            pick_class(self._context, event)
            return
        context = self._context
        if context.document is None or self._drags:
            return
        class_id = find_class(context, erases=self._erases(event))
        if class_id is None:
            return
        self._class_id = class_id
        self._drags = True
        context.session.editing.begin_stroke(name_of(context, self.verb, class_id))
        if not event.shift or self._last is None:
            self._last, self._last_size_px = event.point_yx, self._size_at(event)
        self._paint_to(event)

    def move(self, event: PointerEvent) -> None:
        if not self._drags:
            return
        if not self._context.session.editing.in_stroke or self._context.document is None:
            self._drags = False  # undo or another image ended the stroke under the pointer
            return
        if event.point_yx != self._last:
            self._paint_to(event)

    def release(self, event: PointerEvent) -> None:
        if event.pressure is not None:  # a pen that has left the tablet presses no more
            self._last_size_px = min(self._last_size_px, self._size_at(event))
        self.move(event)
        self.finish()

    def finish(self) -> None:
        if self._drags:
            self._drags = False
            self._context.session.editing.finish_stroke()

    def cancel(self) -> None:
        if self._drags:
            self._drags = False
            self._context.session.editing.cancel_stroke()

    def forget(self) -> None:
        self._last = None

    def _erases(self, event: PointerEvent) -> bool:
        return event.button is Button.RIGHT

    def _size_at(self, event: PointerEvent) -> float:
        """The tip's size in image pixels under the pen's pressure, if the person wants that."""
        options = self._context.options
        size = float(options.size_of(self.id))
        if event.pressure is None or not options.flag("pressure"):
            return size
        return max(1.0, size * event.pressure)

    def _paint_to(self, event: PointerEvent) -> None:
        document, start = self._context.document, self._last or event.point_yx
        size_px = self._size_at(event)
        piece = start, self._last_size_px or size_px, event.point_yx, size_px
        self._last, self._last_size_px = event.point_yx, size_px
        if document is None:
            return
        for box, mask in self._make_masks(document, piece):
            if not box.is_empty:
                self._write(box, mask)

    def _make_masks(self, document: Document, piece: Piece) -> Iterator[tuple[Box, Mask]]:
        """What the tip covers on its way, in one or several parts."""
        make = make_square_stroke if self._context.options.is_square(self.id) else make_capsule
        for start, size_px, end, end_size_px in _cut(piece):
            yield make(start, end, size_px, document.shape_hw, end_size_px)

    def _write(self, box: Box, mask: Mask) -> None:
        painted = self._context.session.editing.paint(box, mask, self._class_id)
        if painted is not None and self._class_id != UNLABELLED:
            self._context.mark_fresh(*painted)


def _cut(piece: Piece) -> Iterator[Piece]:
    """The piece as it is, or in several of bearable length that touch end to end."""
    start, size_px, end, end_size_px = piece
    length = math.dist(start, end)
    count = max(1, math.ceil(length / max(LONGEST_PIECE_PX, 2 * size_px, 2 * end_size_px)))

    def at(step: int) -> tuple[Point, float]:
        share = step / count
        point = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        return (end if step == count else point), size_px + (end_size_px - size_px) * share

    for step in range(count):
        yield *at(step), *at(step + 1)
