"""Class colours: Okabe-Ito for the first classes, well separated hues after them; VOC's palette."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]

BACKGROUND_COLOR: Color = (154, 160, 170)
# Okabe-Ito without black (black stands for nothing on a screen); order as in the window's design.
OKABE_ITO: tuple[Color, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (213, 94, 0),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
)


def make_color(index: int) -> Color:
    """The colour of the `index`-th class that is not background; never repeats below 200."""
    if index < len(OKABE_ITO):
        return OKABE_ITO[index]
    step = index - len(OKABE_ITO)
    hue = (0.11 + step * 0.61803398875) % 1.0
    lightness = (0.62, 0.45, 0.75)[step % 3]
    saturation = (0.75, 0.6, 0.85)[(step // 3) % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def make_voc_palette() -> NDArray[np.uint8]:
    """PASCAL VOC's palette, uint8 [256, 3]: bits 0, 1, 2 of the index go to R, G, B from the top bit down."""
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        rest = index
        for bit in range(7, -1, -1):
            for channel in range(3):
                palette[index, channel] |= ((rest >> channel) & 1) << bit
            rest >>= 3
    return palette
