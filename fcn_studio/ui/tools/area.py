"""Rectangle and ellipse: a drag, or two Enters, from corner to corner; Shift makes them regular."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.shapes import box_of_points, make_ellipse, make_rectangle
from fcn_studio.session.document import Document
from fcn_studio.ui.tools.base import (
    Point,
    PointerEvent,
    Sketch,
    Tool,
    ToolContext,
    find_class,
    name_of,
    translatable,
)

ELLIPSE_CORNERS = 72
Mask = NDArray[np.bool_]
MakeArea = Callable[[Sequence[Point], tuple[int, int]], tuple[Box, Mask]]
"""Given its points and the image's size: the pixels of an area."""


def apply_area(
    context: ToolContext, title: str, points: Sequence[Point], make: MakeArea, class_id: int
) -> None:
    """Give the area that `make` makes of points a class as one edit ("Polygon of cat").

    What is seen at once is marked as fresh.
    """
    document = context.document
    if document is None:
        return
    shape_hw = document.shape_hw
    box = box_of_points(points, shape_hw)
    if not box.is_empty:
        name = name_of(context, f"{title} of", class_id)
        painted = context.session.editing.apply_shape(name, box, lambda: make(points, shape_hw), class_id)
        if painted is not None and class_id != UNLABELLED:
            context.mark_fresh(*painted)


class RectangleTool(Tool):
    """Covers every pixel that the drag passes over from corner to corner."""

    id = "rectangle"
    title = "Rectangle"
    key = "T"
    icon = "mdi6.rectangle-outline"
    hint = translatable("Tool", "Drag a rectangle · Shift for a square · Alt subtracts")
    key_hint = translatable(
        "Tool", "Enter begins and ends · Ctrl+arrows draw · Shift+Enter for a square · Alt+Enter subtracts"
    )

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._start: Point | None = None
        self._end: Point = (0.0, 0.0)
        self._held = False  # a button is down; else what is begun stays open until the next Enter or click
        self._is_regular = False  # begun with Shift and Enter
        self._class_id = UNLABELLED
        self._document: Document | None = None

    @property
    def is_busy(self) -> bool:
        return self._held

    @property
    def is_open(self) -> bool:
        return self._start is not None and not self._held

    @property
    def sketch(self) -> Sketch | None:
        if self._start is None:
            return None
        points = self._outline(self._start, self._end)
        return Sketch(points, is_closed=True, erases=self._class_id == UNLABELLED)

    def press(self, event: PointerEvent) -> None:
        if self._context.document is None or self._held:
            return
        if self._start is not None or self._begin(event):
            self._held = True
            self.move(event)

    def move(self, event: PointerEvent) -> None:
        if self._start is not None:
            regular = event.shift or self._is_regular
            self._end = self._make_regular(self._start, event.point_yx) if regular else event.point_yx
            self._context.draw_sketch()

    def hover(self, event: PointerEvent) -> None:
        self.move(event)

    def release(self, event: PointerEvent) -> None:
        self.move(event)
        self.finish()

    def enter(self, event: PointerEvent) -> None:
        """The first begins at the cross, the second ends there."""
        ends = self.is_open
        self.press(event)
        if ends:
            self.release(event)
        else:
            self._held, self._is_regular = False, event.shift

    def confirm(self) -> None:
        self.finish()

    def step_back(self) -> None:
        self.cancel()

    def let_go(self) -> None:
        if self._held:
            self.finish()

    def finish(self) -> None:
        start, document = self._start, self._document
        self.cancel()
        if start is not None and document is not None and document is self._context.document:
            apply_area(self._context, self.title, (start, self._end), self._make_mask, self._class_id)

    def cancel(self) -> None:
        self._start = self._document = None
        self._held = False
        self._context.draw_sketch()

    def _begin(self, event: PointerEvent) -> bool:
        class_id = find_class(self._context, erases=event.takes_away)
        if class_id is None:
            return False
        self._class_id, self._document = class_id, self._context.document
        self._start, self._is_regular = event.point_yx, False
        return True

    def _make_regular(self, start: Point, end: Point) -> Point:
        """The other corner of a square (or circle) as large as the longer side."""
        dy, dx = end[0] - start[0], end[1] - start[1]
        side = max(abs(dy), abs(dx))
        return start[0] + math.copysign(side, dy), start[1] + math.copysign(side, dx)

    def _outline(self, start: Point, end: Point) -> tuple[Point, ...]:
        y0, y1 = math.floor(min(start[0], end[0])), math.floor(max(start[0], end[0])) + 1
        x0, x1 = math.floor(min(start[1], end[1])), math.floor(max(start[1], end[1])) + 1
        return ((y0, x0), (y0, x1), (y1, x1), (y1, x0))

    def _make_mask(self, corners: Sequence[Point], shape_hw: tuple[int, int]) -> tuple[Box, Mask]:
        return make_rectangle(corners[0], corners[1], shape_hw)


class EllipseTool(RectangleTool):
    """Covers the ellipse that touches the four sides of what the drag passes over."""

    id = "ellipse"
    title = "Ellipse"
    key = "O"
    icon = "mdi6.ellipse-outline"
    hint = translatable("Tool", "Drag an ellipse · Shift for a circle · Alt subtracts")
    key_hint = translatable(
        "Tool", "Enter begins and ends · Ctrl+arrows draw · Shift+Enter for a circle · Alt+Enter subtracts"
    )

    def _outline(self, start: Point, end: Point) -> tuple[Point, ...]:
        middle_y, middle_x = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        radius_y, radius_x = abs(start[0] - end[0]) / 2, abs(start[1] - end[1]) / 2
        angles = np.linspace(0, 2 * np.pi, ELLIPSE_CORNERS, endpoint=False)
        return tuple(
            (middle_y + radius_y * math.sin(angle), middle_x + radius_x * math.cos(angle)) for angle in angles
        )

    def _make_mask(self, corners: Sequence[Point], shape_hw: tuple[int, int]) -> tuple[Box, Mask]:
        return make_ellipse(corners[0], corners[1], shape_hw)
