"""The image in 32 bits and its halved levels, against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_studio.ui.canvas import pyramid as pyramid_module
from fcn_studio.ui.canvas.pyramid import compute_all_levels, make_first_level, make_rgb32


def channels_of(level: np.ndarray) -> np.ndarray:
    return np.stack([(level >> shift) & 255 for shift in (16, 8, 0)], axis=2)


def test_rgb32_holds_every_value_and_is_opaque() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 7, 3), dtype=np.uint8)
    made = make_rgb32(pixels)
    assert (made >> 24 == 255).all()
    assert np.array_equal(channels_of(made), pixels)


@pytest.mark.parametrize("shape_hw", [(600, 800), (301, 517), (1, 700), (700, 3)])
def test_each_level_is_the_mean_of_two_by_two(shape_hw: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape_hw, 3), dtype=np.uint8)
    levels = compute_all_levels(make_first_level(pixels)).levels
    finer = pixels
    for level in levels[1:]:
        odd = ((0, finer.shape[0] % 2), (0, finer.shape[1] % 2), (0, 0))
        padded = np.pad(finer, odd, mode="edge").astype(int)
        mean = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2] + 2) // 4
        assert level is not None
        assert np.array_equal(channels_of(level), mean)
        finer = mean.astype(np.uint8)
    assert len(levels) > 1 or min(shape_hw) == 1


def test_a_level_has_a_pixel_for_each_device_pixel() -> None:
    pyramid = compute_all_levels(make_first_level(np.zeros((2000, 3000, 3), np.uint8)))
    for scale in (64, 1, 0.9, 0.51, 0.5, 0.3, 0.25, 0.126, 0.1):
        level = pyramid.level_for(scale)
        assert scale * 2**level <= 1 or level == 0
        assert scale * 2 ** (level + 1) > 1 or level == len(pyramid.levels) - 1


def test_a_huge_image_is_not_kept_twice_and_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (410, 530, 3), dtype=np.uint8)
    kept = compute_all_levels(make_first_level(pixels))
    monkeypatch.setattr(pyramid_module, "MAX_WHOLE_PIXELS", 1000)
    lean = compute_all_levels(make_first_level(pixels))
    assert lean.levels[0] is None
    assert np.array_equal(lean.cut(0, 17, 23, 90, 77), kept.cut(0, 17, 23, 90, 77))
    for coarse, expected in zip(lean.levels[1:], kept.levels[1:], strict=True):
        assert np.array_equal(coarse, expected)


def test_an_unwanted_image_is_given_up_half_way() -> None:
    calls = []

    def unwanted() -> bool:
        calls.append(None)
        return len(calls) > 2

    make_rgb32(np.zeros((10_000, 4, 3), np.uint8), unwanted)
    assert len(calls) == 3
