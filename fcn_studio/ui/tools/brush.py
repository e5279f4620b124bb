"""The brush: a drag paints the chosen class, a right drag erases, Shift draws a straight line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.raster import make_capsule
from fcn_studio.ui.tools.base import Button, PointerEvent, Tool, ToolContext, pick_class, translatable

LONGEST_PIECE_PX = 512  # a long diagonal is drawn in pieces: its box would be many times its area

Point = tuple[float, float]


class BrushTool(Tool):
    """Paints discs of the brush's size and all that lies between them, so that a fast drag has no gaps."""

    id = "brush"
    title = "Brush"
    key = "B"
    icon = "mdi6.brush"
    hint = translatable("Tool", "Drag to paint · right drag erases · [ ] size · Shift for a line · Alt picks")
    has_size = True

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._last: Point | None = None  # end of the latest stroke, where a straight line starts
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
        class_id = self._class_for(event)
        if class_id is None or context.session.classes.is_preview:
            context.want_classes()
            return
        self._class_id = class_id
        self._drags = True
        context.session.editing.begin_stroke(self._name_of(class_id))
        start = self._last if event.shift and self._last is not None else event.point_yx
        self._paint(start, event.point_yx)

    def move(self, event: PointerEvent) -> None:
        if not self._drags:
            return
        if not self._context.session.editing.in_stroke or self._context.document is None:
            self._drags = False  # undo or another image ended the stroke under the pointer
            return
        if event.point_yx != self._last:
            self._paint(self._last or event.point_yx, event.point_yx)

    def release(self, event: PointerEvent) -> None:
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

    def _class_for(self, event: PointerEvent) -> int | None:
        """The class that a drag gives; 255 erases, None when there is nothing to paint with yet."""
        return UNLABELLED if event.button is Button.RIGHT else self._context.session.classes.chosen_id

    def _name_of(self, class_id: int) -> str:
        entry = self._context.session.classes.table.by_id(class_id)
        return f"Paint {entry.name}" if entry is not None else "Erase"

    def _paint(self, start: Point, end: Point) -> None:
        document = self._context.document
        self._last = end
        if document is None:
            return
        size = self._context.brush_size_px
        for piece_start, piece_end in _pieces(start, end, size):
            box, mask = make_capsule(piece_start, piece_end, size, document.shape_hw)
            if box.is_empty:
                continue
            self._context.session.editing.paint(box, mask, self._class_id)
            if self._class_id != UNLABELLED:
                self._context.mark_fresh(box, mask)


def _pieces(start: Point, end: Point, size_px: float) -> Iterator[tuple[Point, Point]]:
    """The line in one piece, or in several of bearable length that touch end to end."""
    length = math.dist(start, end)
    count = max(1, math.ceil(length / max(LONGEST_PIECE_PX, 2 * size_px)))
    (y0, x0), (y1, x1) = start, end
    points = [
        start,
        *((y0 + (y1 - y0) * i / count, x0 + (x1 - x0) * i / count) for i in range(1, count)),
        end,
    ]
    return pairwise(points)
