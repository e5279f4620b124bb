"""The image in 32 bits and its halved levels, against the plain formula."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fcn_studio.core.pixels import DeepValues, make_rgb32, view_rgb
from fcn_studio.ui.canvas.pyramid import compute_all_levels, make_first_level


def channels_of(level: np.ndarray) -> np.ndarray:
    return np.stack([(level >> shift) & 255 for shift in (16, 8, 0)], axis=2)


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


def test_an_image_that_lies_as_the_screen_wants_it_is_not_kept_twice() -> None:
    memory = make_rgb32(np.random.default_rng(2).integers(0, 256, (410, 530, 3), dtype=np.uint8))
    pyramid = compute_all_levels(make_first_level(view_rgb(memory)))
    assert np.shares_memory(pyramid.levels[0], memory)
    assert sum(level.nbytes for level in pyramid.levels[1:]) < 0.4 * memory.nbytes


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_values_have_levels_of_their_own(dtype: type) -> None:
    values = (np.random.default_rng(3).random((301, 260, 2)) * 5000).astype(dtype)
    first = make_first_level(np.zeros((301, 260, 3), np.uint8), DeepValues(values, 0, 65535))
    pyramid = compute_all_levels(first)
    assert [level.shape[:2] for level in pyramid.deep_levels] == [level.shape for level in pyramid.levels]
    assert np.array_equal(pyramid.deep_levels[0], values)
    mean = values[:300].reshape(150, 2, 130, 2, 2).astype(float).mean(axis=(1, 3))
    assert np.abs(pyramid.deep_levels[1][:150] - mean).max() <= 0.5
    assert pyramid.deep_levels[1].dtype == dtype


@pytest.mark.parametrize("shape_hw", [(1, 1), (1, 60_000), (60_000, 3)])
def test_thin_images_are_halved_until_they_are_short(shape_hw: tuple[int, int]) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (*shape_hw, 3), dtype=np.uint8)
    levels = compute_all_levels(make_first_level(pixels)).levels
    assert max(levels[-1].shape) <= 256
    for finer, coarser in pairwise(levels):
        assert coarser.shape == tuple((side + 1) // 2 for side in finer.shape)


def test_an_unwanted_image_is_given_up_half_way() -> None:
    calls = []

    def unwanted() -> bool:
        calls.append(None)
        return len(calls) > 3

    compute_all_levels(make_first_level(np.zeros((4000, 3000, 3), np.uint8)), unwanted)
    assert len(calls) < 8
