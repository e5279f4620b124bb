"""How bright the image is shown: contrast, brightness, gamma, one channel of several. For the eye alone.

Neither labels nor networks know of it. 8-bit pictures are mapped where they are drawn; values deeper than
that are mapped themselves, so that a narrow range of them can be spread over the screen's 256.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.pixels import DeepValues, Rgb32
from fcn_studio.ui.canvas.pyramid import Level, Pyramid

ALL_CHANNELS = -1
LOWEST_GAMMA, HIGHEST_GAMMA = 0.2, 5.0
STEEPEST = 0.98  # contrast 1 would be a step
STRETCHED_PERCENT = 0.3, 99.7
SAMPLED_SIDE = 400  # values a side that are looked at for stretching


@dataclass(frozen=True)
class Display:
    """What the person wants; kept from image to image. brightness, contrast: -1 to 1, 0 changes nothing.

    gamma: above 1 brightens the dark parts. channel: from 0, ALL_CHANNELS for the picture in its colours.
    stretch: the darkest and brightest values of each image become black and white first.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    channel: int = ALL_CHANNELS
    stretch: bool = False

    @property
    def is_neutral(self) -> bool:
        return self == Display()

    def changed(self, **values: Any) -> Display:
        """With other values, brought into their limits. Raises TypeError for an unknown name."""
        made = replace(self, **values)
        return Display(
            min(max(float(made.brightness), -1.0), 1.0),
            min(max(float(made.contrast), -1.0), 1.0),
            min(max(float(made.gamma), LOWEST_GAMMA), HIGHEST_GAMMA),
            max(int(made.channel), ALL_CHANNELS),
            bool(made.stretch),
        )


def read_display(kept: Mapping[str, Any]) -> Display:
    """A display from a settings file; neutral where the file was spoilt."""
    names = {field.name for field in fields(Display)}
    values = {name: value for name, value in kept.items() if name in names}
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values.values()):
        return Display()
    return Display().changed(**values)


def keep_display(display: Display) -> dict[str, Any]:
    """The inverse of `read_display`."""
    return {field.name: getattr(display, field.name) for field in fields(Display)}


def channels_of(pyramid: Pyramid | None) -> int:
    """How many channels there are to choose from."""
    if pyramid is None:
        return 0
    return pyramid.deep.channels if pyramid.deep is not None else 3


class Tone:
    """A display for one image: what becomes of its values."""

    def __init__(self, display: Display, pyramid: Pyramid) -> None:
        self._display = display
        self._deep: DeepValues | None = pyramid.deep
        self._pyramid = pyramid
        self._channel = display.channel if display.channel < channels_of(pyramid) else ALL_CHANNELS

    @property
    def maps_values(self) -> bool:
        """Whether it is the deep values that are mapped, and not the 8-bit picture."""
        return self._deep is not None

    @cached_property
    def _range(self) -> tuple[float, float]:
        """The values that become black and white before the curve."""
        if not self._display.stretch:
            return (self._deep.low, self._deep.high) if self._deep is not None else (0.0, 255.0)
        values: Level = self._deep.values if self._deep is not None else self._pyramid.pixels
        rows, columns = (max(1, side // SAMPLED_SIDE) for side in values.shape[:2])
        sample = values[::rows, ::columns]
        if sample.ndim == 3:
            sample = sample[..., : 3 if self._channel == ALL_CHANNELS else None]
            sample = sample if self._channel == ALL_CHANNELS else sample[..., self._channel]
        if sample.dtype.kind == "f":
            sample = sample[np.isfinite(sample)]
        if not sample.size:
            return 0.0, 1.0
        low, high = np.percentile(sample, STRETCHED_PERCENT)
        return float(low), float(high)

    def curve(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """uint8 of any numbers: range, contrast round the middle, brightness, gamma. NaN is black."""
        low, high = self._range
        x = values.astype(np.float32)
        x -= low
        x /= max(high - low, 1e-12)
        x -= 0.5
        x *= math.tan((min(self._display.contrast, STEEPEST) + 1) * math.pi / 4)
        x += 0.5 + self._display.brightness
        np.clip(x, 0.0, 1.0, out=x)
        if self._display.gamma != 1.0:
            np.power(x, 1 / self._display.gamma, out=x)
        x *= 255
        if values.dtype.kind == "f":
            np.nan_to_num(x, copy=False)
        return np.rint(x, out=x).astype(np.uint8)

    @cached_property
    def _bytes_table(self) -> bytes:
        return self.curve(np.arange(256)).tobytes()

    @cached_property
    def _words_table(self) -> NDArray[np.uint8]:
        return self.curve(np.arange(65536))

    def map_pixels(self, pixels: Rgb32) -> Rgb32:
        """uint32 [h, w] 0xffRRGGBB of the 8-bit picture, anywhere in it."""
        if self._channel != ALL_CHANNELS:
            grey = (pixels >> np.uint32(16 - 8 * self._channel)).astype(np.uint8)
            return _grey32(self._map_grey8(grey))
        mapped = np.frombuffer(pixels.tobytes().translate(self._bytes_table), np.uint32)
        return mapped.reshape(pixels.shape) | np.uint32(0xFF000000)

    def _map_grey8(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        mapped = np.frombuffer(grey.tobytes().translate(self._bytes_table), np.uint8)
        return mapped.reshape(grey.shape)

    def map_values(self, values: Level) -> Rgb32:
        """uint32 [h, w] 0xffRRGGBB of deep values, [h, w] or [h, w, C]."""
        if values.ndim == 3:
            if self._channel != ALL_CHANNELS:
                values = values[..., self._channel]
            elif values.shape[2] < 3:
                values = values[..., 0]
            else:
                red, green, blue = (
                    self._map_plane(values[..., index]).astype(np.uint32) for index in range(3)
                )
                return red << np.uint32(16) | green << np.uint32(8) | blue | np.uint32(0xFF000000)
        return _grey32(self._map_plane(values))

    def _map_plane(self, plane: Level) -> NDArray[np.uint8]:
        if plane.dtype == np.uint8:
            return self._map_grey8(plane)
        return self._words_table[plane] if plane.dtype == np.uint16 else self.curve(plane)


def _grey32(grey: NDArray[np.uint8]) -> Rgb32:
    wide = grey.astype(np.uint32)
    wide *= 0x010101
    wide |= 0xFF000000
    return wide
