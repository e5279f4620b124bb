"""Fill, islands, holes, growing, shrinking and smoothing against pixel by pixel oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core import regions
from fcn_studio.core.regions import (
    Runs,
    compute_majority,
    compute_region,
    drop_islands,
    fill_holes,
    grow,
    shrink,
    smooth,
)
from tests.core.flooding import find_regions, flood

masks = st.tuples(st.integers(1, 9), st.integers(1, 11)).flatmap(lambda shape: hnp.arrays(np.bool_, shape))


@pytest.fixture(autouse=True)
def short_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small planes are cut into several."""
    monkeypatch.setattr(regions, "STRIP_ROWS", 3)


@given(hnp.arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 3, 255])), st.booleans(), st.data())
def test_a_fill_reaches_the_connected_pixels_of_one_value_and_no_others(
    values: np.ndarray, diagonal: bool, data: st.DataObject
) -> None:
    y, x = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 8))
    box, mask = compute_region(values, y, x, diagonal=diagonal)
    assert mask.any(axis=0).all()  # the box is tight
    assert mask.any(axis=1).all()
    filled = {(row + box.y0, column + box.x0) for row, column in zip(*np.nonzero(mask), strict=True)}
    assert filled == flood(values, y, x, diagonal=diagonal)


def test_a_spiral_is_one_region() -> None:
    plane = np.zeros((41, 41), np.uint8)
    for ring in range(0, 20, 2):
        plane[ring, ring : 41 - ring] = plane[40 - ring, ring : 41 - ring] = 1
        plane[ring : 41 - ring, ring] = plane[ring : 41 - ring, 40 - ring] = 1
        plane[ring + 1, ring] = 0
        plane[ring + 2, ring + 1] = 1
    box, mask = compute_region(plane, 0, 0)
    expected = {(y + box.y0, x + box.x0) for y, x in zip(*np.nonzero(mask), strict=True)}
    assert expected == flood(plane, 0, 0)


@given(masks)
def test_runs_draw_the_mask_they_come_from_and_find_each_pixel(mask: np.ndarray) -> None:
    runs = Runs.of(mask)
    whole = regions.Box.of_shape(mask.shape)
    assert np.array_equal(runs.draw(whole), mask)
    for y, x in np.ndindex(mask.shape):
        part = regions.Box(y // 2, x // 2, y + 1, x + 1)
        assert np.array_equal(runs.draw(part), mask[part.slices])
    for y, x in np.ndindex(mask.shape):
        at = runs.find(y, x)
        assert (at is not None) == mask[y, x]
        if at is not None:
            assert runs.rows[at] == y
            assert runs.starts[at] <= x < runs.stops[at]


@given(masks, st.integers(0, 12))
def test_islands_smaller_than_the_limit_go_and_no_others(mask: np.ndarray, smallest_px: int) -> None:
    expected = np.zeros_like(mask)
    for region in find_regions(mask, diagonal=True):
        if len(region) >= smallest_px:
            expected[tuple(zip(*region, strict=True))] = True
    assert np.array_equal(drop_islands(mask, smallest_px), expected)


@given(masks)
def test_holes_are_what_does_not_reach_the_border(mask: np.ndarray) -> None:
    expected = mask.copy()
    height, width = mask.shape
    for region in find_regions(~mask, diagonal=False):
        if not any(y in (0, height - 1) or x in (0, width - 1) for y, x in region):
            expected[tuple(zip(*region, strict=True))] = True
    assert np.array_equal(fill_holes(mask), expected)


@given(masks, st.integers(0, 6))
def test_growing_reaches_what_lies_within_the_radius(mask: np.ndarray, radius_px: int) -> None:
    pixels = np.argwhere(mask)
    expected = np.zeros_like(mask)
    for y, x in np.ndindex(mask.shape):
        expected[y, x] = any(math.hypot(y - row, x - column) <= radius_px for row, column in pixels)
    assert np.array_equal(grow(mask, radius_px), expected)
    assert np.array_equal(shrink(~mask, radius_px), ~expected)


@given(masks, st.integers(1, 3))
def test_smoothing_is_the_vote_of_the_square_round_a_pixel(mask: np.ndarray, radius_px: int) -> None:
    expected = mask.copy()
    for y, x in np.ndindex(mask.shape):
        part = mask[max(0, y - radius_px) : y + radius_px + 1, max(0, x - radius_px) : x + radius_px + 1]
        if 2 * part.sum() != part.size:
            expected[y, x] = 2 * part.sum() > part.size
    assert np.array_equal(smooth(mask, radius_px), expected)


@given(hnp.arrays(np.uint8, (8, 6), elements=st.sampled_from([0, 1, 7, 255])), st.integers(1, 3))
def test_the_majority_is_the_value_that_most_pixels_of_the_square_have(
    values: np.ndarray, radius_px: int
) -> None:
    where = values == 1
    found = compute_majority(values, where, radius_px, without=1)
    assert (found[~where] == 255).all()
    for y, x in np.argwhere(where):
        part = values[max(0, y - radius_px) : y + radius_px + 1, max(0, x - radius_px) : x + radius_px + 1]
        counts = [(-int((part == value).sum()), value) for value in (0, 7, 255) if (part == value).any()]
        assert found[y, x] == (min(counts)[1] if counts else 255)


def test_smoothing_leaves_a_straight_border_where_it_is() -> None:
    mask = np.zeros((20, 20), bool)
    mask[:, 8:] = True
    assert np.array_equal(smooth(mask, 3), mask)
