"""The only place where a QImage is made from a numpy array: formats, strides and lifetimes are right here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

Format = QImage.Format


def wrap_rgb32(pixels: NDArray[np.uint32]) -> QImage:
    """A QImage over `pixels`, uint32 [H, W] 0xffRRGGBB, without a copy.

    The rows may lie apart (a cut-out of a larger array); the columns must be next to one another. The image
    keeps the array alive. Where the array is writable, painting on the image changes the array.
    """
    return _wrap32(pixels, Format.Format_RGB32)


def wrap_argb32(pixels: NDArray[np.uint32]) -> QImage:
    """Like `wrap_rgb32`, for premultiplied 0xAARRGGBB."""
    return _wrap32(pixels, Format.Format_ARGB32_Premultiplied)


def make_rgb_image(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage of its own (RGB32) from uint8 [H, W, 3] RGB; for thumbnails and other small pictures."""
    pixels = np.ascontiguousarray(pixels, np.uint8)
    height, width = pixels.shape[:2]
    wrapped = QImage(pixels.data, width, height, 3 * width, Format.Format_RGB888)
    return wrapped.convertToFormat(Format.Format_RGB32)  # copies, so `pixels` may go


def make_looked_up_image(
    indices: NDArray[np.uint8], colors: NDArray[np.uint32]
) -> tuple[QImage, NDArray[np.uint32]]:
    """Colours looked up for uint8 [H, W] `indices`, as a QImage (ARGB32 premultiplied) and its pixels.

    The rows of `indices` may lie apart. `colors` holds up to 256 values, premultiplied 0xAARRGGBB; an index
    beyond them is transparent. The array, uint32 [H, W], is a view of the image: writing to it changes the
    image. Qt's lookup is about five times as fast as numpy's.
    """
    height, width = indices.shape
    indexed = _wrap(indices, Format.Format_Indexed8)
    indexed.setColorTable([*colors.tolist(), *[0] * (256 - colors.size)])
    image = indexed.convertToFormat(Format.Format_ARGB32)  # the colours as they are
    image.reinterpretAsFormat(Format.Format_ARGB32_Premultiplied)
    view = np.frombuffer(image.bits(), np.uint32).reshape(height, image.bytesPerLine() // 4)
    return image, view[:, :width]


def _wrap32(pixels: NDArray[np.uint32], image_format: QImage.Format) -> QImage:
    if pixels.dtype != np.uint32:
        raise ValueError(f"need uint32 [H, W], got {pixels.dtype}")
    return _wrap(pixels, image_format)


def _wrap(values: NDArray[Any], image_format: QImage.Format) -> QImage:
    if values.ndim != 2 or (values.size and values.strides[1] != values.itemsize):
        raise ValueError(f"need [H, W] with contiguous rows, got {values.shape}")
    height, width = values.shape
    if not values.size:
        return QImage()
    # Qt asks for a flat buffer that reaches from the first to the last pixel.
    stride = values.strides[0] // values.itemsize if height > 1 else width
    if values.flags.c_contiguous:
        flat = values.reshape(-1)
    else:
        flat = np.lib.stride_tricks.as_strided(
            values, ((height - 1) * stride + width,), (values.itemsize,), writeable=values.flags.writeable
        )
    image = QImage(flat.data, width, height, stride * values.itemsize, image_format)
    image.owner = flat  # type: ignore[attr-defined]  # the buffer must live as long as the image
    return image
