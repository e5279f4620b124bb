"""The image as the screen wants it: 32 bits a pixel, and halved copies for looking from afar."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRIP_ROWS = 128  # work in strips: it stays in the processor's cache and can be given up half-way
SMALLEST_LONG_SIDE_PX = 256
MAX_WHOLE_PIXELS = 64_000_000  # above, the full-size level is made from `pixels` where it is looked at

Rgb32 = NDArray[np.uint32]
Unwanted = Callable[[], bool]


@dataclass(frozen=True)
class Pyramid:
    """Levels of one image: level k is halved k times; each uint32 [h, w] 0xffRRGGBB.

    pixels: uint8 [H, W, 3] RGB, the original. levels[0] is None where the image is too large to be kept
    twice.
    """

    pixels: NDArray[np.uint8]
    levels: tuple[Rgb32 | None, ...]

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for each device pixel at `scale`."""
        level = 0
        while level + 1 < len(self.levels) and scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level

    def cut(self, level: int, y0: int, x0: int, y1: int, x1: int) -> Rgb32:
        """uint32 [y1 - y0, x1 - x0] of a level, without a copy where the level is kept."""
        kept = self.levels[level]
        if kept is None:
            return make_rgb32(np.ascontiguousarray(self.pixels[y0:y1, x0:x1]))
        return kept[y0:y1, x0:x1]


def make_rgb32(pixels: NDArray[np.uint8], unwanted: Unwanted = lambda: False) -> Rgb32:
    """uint32 [H, W] 0xffRRGGBB from uint8 [H, W, 3] RGB; given up half-way once `unwanted()`."""
    height, width = pixels.shape[:2]
    out = np.empty((height, width), np.uint32)
    channels = out.view(np.uint8).reshape(height, width, 4)
    places = (2, 1, 0, 3) if sys.byteorder == "little" else (1, 2, 3, 0)  # of R, G, B, A in memory
    for y in range(0, height, STRIP_ROWS):
        if unwanted():
            break
        strip = channels[y : y + STRIP_ROWS]
        for source, place in enumerate(places[:3]):
            strip[..., place] = pixels[y : y + STRIP_ROWS, :, source]
        strip[..., places[3]] = 255
    return out


def make_first_level(pixels: NDArray[np.uint8], unwanted: Unwanted = lambda: False) -> Pyramid:
    """A pyramid of the full-size level only: enough to show the image."""
    height, width = pixels.shape[:2]
    whole = make_rgb32(pixels, unwanted) if height * width <= MAX_WHOLE_PIXELS else None
    return Pyramid(pixels, (whole,))


def compute_all_levels(first: Pyramid, unwanted: Unwanted = lambda: False) -> Pyramid:
    """The same image with its halved levels; given up half-way once `unwanted()`."""
    levels: list[Rgb32 | None] = [first.levels[0]]
    height, width = first.shape_hw
    while max(height, width) > SMALLEST_LONG_SIDE_PX and min(height, width) > 1 and not unwanted():
        finer = Pyramid(first.pixels, tuple(levels))
        levels.append(_halve(finer, height, width, unwanted))
        height, width = (height + 1) // 2, (width + 1) // 2
    return Pyramid(first.pixels, tuple(levels))


def _halve(finer: Pyramid, height: int, width: int, unwanted: Unwanted) -> Rgb32:
    """The last level of `finer`, [height, width], averaged over 2x2 pixels; odd borders are repeated."""
    out = np.empty(((height + 1) // 2, (width + 1) // 2), np.uint32)
    level = len(finer.levels) - 1
    for y in range(0, out.shape[0], STRIP_ROWS):
        if unwanted():
            break
        rows = min(STRIP_ROWS, out.shape[0] - y)
        strip = finer.cut(level, 2 * y, 0, min(2 * (y + rows), height), width)
        if strip.shape[0] % 2 or width % 2:
            strip = np.pad(strip, ((0, strip.shape[0] % 2), (0, width % 2)), mode="edge")
        parts = np.ascontiguousarray(strip).view(np.uint8).reshape(rows, 2, out.shape[1], 2, 4)
        total = parts[:, 0, :, 0].astype(np.uint16)
        for row, column in ((0, 1), (1, 0), (1, 1)):
            total += parts[:, row, :, column]
        out[y : y + rows] = ((total + 2) >> 2).astype(np.uint8).view(np.uint32)[..., 0]
    return out
