"""QImages from numpy: every stride, every value, no dangling memory."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from fcn_studio.ui.qimage import make_looked_up_image, make_rgb_image, wrap_argb32, wrap_rgb32

Format = QImage.Format


def read(image: QImage) -> np.ndarray:
    """uint32 [H, W] of any 32-bit image, pixel by pixel."""
    return np.array(
        [[image.pixel(x, y) for x in range(image.width())] for y in range(image.height())], np.uint32
    )


@pytest.mark.parametrize(
    "cut", [np.s_[:, :], np.s_[2:7, 3:5], np.s_[9:10, 1:2], np.s_[::2, 1:4], np.s_[5:6, :]]
)
def test_a_wrapped_cut_shows_exactly_its_pixels(cut: tuple[slice, slice]) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**32, (10, 13), dtype=np.uint32) | np.uint32(0xFF000000)
    image = wrap_rgb32(pixels[cut])
    assert image.format() == Format.Format_RGB32
    assert np.array_equal(read(image), pixels[cut])


def test_painting_on_a_wrapped_image_changes_the_array() -> None:
    pixels = np.zeros((6, 8), np.uint32)
    image = wrap_argb32(pixels[1:4, 2:5])
    painter = QPainter(image)
    painter.fillRect(0, 0, 3, 3, QColor(255, 0, 0))
    painter.end()
    assert (pixels[1:4, 2:5] == 0xFFFF0000).all()
    assert (pixels != 0).sum() == 9


def test_a_wrapped_array_lives_as_long_as_the_image() -> None:
    image = wrap_rgb32(np.full((300, 300), 0xFF123456, np.uint32))
    gc.collect()
    rubbish = [np.zeros((300, 300), np.uint32) for _ in range(8)]
    assert image.pixel(299, 299) == 0xFF123456
    assert len(rubbish) == 8


def test_columns_that_lie_apart_are_refused() -> None:
    with pytest.raises(ValueError):
        wrap_rgb32(np.zeros((4, 8), np.uint32)[:, ::2])
    with pytest.raises(ValueError):
        wrap_rgb32(np.zeros((4, 8), np.int32))  # type: ignore[arg-type]


def test_rgb_of_any_width_keeps_its_colours() -> None:
    for width in range(1, 9):
        pixels = np.random.default_rng(width).integers(0, 256, (3, width, 3), dtype=np.uint8)
        image = make_rgb_image(pixels)
        values = read(image)
        for channel, shift in enumerate((16, 8, 0)):
            assert np.array_equal((values >> shift) & 255, pixels[..., channel])


def test_looked_up_colours_are_taken_as_they_are_and_writable() -> None:
    colors = np.zeros(8, np.uint32)
    colors[1], colors[7] = 0xFF00FF00, 0x80808080
    image, pixels = make_looked_up_image(np.array([[1, 7, 255], [0, 1, 1]], np.uint8), colors)
    assert pixels.tolist() == [[0xFF00FF00, 0x80808080, 0], [0, 0xFF00FF00, 0xFF00FF00]]
    assert image.format() == Format.Format_ARGB32_Premultiplied
    pixels[0, 2] = 0xFF0000FF
    assert image.pixel(2, 0) == 0xFF0000FF
