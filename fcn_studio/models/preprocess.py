"""From pixels to a network's input, in numpy: the one place that prepares pictures to predict and train."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fcn_studio.models.spec import ModelSpec


def compute_work_hw(hw: tuple[int, int], long_side: int, zoom: float = 1.0) -> tuple[int, int]:
    """The size [height, width] of a picture of ``hw`` as a network looks at it.

    It is enlarged ``zoom`` times, and then scaled down where its longer side exceeds ``long_side`` pixels.
    """
    factor = min(zoom, long_side / max(hw))
    if factor == 1.0:
        return hw
    height, width = (max(1, round(size * factor)) for size in hw)
    return height, width


def scale_pixels(pixels: NDArray[np.uint8], hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale uint8 [H, W, 3] to ``hw``; when smaller, each pixel is the weighted mean of what it covers.

    Pixel centres stay where they are: pixel i of the result lies at ``(i + 0.5) * old / new - 0.5``.
    """
    if pixels.shape[:2] == hw:
        return pixels
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    # reducing_gap first averages whole blocks, which for large photographs halves the time.
    scaled = picture.resize((hw[1], hw[0]), Image.Resampling.BILINEAR, reducing_gap=1.5)
    return np.asarray(scaled)


def normalize_pixels(pixels: NDArray[np.uint8], spec: ModelSpec) -> NDArray[np.float32]:
    """uint8 [H, W, 3] to float32 [3, H, W]: ``(pixel - mean) / std`` by channel."""
    height, width = pixels.shape[:2]
    x = np.empty((3, height, width), np.float32)
    _normalize_into(x, pixels, spec)
    return x


def make_input(
    pixels: NDArray[np.uint8], spec: ModelSpec, long_side: int | None = None
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """(network input float32 [1, 3, H', W'], size [h, w] of the picture in it).

    pixels: uint8 [H, W, 3] RGB, at least 1 x 1. The picture is enlarged ``spec.zoom`` times, scaled down to
    ``spec.long_side`` (or to ``long_side`` where that is less), normalised, and filled up at the right and
    the bottom with the mean colour (zero) to the size that the card asks for.
    """
    limit = spec.long_side if long_side is None else min(long_side, spec.long_side)
    work_hw = compute_work_hw((pixels.shape[0], pixels.shape[1]), limit, spec.zoom)
    scaled = scale_pixels(pixels, work_hw)
    x = np.zeros((1, 3, *spec.padded_hw(work_hw)), np.float32)
    _normalize_into(x[0, :, : work_hw[0], : work_hw[1]], scaled, spec)
    return x, work_hw


def _normalize_into(x: NDArray[np.float32], pixels: NDArray[np.uint8], spec: ModelSpec) -> None:
    for channel in range(3):
        plane = x[channel]
        np.subtract(pixels[..., channel], np.float32(spec.mean[channel]), out=plane, dtype=np.float32)
        plane /= np.float32(spec.std[channel])
