"""Values of any depth and any number of channels to 8-bit RGB, by rules that look at the file alone.

- 16 bit: `value >> 8`; but `value >> 4` where the largest value is below 4096 (a 12-bit camera), and
  the value itself where the largest is below 256 (8-bit data in a 16-bit file);
- floats within 0 to 1: times 255; all else (32-bit integers, signed, other floats): smallest value to
  black, largest to white. Values that are not numbers become black.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def over_white(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3] from uint8 [H, W, 4] laid on white."""
    alpha = rgba[..., 3:]
    if bool((alpha == 255).all()):
        return np.ascontiguousarray(rgba[..., :3])
    # Rows at a time: 32-bit intermediates of a 400-megapixel picture would not fit anywhere.
    out = np.empty((*rgba.shape[:2], 3), np.uint8)
    for y in range(0, rgba.shape[0], 256):
        weight = alpha[y : y + 256].astype(np.uint32)
        out[y : y + 256] = (rgba[y : y + 256, :, :3] * weight + 255 * (255 - weight) + 127) // 255
    return out


def find_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    """The values that become black and white by the rules in the module's docstring."""
    if values.dtype == np.uint8 or values.size == 0:
        return 0.0, 255.0
    # Without a copy of all of it; a value that is not a number counts for nothing but black.
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        finite = np.where(np.isfinite(values), values, values.dtype.type(0))
        low, high = finite.min(), finite.max()
    if values.dtype.kind in "iu" and low >= 0 and high < 65536:
        return 0.0, float((256 << (0 if high < 256 else 4 if high < 4096 else 8)) - 1)
    if values.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    return float(low), float(high)


def scale_to_8bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Values of any number type, any shape, to uint8 by the rules in the module's docstring."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    if values.size == 0:
        return values.astype(np.uint8)
    low, high = find_range(values)
    if values.dtype.kind in "iu" and low == 0 and high in (255, 4095, 65535):
        shift = int(high).bit_length() - 8
        return (values.astype(np.uint16, copy=False) >> np.uint16(shift)).astype(np.uint8)
    return _stretch(values, low, high)


def _stretch(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    out = np.empty(values.shape, np.uint8)
    for y in range(0, values.shape[0], 256):
        part = values[y : y + 256].astype(np.float64)
        if values.dtype.kind == "f":
            part[~np.isfinite(part)] = 0.0
        out[y : y + 256] = np.rint((part - low) * (255.0 / (high - low)))
    return out


def brighten(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Values of any number type to uint8: the lowest to black, all but the few highest below white.

    Of [H, W, C] the channels that `grey_or_rgb` shows; opacity stays as it is.
    """
    if values.ndim == 3:
        channels = values.shape[2]
        colors = 1 if channels < 3 else 3
        opacity = [scale_to_8bit(values[..., colors:])] if channels in (2, 4) else []
        planes = [brighten(values[..., :colors].reshape(values.shape[0], -1)), *opacity]
        return np.concatenate([plane.reshape(*values.shape[:2], -1) for plane in planes], axis=2)
    known = values[np.isfinite(values)]
    if known.size == 0:
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(known, (0, 99.8))
    return _stretch(np.clip(values, low, high), float(low), float(high))


def grey_or_rgb(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """[H, W] or [H, W, C] to contiguous [H, W, 3]: grey is repeated, a fourth channel is opacity."""
    if values.ndim == 2:
        values = values[..., None]
    channels = values.shape[2]
    if channels in (1, 2):
        grey = np.repeat(values[..., :1], 3, axis=2)
        return grey if channels == 1 else over_white(np.concatenate([grey, values[..., 1:]], axis=2))
    if channels == 4:
        return over_white(values)
    return np.ascontiguousarray(values[..., :3])
