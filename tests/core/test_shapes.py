"""Polygon, rectangle and ellipse cover exactly what a pixel by pixel oracle says."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.shapes import make_ellipse, make_polygon, make_rectangle

SHAPE = (13, 17)
Point = tuple[float, float]
points = st.tuples(st.floats(-5, 18, width=32), st.floats(-5, 22, width=32))


def on_canvas(made: tuple[Box, np.ndarray]) -> np.ndarray:
    box, mask = made
    assert mask.shape == box.shape_hw
    assert box.clip(SHAPE) == box
    canvas = np.zeros(SHAPE, bool)
    canvas[box.slices] = mask
    return canvas


def is_inside(y: float, x: float, corners: list[Point]) -> bool:
    """A ray to the left crosses the outline an odd number of times."""
    inside = False
    for (y0, x0), (y1, x1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
            inside = not inside
    return inside


def is_near_outline(y: float, x: float, corners: list[Point]) -> bool:
    for (y0, x0), (y1, x1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        length = math.hypot(y1 - y0, x1 - x0)
        along = 0.0 if length < 1e-9 else ((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length**2
        along = min(1.0, max(0.0, along))
        if math.hypot(y - y0 - along * (y1 - y0), x - x0 - along * (x1 - x0)) < 1e-6:
            return True
    return False


@given(st.lists(points, min_size=3, max_size=8))
def test_a_polygon_holds_the_pixels_whose_centres_lie_inside(corners: list[Point]) -> None:
    canvas = on_canvas(make_polygon(corners, SHAPE))
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            y, x = row + 0.5, column + 0.5
            if not is_near_outline(y, x, corners):
                assert canvas[row, column] == is_inside(y, x, corners), (row, column)


@given(st.lists(points, max_size=2))
def test_less_than_three_corners_hold_nothing(corners: list[Point]) -> None:
    assert not make_polygon(corners, SHAPE)[1].any()


@given(points, points, points, points)
def test_two_triangles_that_share_a_side_share_no_pixel_and_leave_none(
    a: Point, b: Point, c: Point, d: Point
) -> None:
    first, second = on_canvas(make_polygon([a, b, c], SHAPE)), on_canvas(make_polygon([a, d, c], SHAPE))
    both = on_canvas(make_polygon([a, b, c, d], SHAPE))
    assert np.array_equal(first ^ second, both)


@given(points, points)
def test_a_rectangle_holds_the_pixels_under_both_corners_and_all_between(a: Point, b: Point) -> None:
    canvas = on_canvas(make_rectangle(a, b, SHAPE))
    rows = range(math.floor(min(a[0], b[0])), math.floor(max(a[0], b[0])) + 1)
    columns = range(math.floor(min(a[1], b[1])), math.floor(max(a[1], b[1])) + 1)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            assert canvas[row, column] == (row in rows and column in columns)


@given(points, points)
def test_an_ellipse_holds_the_centres_inside_and_the_middle(a: Point, b: Point) -> None:
    canvas = on_canvas(make_ellipse(a, b, SHAPE))
    middle = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    radii = max(abs(a[0] - b[0]) / 2, 1e-9), max(abs(a[1] - b[1]) / 2, 1e-9)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            if (row, column) == (math.floor(middle[0]), math.floor(middle[1])):
                assert canvas[row, column]
                continue
            away = ((row + 0.5 - middle[0]) / radii[0]) ** 2 + ((column + 0.5 - middle[1]) / radii[1]) ** 2
            if abs(away - 1) > 1e-6:
                assert canvas[row, column] == (away < 1), (row, column)
