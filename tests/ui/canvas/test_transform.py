"""Zoom and offset: points stay where they are held, boxes cover what they must, limits hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.transform import KEPT_IN_VIEW_PX, MAX_SCALE, ViewTransform

sides = st.integers(1, 5000)
views = st.integers(60, 3000)
shares = st.floats(0, 1)


@st.composite
def transforms(draw: st.DrawFn) -> ViewTransform:
    base = ViewTransform(
        (draw(sides), draw(sides)), (draw(views), draw(views)), draw(st.sampled_from([0, 24, 48]))
    )
    scale = math.exp(draw(st.floats(math.log(base.min_scale), math.log(MAX_SCALE))))
    return base.centred_on(draw(shares) * base.image_hw[0], draw(shares) * base.image_hw[1], scale)


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most points are near no border
@given(transforms(), shares, shares, st.floats(1.01, 4))
def test_zooming_in_keeps_the_point_under_the_pointer(
    transform: ViewTransform, share_y: float, share_x: float, factor: float
) -> None:
    held = share_y * transform.image_hw[0], share_x * transform.image_hw[1]
    at = transform.to_view(*held)
    assume(all(KEPT_IN_VIEW_PX < a < v - KEPT_IN_VIEW_PX for a, v in zip(at, transform.view_hw, strict=True)))
    zoomed = transform.zoomed(factor, *at)
    assert zoomed.scale == pytest.approx(min(transform.scale * factor, MAX_SCALE))
    assert zoomed.to_view(*held) == pytest.approx(at, abs=1e-6)


@given(transforms())
def test_there_and_back_is_the_same_point(transform: ViewTransform) -> None:
    y, x = transform.to_image(*transform.to_view(3.25, 7.5))
    assert (y, x) == pytest.approx((3.25, 7.5), abs=1e-6)


@given(transforms(), st.integers(-9000, 9000), st.integers(-9000, 9000))
def test_the_image_cannot_be_lost_from_the_view(transform: ViewTransform, dy: int, dx: int) -> None:
    moved = transform.panned(dy, dx)
    for offset, size, view in zip(
        (moved.offset_y, moved.offset_x), moved.image_hw, moved.view_hw, strict=True
    ):
        kept = min(KEPT_IN_VIEW_PX, size * moved.scale) - 1
        assert offset + size * moved.scale >= kept
        assert offset <= view - kept
    # only whole device pixels, so that the picture can be pushed instead of drawn
    pushed = moved.offset_y - transform.offset_y
    assert pushed == pytest.approx(round(pushed), abs=1e-6)


@given(transforms())
def test_scales_stay_between_fit_and_64(transform: ViewTransform) -> None:
    assert transform.zoomed(1e-9, 5, 5).scale == pytest.approx(transform.min_scale)
    assert transform.zoomed(1e9, 5, 5).scale == pytest.approx(MAX_SCALE)
    fitted = transform.fitted()
    assert fitted.image_hw[0] * fitted.scale <= fitted.view_hw[0] + 1e-6
    assert fitted.image_hw[1] * fitted.scale <= fitted.view_hw[1] + 1e-6


@given(transforms(), shares, shares, st.integers(1, 40), st.integers(1, 40))
def test_a_box_covers_exactly_the_device_pixels_over_it(
    transform: ViewTransform, share_y: float, share_x: float, height: int, width: int
) -> None:
    y0, x0 = int(share_y * transform.image_hw[0]), int(share_x * transform.image_hw[1])
    box = Box(y0, x0, y0 + height, x0 + width).clip(transform.image_hw)
    seen = transform.box_to_view(box)
    rows = (np.arange(transform.view_hw[0]) + 0.5 - transform.offset_y) / transform.scale
    columns = (np.arange(transform.view_hw[1]) + 0.5 - transform.offset_x) / transform.scale
    on_rows = np.flatnonzero((rows >= box.y0) & (rows < box.y1))
    on_columns = np.flatnonzero((columns >= box.x0) & (columns < box.x1))
    assert seen.is_empty == (not on_rows.size or not on_columns.size)
    if not seen.is_empty:
        assert (seen.y0, seen.y1) == (on_rows[0], on_rows[-1] + 1)
        assert (seen.x0, seen.x1) == (on_columns[0], on_columns[-1] + 1)


@given(transforms())
def test_pixels_under_device_rows_rise_and_lie_in_the_image(transform: ViewTransform) -> None:
    rows = transform.rows_under(-4, transform.view_hw[0] + 4)
    assert (np.diff(rows) >= 0).all()
    assert rows[0] >= 0
    assert rows[-1] < transform.image_hw[0]


@given(transforms(), st.sampled_from([None, 1.0]), st.integers(0, 40), st.integers(1, 40))
def test_neighbours_are_found_without_looking_at_each(
    transform: ViewTransform, scale: float | None, start: int, count: int
) -> None:
    transform = replace(transform, scale=scale or transform.scale)
    for find, look in (
        (transform.find_rows, transform.rows_under), (transform.find_columns, transform.columns_under)
    ):  # fmt: skip
        found, indices = find(start, start + count), look(start, start + count)
        assert np.array_equal(np.arange(10_000)[found] if isinstance(found, slice) else found, indices)


@given(transforms(), views, views)
def test_another_size_of_the_view_keeps_the_middle(transform: ViewTransform, height: int, width: int) -> None:
    before = transform.to_image(transform.view_hw[0] / 2, transform.view_hw[1] / 2)
    resized = transform.resized((height, width))
    if resized.scale == transform.scale and all(
        0 < b < s for b, s in zip(before, transform.image_hw, strict=True)
    ):
        after = resized.to_image(height / 2, width / 2)
        assert after == pytest.approx(before, abs=1.5 / transform.scale + KEPT_IN_VIEW_PX / transform.scale)


def test_nice_steps_go_up_and_down_through_one_to_one() -> None:
    transform = ViewTransform((1000, 1000), (500, 500)).fitted()
    seen = []
    while transform.scale < MAX_SCALE:
        transform = transform.centred_on(500, 500, transform.next_nice_scale(larger=True))
        seen.append(transform.scale)
    assert seen == sorted(seen)
    assert 1.0 in seen
    while transform.scale > transform.min_scale:
        smaller = transform.next_nice_scale(larger=False)
        assert smaller < transform.scale
        transform = transform.centred_on(500, 500, smaller)
