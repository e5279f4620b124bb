"""Pixels of an image in the one form that both screen and network can use, and values deeper than that.

A picture is kept as uint32 [H, W] 0xffRRGGBB, which a screen draws without conversion; everybody else sees
the same memory as ordinary uint8 [H, W, 3] RGB. So an image costs four bytes a pixel and not seven.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DARK = 64  # of 255: a picture hardly any of whose values are brighter is hardly seen
SAMPLED_SIDE = 400
STRIP_PIXELS = 1 << 18  # worked on at a time: it stays in the processor's cache
_RGB = slice(2, None, -1) if sys.byteorder == "little" else slice(1, None)  # R, G, B among the four bytes
RAW_MODE = "BGRX" if sys.byteorder == "little" else "XRGB"
"""What Pillow calls the order of the four bytes; the one that is no colour may be anything."""

Rgb32 = NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class DeepValues:
    """Values that do not fit into 8 bits, for looking at: [H, W] or [H, W, C] of the file's own type.

    low, high: what is shown as black and as white as long as nobody adjusts it.
    """

    values: NDArray[Any]
    low: float
    high: float

    @property
    def channels(self) -> int:
        return 1 if self.values.ndim == 2 else int(self.values.shape[2])


def is_dark(pixels: NDArray[np.uint8]) -> bool:
    """Whether too little is seen of uint8 [H, W, 3] as it is."""
    rows, columns = (max(1, side // SAMPLED_SIDE) for side in pixels.shape[:2])
    return bool(np.percentile(pixels[::rows, ::columns], 99) < DARK)


def make_rgb32(pixels: NDArray[np.uint8]) -> Rgb32:
    """uint32 [H, W] 0xffRRGGBB from uint8 [H, W, 3] RGB."""
    height, width = pixels.shape[:2]
    out = np.empty((height, width), np.uint32)
    rows = max(1, STRIP_PIXELS // max(1, width))
    for y in range(0, height, rows):
        _put_rgb(out[y : y + rows], pixels[y : y + rows])
    return out


def _put_rgb(target: Rgb32, pixels: NDArray[np.uint8]) -> None:
    """Write uint8 [h, w, 3] RGB into uint32 [h, w]."""
    target[:] = 0xFF000000
    _rgb_of(target)[:] = pixels


def put_raw(target: Rgb32, raw: bytes) -> None:
    """Write the four bytes of each pixel, in the order of `RAW_MODE`, into uint32 [h, w]."""
    np.bitwise_or(np.frombuffer(raw, np.uint32).reshape(target.shape), np.uint32(0xFF000000), out=target)


def view_rgb(rgb32: Rgb32) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] RGB over the memory of `rgb32`, which must own it. Read-only; no copy is made."""
    if rgb32.base is not None:
        raise ValueError("the array is a part of another one")
    pixels = _rgb_of(rgb32)
    pixels.flags.writeable = False
    return pixels


def find_rgb32(pixels: NDArray[np.uint8]) -> Rgb32 | None:
    """The memory under a `view_rgb` as uint32 [H, W], read-only; None for pixels of any other origin."""
    base = pixels.base
    if not isinstance(base, np.ndarray) or base.dtype != np.uint32 or base.shape != pixels.shape[:2]:
        return None
    if pixels.strides != _rgb_of(base).strides:
        return None
    whole = base.view()
    whole.flags.writeable = False
    return whole


def _rgb_of(rgb32: Rgb32) -> NDArray[np.uint8]:
    return rgb32.view(np.uint8).reshape(*rgb32.shape, 4)[..., _RGB]
