"""Pixels that look alike: what a magic wand takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.regions import compute_region

Mask = NDArray[np.bool_]
STRIP_ROWS = 256


def compute_similar(
    pixels: NDArray[np.uint8], y: int, x: int, tolerance: int, *, contiguous: bool
) -> tuple[Box, Mask]:
    """Pixels no channel of which differs from pixel (y, x) by more than `tolerance`, as (box, bool [h, w]).

    pixels: uint8 [H, W, 3]. tolerance: 0 to 255. contiguous: only those connected with (y, x) (four
    neighbours a pixel).
    """
    low = np.maximum(pixels[y, x].astype(np.int16) - tolerance, 0).astype(np.uint8)
    high = np.minimum(pixels[y, x].astype(np.int16) + tolerance, 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    alike: Mask = np.empty((height, width), np.bool_)
    for y0 in range(0, height, STRIP_ROWS):
        part, found = pixels[y0 : y0 + STRIP_ROWS], alike[y0 : y0 + STRIP_ROWS]
        found[...] = True
        for channel in range(pixels.shape[2]):
            plane = np.ascontiguousarray(part[..., channel])
            found &= plane >= low[channel]
            found &= plane <= high[channel]
    return compute_region(alike, y, x) if contiguous else (Box(0, 0, height, width), alike)
