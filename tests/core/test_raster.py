"""Brush and fill cover exactly what a pixel by pixel oracle says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core.raster import compute_region, make_capsule

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


def flood(values: np.ndarray, y: int, x: int, *, diagonal: bool = False) -> set[tuple[int, int]]:
    """The oracle: spread from pixel to pixel."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    if diagonal:
        steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    reached, waiting = {(y, x)}, [(y, x)]
    while waiting:
        row, column = waiting.pop()
        for dy, dx in steps:
            near = row + dy, column + dx
            inside = 0 <= near[0] < values.shape[0] and 0 <= near[1] < values.shape[1]
            if inside and near not in reached and values[near] == values[y, x]:
                reached.add(near)
                waiting.append(near)
    return reached


def count_regions(mask: np.ndarray, *, diagonal: bool) -> int:
    left = set(zip(*map(list, np.nonzero(mask)), strict=True))
    count = 0
    while left:
        left -= flood(mask, *next(iter(left)), diagonal=diagonal)
        count += 1
    return count


@given(hnp.arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 3, 255])), st.data())
def test_a_fill_reaches_the_connected_pixels_of_one_value_and_no_others(
    values: np.ndarray, data: st.DataObject
) -> None:
    y, x = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 8))
    box, mask = compute_region(values, y, x)
    assert mask.any(axis=0).all()  # the box is tight
    assert mask.any(axis=1).all()
    filled = {(row + box.y0, column + box.x0) for row, column in zip(*np.nonzero(mask), strict=True)}
    assert filled == flood(values, y, x)
