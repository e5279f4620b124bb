"""Boxes behave like the sets of pixels they stand for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box

SIDE = 24
boxes = st.builds(Box, *(st.integers(-4, SIDE + 4) for _ in range(4)))


def pixels_of(box: Box) -> set[tuple[int, int]]:
    return {(y, x) for y in range(box.y0, box.y1) for x in range(box.x0, box.x1)}


@given(boxes, boxes)
def test_intersection_is_the_common_pixels(first: Box, second: Box) -> None:
    common = first.intersect(second)
    assert pixels_of(common) == pixels_of(first) & pixels_of(second)
    assert common.height >= 0
    assert common.area == len(pixels_of(common))


@given(boxes, boxes)
def test_union_holds_both_and_is_as_small_as_can_be(first: Box, second: Box) -> None:
    both = pixels_of(first) | pixels_of(second)
    union = first.union(second)
    assert both <= pixels_of(union)
    if both:
        rows, columns = [y for y, _ in both], [x for _, x in both]
        assert union == Box(min(rows), min(columns), max(rows) + 1, max(columns) + 1)
    else:
        assert union.is_empty


@given(boxes)
def test_a_clipped_box_selects_only_its_own_pixels_of_an_array(box: Box) -> None:
    image = np.zeros((SIDE, SIDE), bool)
    image[box.clip(image.shape).slices] = True
    inside = {(y, x) for y, x in pixels_of(box) if 0 <= y < SIDE and 0 <= x < SIDE}
    assert set(zip(*map(list, np.nonzero(image)), strict=True)) == inside


@given(boxes, st.integers(1, 9))
def test_tiles_cut_a_box_without_gap_or_overlap_along_the_grid(box: Box, side_px: int) -> None:
    tiles = box.tiles(side_px)
    assert sum(tile.area for tile in tiles) == box.area
    assert set().union(*map(pixels_of, tiles)) == pixels_of(box)
    for tile in tiles:
        assert not tile.is_empty
        assert tile.y0 // side_px == (tile.y1 - 1) // side_px
        assert tile.x0 // side_px == (tile.x1 - 1) // side_px


@given(st.floats(-3, SIDE + 3), st.floats(-3, SIDE + 3), st.floats(0, 8))
def test_around_holds_every_pixel_whose_centre_the_disc_reaches(y: float, x: float, radius: float) -> None:
    box = Box.around(y, x, radius)
    for row in range(-14, SIDE + 14):
        for column in range(-14, SIDE + 14):
            if (row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2 <= radius**2:
                assert box.contains(row, column)


def test_an_empty_or_missing_box_adds_nothing_to_a_union() -> None:
    box = Box(1, 2, 3, 4)
    assert box.union(None) == box
    assert box.union(Box(9, 9, 9, 20)) == box
    assert Box(9, 9, 9, 20).union(box) == box


def test_shift_and_grow_move_all_four_sides() -> None:
    assert Box(1, 2, 3, 5).shift(10, -1) == Box(11, 1, 13, 4)
    assert Box(1, 2, 3, 5).grow(2) == Box(-1, 0, 5, 7)
    assert Box.of_shape((3, 5)).shape_hw == (3, 5)
