"""A brush covers exactly what a pixel by pixel oracle says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_studio.core.raster import make_capsule, make_square_stroke, snap_square
from tests.core.flooding import count_regions

SHAPE = (17, 23)
Point = tuple[float, float]
points = st.tuples(st.floats(-6, 24), st.floats(-6, 30))


def distance_to_line(point: Point, start: Point, end: Point) -> float:
    dy, dx = end[0] - start[0], end[1] - start[1]
    length_squared = dy * dy + dx * dx
    along = 0.0
    if length_squared > 0:
        along = ((point[0] - start[0]) * dy + (point[1] - start[1]) * dx) / length_squared
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * dy, point[1] - start[1] - along * dx)


def cover(start: Point, end: Point, diameter_px: float) -> np.ndarray:
    """The capsule on a canvas of SHAPE."""
    box, mask = make_capsule(start, end, diameter_px, SHAPE)
    assert mask.shape == box.shape_hw
    assert box.clip(SHAPE) == box
    canvas = np.zeros(SHAPE, bool)
    canvas[box.slices] = mask
    return canvas


@given(points, points, st.floats(1.5, 14))
def test_a_brush_covers_the_pixels_whose_centres_lie_within_its_radius(
    start: Point, end: Point, diameter_px: float
) -> None:
    canvas = cover(start, end, diameter_px)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            slack = diameter_px / 2 - distance_to_line((row + 0.5, column + 0.5), start, end)
            if abs(slack) > 1e-4:  # float32 may see the very rim differently
                assert canvas[row, column] == (slack > 0), (row, column)


inner_points = st.tuples(st.floats(0, 16.99), st.floats(0, 22.99))


@given(inner_points, inner_points, st.floats(0.1, 1.49))
def test_a_thin_brush_leaves_no_gap_and_strays_nowhere(start: Point, end: Point, diameter_px: float) -> None:
    canvas = cover(start, end, diameter_px)
    assert canvas[int(start[0]), int(start[1])]
    assert canvas[int(end[0]), int(end[1])]
    for row, column in zip(*np.nonzero(canvas), strict=True):
        assert (
            distance_to_line((row + 0.5, column + 0.5), start, end)
            <= max(diameter_px / 2, math.sqrt(0.5)) + 1e-4
        )
    assert count_regions(canvas, diagonal=True) == 1


@given(inner_points, inner_points, st.floats(1.5, 9))
def test_a_brush_covers_the_same_in_both_directions(start: Point, end: Point, diameter_px: float) -> None:
    there, back = cover(start, end, diameter_px), cover(end, start, diameter_px)
    for row, column in zip(*np.nonzero(there != back), strict=True):
        rim = distance_to_line((row + 0.5, column + 0.5), start, end) - diameter_px / 2
        assert abs(rim) < 1e-4


@pytest.mark.parametrize("diameter_px", [0.5, 1, 1.2, 1.41, 2, 3, 30])
def test_a_click_paints_even_on_the_corner_between_four_pixels(diameter_px: float) -> None:
    assert cover((5.0, 5.0), (5.0, 5.0), diameter_px).any()


def test_a_brush_outside_the_image_covers_nothing() -> None:
    for far in [(-40.0, 3.0), (3.0, -40.0), (90.0, 3.0), (3.0, 90.0)]:
        assert not cover(far, far, 9).any()


def test_one_pixel_wide_means_one_pixel_on_a_straight_line() -> None:
    canvas = cover((4.5, 2.5), (4.5, 9.5), 1)
    expected = np.zeros(SHAPE, bool)
    expected[4, 2:10] = True
    np.testing.assert_array_equal(canvas, expected)


def depth_in_tapered(point: Point, start: Point, end: Point, radii: tuple[float, float]) -> float:
    """The oracle: how far a point lies inside one of many discs on the way (negative outside)."""
    best = -math.inf
    for step in np.linspace(0, 1, 400):
        y, x = start[0] + step * (end[0] - start[0]), start[1] + step * (end[1] - start[1])
        radius = radii[0] + step * (radii[1] - radii[0])
        best = max(best, radius - math.hypot(point[0] - y, point[1] - x))
    return best


@settings(max_examples=25)
@given(points, points, st.floats(1.5, 12), st.floats(1.5, 12))
def test_a_brush_under_changing_pressure_covers_all_discs_on_its_way(
    start: Point, end: Point, diameter_px: float, end_diameter_px: float
) -> None:
    box, mask = make_capsule(start, end, diameter_px, SHAPE, end_diameter_px)
    canvas = np.zeros(SHAPE, bool)
    canvas[box.slices] = mask
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            radii = diameter_px / 2, end_diameter_px / 2
            depth = depth_in_tapered((row + 0.5, column + 0.5), start, end, radii)
            if abs(depth) > 0.02:  # the oracle's discs leave notches between them
                assert canvas[row, column] == (depth > 0), (row, column, depth)


@settings(max_examples=40)
@given(points, points, st.integers(2, 9), st.integers(2, 9))
def test_a_square_brush_covers_all_squares_on_its_way(
    start: Point, end: Point, side: int, end_side: int
) -> None:
    box, mask = make_square_stroke(start, end, side, SHAPE, end_side)
    assert box.clip(SHAPE) == box
    canvas = np.zeros(SHAPE, bool)
    canvas[box.slices] = mask
    (y0, x0), (y1, x1) = snap_square(start, side), snap_square(end, end_side)
    steps = np.linspace(0, 1, 400)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            away = np.maximum(
                abs(y0 + steps * (y1 - y0) - row - 0.5), abs(x0 + steps * (x1 - x0) - column - 0.5)
            )
            depth = (side / 2 + steps * (end_side - side) / 2 - away).max()
            if abs(depth) > 0.06:
                assert canvas[row, column] == (depth > 0), (row, column, depth)


@given(inner_points, st.integers(1, 9))
def test_a_click_with_a_square_brush_covers_a_square_of_whole_pixels(point: Point, side: int) -> None:
    _, mask = make_square_stroke(point, point, side, (200, 200))
    inside = (point[0] >= side, point[1] >= side)
    if all(inside):
        assert mask.sum() == side * side
    assert mask.any()


@given(inner_points, inner_points, st.sampled_from([0.4, 1, 1.3, 2.0]), st.sampled_from([0.4, 1, 6.0]))
def test_thin_brushes_of_either_tip_leave_no_gap(
    start: Point, end: Point, size: float, end_size: float
) -> None:
    for make in (make_capsule, make_square_stroke):
        box, mask = make(start, end, size, SHAPE, end_size)
        canvas = np.zeros(SHAPE, bool)
        canvas[box.slices] = mask
        assert count_regions(canvas, diagonal=True) == 1


def test_a_square_brush_outside_the_image_covers_nothing() -> None:
    for far in [(-40.0, 3.0), (3.0, -40.0), (90.0, 3.0), (3.0, 90.0)]:
        assert not make_square_stroke(far, far, 9, SHAPE)[1].any()
