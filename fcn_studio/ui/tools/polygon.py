"""Polygon and lasso: an outline that can be changed until it is closed."""

from __future__ import annotations

import math
from dataclasses import replace

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.shapes import make_polygon
from fcn_studio.session.document import Document
from fcn_studio.ui.tools.area import apply_area
from fcn_studio.ui.tools.base import (
    Point,
    PointerEvent,
    Sketch,
    Tool,
    ToolContext,
    find_class,
    translatable,
)


class PolygonTool(Tool):
    """Each click adds a point; points can be moved, put in between and taken out before it is closed."""

    id = "polygon"
    title = "Polygon"
    key = "P"
    icon = "mdi6.vector-polygon"
    hint = translatable(
        "Tool",
        "Click points · Enter closes · Backspace steps back · Ctrl+click removes a point · Alt subtracts",
    )
    key_hint = translatable(
        "Tool",
        "Enter adds a point, twice or on the first closes · Backspace steps back · Alt+Enter subtracts",
    )

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._points: list[Point] = []
        self._held: int | None = None  # the point that follows the pointer while a button is down
        self._grasped_at: Point | None = None  # where a point that was there before was taken
        self._hovered: Point | None = None
        self._class_id = UNLABELLED
        self._document: Document | None = None

    @property
    def is_busy(self) -> bool:
        return self._held is not None

    @property
    def is_open(self) -> bool:
        return bool(self._points)

    @property
    def sketch(self) -> Sketch | None:
        if not self._points:
            return None
        points = self._points
        if self._held is None and self._hovered is not None:
            points = [*points, self._hovered]
        closed = len(points) > 2
        return Sketch(tuple(points), tuple(self._points), closed, self._class_id == UNLABELLED)

    # --- pointer ------------------------------------------------------------------------------------------

    def press(self, event: PointerEvent) -> None:
        if self._context.document is None or self._held is not None:
            return
        if not self._points and not self._begin(event):
            return
        near = self._find_point(event.point_yx)
        if near is None:
            side = self._find_side(event.point_yx)
            self._held = len(self._points) if side is None else side + 1
            self._points.insert(self._held, event.point_yx)
            self._grasped_at = None
        elif event.ctrl:
            del self._points[near]
        else:
            self._held, self._grasped_at = near, event.point_yx
        self._context.draw_sketch()

    def press_twice(self, _event: PointerEvent) -> None:
        """The first of the two clicks has put its point already."""
        self.confirm()

    def move(self, event: PointerEvent) -> None:
        if self._held is not None:
            self._points[self._held] = event.point_yx
            self._context.draw_sketch()

    def hover(self, event: PointerEvent) -> None:
        if self._points:
            self._hovered = event.point_yx
            self._context.draw_sketch()

    def release(self, event: PointerEvent) -> None:
        held, self._held = self._held, None
        self._hovered = event.point_yx
        self._context.draw_sketch()
        was_clicked = self._grasped_at is not None and (
            math.dist(self._grasped_at, event.point_yx) < self._context.reach_px / 2
        )
        if held == 0 and was_clicked and len(self._points) > 2:
            self.confirm()  # a click on the first point closes

    # --- keys and ends ------------------------------------------------------------------------------------

    def enter(self, event: PointerEvent) -> None:
        """Add a point at the cross; with Shift, on the last point again or on the first one: close."""
        points, here = self._points, event.point_yx
        again = points[-1:] == [here]
        if len(points) > 2 and (again or event.shift or self._find_point(here) == 0):
            self.confirm()
        elif not again and self._context.document is not None and (points or self._begin(event)):
            points.append(here)
            self.hover(event)

    def confirm(self) -> None:
        points, document = list(self._points), self._document
        self.cancel()
        if document is not None and document is self._context.document and len(points) > 2:
            apply_area(self._context, self.title, points, make_polygon, self._class_id)

    def step_back(self) -> None:
        if self._points:
            self._points.pop()
            self._held = None
            self._context.draw_sketch()

    def let_go(self) -> None:
        """The outline stays open while the person looks elsewhere."""
        self._held = self._hovered = None
        self._context.draw_sketch()

    def finish(self) -> None:
        self.confirm()

    def cancel(self) -> None:
        self._points = []
        self._held = self._hovered = self._document = None
        self._context.draw_sketch()

    def forget(self) -> None:
        self.cancel()

    def _begin(self, event: PointerEvent) -> bool:
        class_id = find_class(self._context, erases=event.takes_away)
        if class_id is None:
            return False
        self._class_id, self._document = class_id, self._context.document
        return True

    def _find_point(self, place: Point) -> int | None:
        """The nearest point within reach."""
        near = [(math.dist(point, place), number) for number, point in enumerate(self._points)]
        distance, number = min(near, default=(math.inf, 0))
        return number if distance <= self._context.reach_px else None

    def _find_side(self, place: Point) -> int | None:
        """The side within reach, by its first point; not the one that is still open."""
        for number, (start, end) in enumerate(zip(self._points, self._points[1:], strict=False)):
            if _distance_to_side(place, start, end) <= self._context.reach_px / 2:
                return number
        return None


class LassoTool(PolygonTool):
    """A drag draws the outline freely; it closes when the button comes up, but stays open with Shift."""

    id = "lasso"
    title = "Lasso"
    key = "L"
    icon = "mdi6.lasso"
    hint = translatable(
        "Tool",
        "Drag round a thing · let go with Shift to go on, then Enter closes · Alt subtracts",
    )
    key_hint = translatable(
        "Tool",
        "Enter begins and closes · Ctrl+arrows draw · Backspace steps back · Alt+Enter subtracts",
    )

    def press(self, event: PointerEvent) -> None:
        if self._context.document is None or self._held is not None:
            return
        if self._points or self._begin(event):
            self._points.append(event.point_yx)
            self._held = len(self._points) - 1
            self._context.draw_sketch()

    def move(self, event: PointerEvent) -> None:
        if self._held is not None and math.dist(self._points[-1], event.point_yx) > 0.25:
            self._points.append(event.point_yx)
            self._context.draw_sketch()

    def release(self, event: PointerEvent) -> None:
        if self._held is None:
            return
        self.move(event)
        was_drag, self._held = len(self._points) - self._held > 2, None
        self._hovered = event.point_yx
        self._context.draw_sketch()
        if was_drag and not event.shift:
            self.confirm()

    def enter(self, event: PointerEvent) -> None:
        """The first begins the line that `steer` draws, the second closes it."""
        if self._points:
            self.steer(event)
            self.confirm()
        else:
            self.press(event)
            self.release(event)

    def steer(self, event: PointerEvent) -> None:
        if self._points and event.point_yx != self._points[-1]:
            self._points.append(event.point_yx)
        self.hover(event)

    @property
    def sketch(self) -> Sketch | None:
        sketch = super().sketch
        return None if sketch is None else replace(sketch, handles=sketch.handles[:1])


def _distance_to_side(place: Point, start: Point, end: Point) -> float:
    dy, dx = end[0] - start[0], end[1] - start[1]
    length_squared = dy * dy + dx * dx
    along = 0.0
    if length_squared > 0:
        along = ((place[0] - start[0]) * dy + (place[1] - start[1]) * dx) / length_squared
    along = min(1.0, max(0.0, along))
    return math.hypot(place[0] - start[0] - along * dy, place[1] - start[1] - along * dx)
