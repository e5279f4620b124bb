"""The image as the screen wants it: 32 bits a pixel, and halved copies for looking from afar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.pixels import STRIP_PIXELS, DeepValues, Rgb32, find_rgb32, make_rgb32

SMALLEST_LONG_SIDE_PX = 256
WIDEST_TILE_PX = 4096

Unwanted = Callable[[], bool]
Level = NDArray[Any]


@dataclass(frozen=True)
class Pyramid:
    """Levels of one image: level k is halved k times; each uint32 [h, w] 0xffRRGGBB.

    pixels: uint8 [H, W, 3] RGB, the original; levels[0] is the same memory where it lies as the screen
    wants it. deep_levels: the same of values beyond 8 bits, [h, w] or [h, w, C]; empty where there are none.
    """

    pixels: NDArray[np.uint8]
    levels: tuple[Rgb32, ...]
    deep: DeepValues | None = None
    deep_levels: tuple[Level, ...] = ()

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for each device pixel at `scale`."""
        level = 0
        while level + 1 < len(self.levels) and scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level


def make_first_level(pixels: NDArray[np.uint8], deep: DeepValues | None = None) -> Pyramid:
    """A pyramid of the full-size level only: enough to show the image."""
    whole = find_rgb32(pixels)
    if whole is None:
        whole = make_rgb32(pixels)
    return Pyramid(pixels, (whole,), deep, (deep.values,) if deep is not None else ())


def compute_all_levels(first: Pyramid, unwanted: Unwanted = lambda: False) -> Pyramid:
    """The same image with its halved levels; given up half-way once `unwanted()`."""
    levels, deep_levels = list(first.levels), list(first.deep_levels)
    while max(levels[-1].shape) > SMALLEST_LONG_SIDE_PX and not unwanted():
        finer = levels[-1]
        bytes_of = _halve(finer.view(np.uint8).reshape(*finer.shape, 4), unwanted)
        levels.append(bytes_of.reshape(bytes_of.shape[0], -1).view(np.uint32))
        if deep_levels:
            deep_levels.append(_halve(deep_levels[-1], unwanted))
    return Pyramid(first.pixels, tuple(levels), first.deep, tuple(deep_levels))


def _halve(finer: Level, unwanted: Unwanted) -> Level:
    """[h, w, ...] averaged over 2x2 pixels; where a side is odd, its last row or column counts twice."""
    height, width = (finer.shape[0] + 1) // 2, (finer.shape[1] + 1) // 2
    out = np.empty((height, width, *finer.shape[2:]), finer.dtype)
    columns = min(width, WIDEST_TILE_PX)
    rows = max(1, STRIP_PIXELS // columns)
    for y in range(0, height, rows):
        if unwanted():
            break
        for x in range(0, width, columns):
            tile = Box(y, x, y + rows, x + columns).clip((height, width))
            out[tile.slices] = _mean_of_four(finer[2 * y : 2 * tile.y1, 2 * x : 2 * tile.x1])
    return out


def _mean_of_four(part: Level) -> Level:
    odd = ((0, part.shape[0] % 2), (0, part.shape[1] % 2), *[(0, 0)] * (part.ndim - 2))
    if odd[0][1] or odd[1][1]:
        part = np.pad(part, odd, mode="edge")
    if part.dtype.kind == "f":
        mean: Level = (part[::2, ::2] + part[1::2, ::2] + part[::2, 1::2] + part[1::2, 1::2]) / 4
        return mean.astype(part.dtype, copy=False)
    total: NDArray[np.integer[Any]] = part[::2, ::2].astype(np.uint16 if part.dtype == np.uint8 else np.int64)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        total += part[row::2, column::2]
    total += 2
    total >>= 2
    return total.astype(part.dtype)
