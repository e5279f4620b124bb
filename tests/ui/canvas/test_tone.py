"""Contrast, brightness, gamma, channels: against the plain formula, for 8 bits and for what is deeper."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.pixels import DeepValues, make_rgb32, view_rgb
from fcn_studio.ui.canvas.colors import make_overlay_colors
from fcn_studio.ui.canvas.frame import Frame, Pane, Picture
from fcn_studio.ui.canvas.planes import OverlaySources
from fcn_studio.ui.canvas.pyramid import Pyramid, compute_all_levels, make_first_level
from fcn_studio.ui.canvas.tone import Display, Tone, channels_of, keep_display, read_display
from fcn_studio.ui.canvas.transform import ViewTransform

HW = (70, 90)
NOTHING = OverlaySources(None, None, None, None)
EMPTY = make_overlay_colors(ClassTable(), ClassTable().make_lut(()))
RNG = np.random.default_rng(0)


def make_pyramid(values: np.ndarray | None = None, low: float = 0, high: float = 0) -> Pyramid:
    pixels = view_rgb(make_rgb32(RNG.integers(0, 256, (*HW, 3), dtype=np.uint8)))
    deep = DeepValues(values, low, high) if values is not None else None
    return compute_all_levels(make_first_level(pixels, deep))


def look(pyramid: Pyramid, display: Display, scale: float = 1.0) -> np.ndarray:
    """uint8 [h, w, 3] of the view."""
    transform = ViewTransform(HW, HW).centred_on(HW[0] / 2, HW[1] / 2, scale)
    frame = Frame()
    frame.set_backdrop(QColor(0, 0, 0))
    frame.resize(HW, 1.0)
    tone = None if display.is_neutral else Tone(display, pyramid)
    frame.refresh(Picture(pyramid, tone), [Pane(frame.box, transform, NOTHING, EMPTY)])
    image = frame.image
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(*HW, 4)
    return raw[..., 2::-1].astype(int)


def formula(x: np.ndarray, display: Display) -> np.ndarray:
    """What a value between 0 (black) and 1 (white) becomes."""
    k = np.tan((display.contrast + 1) * np.pi / 4)
    return np.round(np.clip((x - 0.5) * k + 0.5 + display.brightness, 0, 1) ** (1 / display.gamma) * 255)


DISPLAYS = [Display(brightness=0.2), Display(contrast=0.5), Display(gamma=2.2), Display(-0.1, -0.4, 0.6)]


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_8_bit_pictures_follow_the_formula(display: Display, scale: float) -> None:
    pyramid = make_pyramid()
    expected = formula(look(pyramid, Display(), scale) / 255, display)
    assert np.abs(look(pyramid, display, scale) - expected).max() <= 1


@pytest.mark.parametrize("display", [*DISPLAYS, Display(contrast=0.9)])
def test_deep_values_follow_the_formula_and_are_not_rounded_before(display: Display) -> None:
    values = RNG.integers(20_000, 21_000, HW).astype(np.uint16)  # four steps of the 8-bit picture
    pyramid = make_pyramid(values, 20_000, 21_000)
    expected = formula((values - 20_000.0) / 1000, display)
    seen = look(pyramid, display)
    assert np.abs(seen[..., 0] - expected).max() <= 1
    assert (seen[..., 0] == seen[..., 2]).all()
    if display.contrast == 0:
        assert len(np.unique(seen)) > 150


def test_floats_and_what_is_no_number() -> None:
    values = RNG.random(HW).astype(np.float32) * 8 - 4
    values[3, 5], values[4, 6] = np.nan, np.inf
    seen = look(make_pyramid(values, -4, 4), Display(gamma=1.0001))
    assert seen[3, 5].tolist() == [0, 0, 0]
    values[3, 5] = values[4, 6] = 0
    expected = formula((values + 4) / 8, Display())
    apart = np.abs(seen[..., 1] - expected)
    apart[3, 5] = apart[4, 6] = 0
    assert apart.max() <= 1


def test_stretching_finds_the_values_that_there_are() -> None:
    values = RNG.integers(500, 700, HW).astype(np.uint16)
    seen = look(make_pyramid(values, 0, 65535), Display(stretch=True))
    assert seen.min() == 0
    assert seen.max() == 255
    assert look(make_pyramid(values, 0, 65535), Display(brightness=0.0001)).max() <= 3
    flat = np.full(HW, 7, np.uint16)
    assert np.isfinite(look(make_pyramid(flat, 0, 255), Display(stretch=True))).all()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_channel_of_a_colour_picture_is_grey(channel: int) -> None:
    pyramid = make_pyramid()
    seen = look(pyramid, Display(channel=channel))
    assert np.array_equal(seen, np.repeat(pyramid.pixels[..., channel : channel + 1], 3, axis=2))


def test_channels_beyond_the_third_can_be_seen_and_a_missing_one_is_the_whole_picture() -> None:
    values = RNG.integers(0, 65536, (*HW, 5)).astype(np.uint16)
    pyramid = make_pyramid(values, 0, 65535)
    assert channels_of(pyramid) == 5
    seen = look(pyramid, Display(channel=4))[..., 0]
    assert np.abs(seen - values[..., 4] / 257).max() <= 1
    whole = look(pyramid, Display(channel=9))
    assert np.abs(whole - values[..., :3] / 257).max() <= 1


def test_neither_the_picture_nor_the_values_change() -> None:
    values = RNG.integers(0, 65536, HW).astype(np.uint16)
    pyramid = make_pyramid(values, 0, 65535)
    before = pyramid.pixels.copy(), values.copy()
    for display in (*DISPLAYS, Display(stretch=True), Display(channel=0)):
        for scale in (0.5, 1.0, 4.0):
            look(pyramid, display, scale)
    assert np.array_equal(pyramid.pixels, before[0])
    assert np.array_equal(values, before[1])


def test_displays_are_kept_and_spoilt_ones_are_neutral() -> None:
    display = Display(0.25, -0.5, 1.5, 2, True)
    assert read_display(keep_display(display)) == display
    for spoilt in ({"gamma": "x"}, {"contrast": float("nan")}, {"foreign": 1}, {}):
        assert read_display(spoilt).is_neutral
    assert Display().changed(gamma=99, contrast=-7, channel=-5) == Display(gamma=5.0, contrast=-1.0)
