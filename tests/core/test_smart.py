"""The smart brush stays on the pointer's side of an edge, under its tip, and reads nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.raster import make_capsule
from fcn_studio.core.smart import compute_smart_dab

SHAPE = (40, 50)


def on_canvas(box, mask: np.ndarray, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    canvas = np.zeros(shape, bool)
    canvas[box.slices] = mask
    return canvas


def two_halves(shape: tuple[int, int] = SHAPE, border: int = 25, noise: int = 0) -> np.ndarray:
    pixels = np.full((*shape, 3), (90, 120, 60), np.int64)
    pixels[:, border:] = (150, 60, 60)
    pixels += np.random.default_rng(1).integers(-noise, noise + 1, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 12])
@pytest.mark.parametrize("x", [18.5, 31.5])
def test_it_stops_at_an_edge(noise: int, x: float) -> None:
    taken = on_canvas(*compute_smart_dab(two_halves(noise=noise), (20.5, x), 21, 30))
    tip = on_canvas(*make_capsule((20.5, x), (20.5, x), 21, SHAPE))
    side = np.zeros(SHAPE, bool)
    side[:, :25] = x < 25
    side[:, 25:] = x > 25
    wrong = taken != (tip & side)
    assert not wrong.any() if noise == 0 else wrong.sum() <= 6


@pytest.mark.parametrize("centre", [(-3.0, 20.5), (42.5, 20.5), (-2.0, 17.0), (43.0, 29.5)])
def test_it_stops_at_an_edge_also_from_outside_the_image(centre: tuple[float, float]) -> None:
    taken = on_canvas(*compute_smart_dab(two_halves(noise=8), centre, 21, 30))
    tip = on_canvas(*make_capsule(centre, centre, 21, SHAPE))
    side = np.zeros(SHAPE, bool)
    side[:, :25] = centre[1] < 25
    side[:, 25:] = centre[1] > 25
    assert (tip & ~side).any()
    assert (taken != (tip & side)).sum() <= 3


def test_a_tip_beside_a_corner_of_the_image_takes_nothing_without_a_warning() -> None:
    assert not compute_smart_dab(two_halves(), (-8.2, -8.2), 21, 30)[1].any()


def test_where_there_is_no_edge_it_takes_the_whole_tip() -> None:
    pixels = np.random.default_rng(0).integers(100, 110, (*SHAPE, 3)).astype(np.uint8)
    for centre in ((20.3, 20.7), (0.2, 49.5), (39.9, 3.0)):
        made = compute_smart_dab(pixels, centre, 17, 30)
        assert np.array_equal(on_canvas(*made), on_canvas(*make_capsule(centre, centre, 17, SHAPE)))


def test_the_edge_that_counts_can_be_chosen() -> None:
    pixels = two_halves()
    whole = on_canvas(*compute_smart_dab(pixels, (20.5, 18.5), 21, 200))
    assert whole[:, 25:].any()


def test_a_patch_of_the_same_colour_beyond_the_edge_is_not_taken() -> None:
    pixels = two_halves(border=20)
    pixels[:, 28:] = pixels[0, 0]
    taken = on_canvas(*compute_smart_dab(pixels, (20.5, 14.5), 37, 30))
    assert not taken[:, 20:].any()
    assert taken[20, 19]


def test_a_small_speck_under_the_tip_is_taken_with_its_surroundings() -> None:
    pixels = two_halves(border=50)
    pixels[20:23, 20:23] = (150, 60, 60)
    assert on_canvas(*compute_smart_dab(pixels, (18.5, 16.5), 25, 30))[20:23, 20:23].all()


@given(
    st.floats(-5, 45), st.floats(-5, 55), st.floats(0.5, 60), st.integers(0, 80), st.integers(0, 2**32 - 1)
)
def test_it_never_reaches_beyond_its_tip_and_always_takes_the_pixel_under_the_pointer(
    y: float, x: float, diameter_px: float, edge: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    box, taken = compute_smart_dab(pixels, (y, x), diameter_px, edge)
    tip = on_canvas(*make_capsule((y, x), (y, x), diameter_px, SHAPE))
    canvas = on_canvas(box, taken)
    assert not (canvas & ~tip).any()
    if 0 <= y < SHAPE[0] and 0 <= x < SHAPE[1] and tip[int(y), int(x)]:
        assert canvas[int(y), int(x)]


def test_only_the_window_under_the_tip_is_read() -> None:
    pixels = two_halves((300, 300), border=150)
    other = pixels.copy()
    box, taken = compute_smart_dab(pixels, (150.5, 140.5), 41, 30)
    other[: box.y0] = other[box.y1 :] = other[:, : box.x0] = other[:, box.x1 :] = 7
    again = compute_smart_dab(other, (150.5, 140.5), 41, 30)
    assert again[0] == box
    assert np.array_equal(again[1], taken)


def test_a_very_large_tip_is_looked_at_coarsely_and_still_stops_at_the_edge() -> None:
    pixels = two_halves((600, 700), border=350)
    taken = on_canvas(*compute_smart_dab(pixels, (300.5, 300.5), 500, 30), (600, 700))
    tip = on_canvas(*make_capsule((300.5, 300.5), (300.5, 300.5), 500, (600, 700)), (600, 700))
    tip[:, 350:] = False
    assert (taken != tip).mean() < 0.01
