"""Labels and prediction over the image, composed at the resolution of the screen for the box to repaint.

What is on top: a label where there is one, else the prediction; over both the layers that were asked for.
Outlines lie inside the region they belong to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.canvas.colors import LayerColors, OverlayColors
from fcn_studio.ui.canvas.inks import DOT, FRESH_OUTLINE, GAP, Codes, ColorTable
from fcn_studio.ui.canvas.planes import FRESH_BIT, ORIGIN_BITS, OverlaySources, Plane, Planes
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import make_looked_up_image, wrap_argb32

HATCH_PERIOD_PX = 8
HATCH_GAP_PX = 2
DOT_PERIOD_PX = 10
DOT_PX = 2
FEW_PX = 8192


def outline_margin_px(pixel_ratio: float) -> int:
    """How far, in device pixels, a changed value can change what is drawn around it."""
    return 2 * _thin_px(pixel_ratio)


def compose_overlay(
    sources: OverlaySources, colors: OverlayColors, transform: ViewTransform, box: Box, pixel_ratio: float
) -> list[QImage]:
    """Pictures (ARGB32 premultiplied, the size of `box`) to draw over the image, in this order.

    box: device pixels of the view that show the image. pixel_ratio: device pixels a logical pixel; lines
    are that much thicker on a finer display.
    """
    if box.is_empty:
        return []
    thin, shown = _thin_px(pixel_ratio), sources.shown
    if not shown:
        return []
    planes = Planes(sources, transform, box, outline_margin_px(pixel_ratio))
    pictures: list[QImage] = []
    codes = _find_codes(planes, shown, colors, thin)
    if codes is not None:
        pictures.append(_look_up(codes, colors.inks.table)[0])
    if "mask" in shown:
        _append(pictures, _find_mask(planes, colors), colors.mask, planes, thin)
    if "origin" in shown:
        _append(pictures, _find_origin(planes, colors), colors.origin, planes, thin)
    if "uncertainty" in shown:
        _append(pictures, planes.confidence, colors.uncertainty, planes, thin)
    if "difference" in shown:
        _append(pictures, _find_difference(planes, colors), colors.difference, planes, planes.margin)
    return pictures


# --- what is looked at --------------------------------------------------------------------------------------


def _find_mask(planes: Planes, colors: OverlayColors) -> Plane | None:
    """The label where there is one, else the class of the prediction."""
    if planes.channels is None:
        return planes.labels
    predicted = colors.class_of_channel.take(planes.channels)
    if planes.said is None or planes.labels is None:
        return predicted
    return np.where(planes.labels != UNLABELLED, planes.labels, predicted)


def _find_origin(planes: Planes, colors: OverlayColors) -> Plane | None:
    """Who said it: a provenance, or the network, or nobody (255)."""
    if planes.labels is None or planes.provenance is None:
        return None
    unsaid: Plane = np.full(planes.labels.shape, UNLABELLED, np.uint8)
    if planes.channels is not None:
        unsaid = colors.origin_of_channel.take(planes.channels)
    return np.where(planes.labels != UNLABELLED, planes.provenance, unsaid)


def _find_difference(planes: Planes, colors: OverlayColors) -> Plane | None:
    """1 where a label and a prediction of a class of the project contradict one another, else 255."""
    if planes.said is None or planes.labels is None or planes.channels is None:
        return None
    predicted = colors.class_of_channel.take(planes.channels)
    differs = (planes.labels != UNLABELLED) & (predicted != UNLABELLED) & (predicted != planes.labels)
    return np.where(differs, np.uint8(1), np.uint8(UNLABELLED)) if differs.any() else None


# --- prediction and labels: a code for each device pixel ---------------------------------------------------


def _find_codes(planes: Planes, shown: frozenset[str], colors: OverlayColors, thin: int) -> Codes | None:
    """Where labels are shown, they hide the prediction under them. None: there is nothing to be seen."""
    labels, said = planes.labels, planes.said if "labels" in shown else None
    hides_all = said is not None and labels is not None and bool(labels.max() != UNLABELLED)
    codes = None
    if "prediction" in shown and planes.channels is not None and not hides_all:
        codes = _find_prediction_codes(planes, planes.channels, colors, thin)
    if said is not None and labels is not None:
        codes = np.zeros(planes.box.shape_hw, colors.inks.code_type) if codes is None else codes
        _put_label_codes(codes, planes, labels, said, colors, thin)
    return codes


def _find_prediction_codes(planes: Planes, channels: Plane, colors: OverlayColors, thin: int) -> Codes:
    inner = _inner(channels, planes.margin)
    banks: Plane = np.zeros(inner.shape, np.uint8)
    if colors.prediction.outline is not None:
        banks = _Edges(planes.margin, channels).within(thin).view(np.uint8)  # OUTLINE is 1
    if colors.background_dot is not None:
        banks += _dots(inner.shape, planes.phase_yx, thin).view(np.uint8) * np.uint8(DOT)
    return colors.inks.of_channels(inner, banks)


def _put_label_codes(
    codes: Codes, planes: Planes, every_label: Plane, said: Box, colors: OverlayColors, thin: int
) -> None:
    """`said`: where labels are, in the frame with the margin; the rest of `codes` is left alone."""
    margin = planes.margin
    target = said.intersect(Box.of_shape(every_label.shape).grow(-margin))
    if target.is_empty:
        return
    part = target.grow(margin)
    labels, tags = every_label[part.slices], planes.tags(part)
    values = _inner(labels, margin)
    is_said = (values != UNLABELLED).view(np.uint8)
    phase = planes.phase + target.y0 + target.x0
    banks = _find_label_banks(
        labels, tags, margin, phase, thin, is_outlined=colors.labels.outline is not None
    )
    drawn = codes[target.shift(-margin, -margin).slices]
    drawn *= 1 - is_said
    drawn += colors.inks.of_labels(values * is_said, banks) * is_said


def _find_label_banks(
    labels: Plane, tags: Plane, margin: int, phase: int, thin: int, *, is_outlined: bool
) -> Plane:
    """uint8, without the margin: how each label is drawn, one of the banks of `Inks`."""
    inner = _inner(tags, margin)
    edges = _Edges(margin, labels, tags) if is_outlined else None
    line = np.zeros(inner.shape, np.bool_) if edges is None else edges.within(thin)
    banks = line.view(np.uint8)  # FILL or OUTLINE
    accepted = inner & ORIGIN_BITS == Provenance.ACCEPTED
    if accepted.any():  # GAP, or with the line ACCEPTED_OUTLINE
        accepted &= _hatch_gaps(accepted.shape, phase, thin) | line
        banks = banks + accepted.view(np.uint8) * np.uint8(GAP)
    fresh = inner == FRESH_BIT | Provenance.PAINTED
    if edges is not None and fresh.any():
        banks = banks * (~fresh).view(np.uint8)
        fresh &= edges.within(margin)  # twice as wide
        banks += fresh.view(np.uint8) * np.uint8(FRESH_OUTLINE)
    return banks


# --- drawing ------------------------------------------------------------------------------------------------


def _append(
    pictures: list[QImage], values: Plane | None, colors: LayerColors, planes: Planes, thickness: int
) -> None:
    """A layer that is nothing but a fill and an outline for each value."""
    if values is None:
        return
    inner = _inner(values, planes.margin)
    image, pixels = _look_up(inner, colors.fill)
    if colors.outline is not None:
        edges = _Edges(planes.margin, values).within(thickness)
        pixels[edges] = colors.outline[inner[edges]]
    pictures.append(image)


def _look_up(codes: Codes, table: ColorTable) -> tuple[QImage, NDArray[np.uint32]]:
    """The colours of codes as a picture and its pixels; Qt is quick at many of them, numpy at few."""
    if codes.size > FEW_PX and codes.dtype == np.uint8:
        return make_looked_up_image(codes, table)
    pixels = table.take(codes)
    return wrap_argb32(pixels), pixels


def _thin_px(pixel_ratio: float) -> int:
    return max(1, round(pixel_ratio))


def _inner(plane: NDArray[Any], margin: int) -> NDArray[Any]:
    return plane[margin:-margin, margin:-margin]


class _Edges:
    """Where one of some planes changes from one device pixel to the next."""

    def __init__(self, margin: int, *planes: Plane) -> None:
        height, width = planes[0].shape
        self._margin, self._inner_hw = margin, (height - 2 * margin, width - 2 * margin)
        columns, rows = slice(margin, width - margin), slice(margin, height - margin)
        for number, plane in enumerate(planes):
            down, right = plane[1:, columns] != plane[:-1, columns], plane[rows, 1:] != plane[rows, :-1]
            self._down, self._right = (
                (down, right) if number == 0 else (self._down | down, self._right | right)
            )

    def within(self, thickness: int) -> NDArray[np.bool_]:
        """bool, without the margin: pixels with a change within `thickness` up, down, left or right."""
        height, width = self._inner_hw
        first, stop = self._margin - thickness, self._margin + thickness
        found = self._down[first : first + height] | self._right[:, first : first + width]
        for start in range(first + 1, stop):
            found |= self._down[start : start + height]
            found |= self._right[:, start : start + width]
        return found


def _hatch_gaps(shape_hw: tuple[int, int], phase: int, thin: int) -> NDArray[np.bool_]:
    """bool [h, w]: the gaps between diagonal lines."""
    diagonals = np.arange(shape_hw[0] + shape_hw[1], dtype=np.int64) + phase
    gaps = diagonals % (HATCH_PERIOD_PX * thin) < HATCH_GAP_PX * thin
    windows = np.lib.stride_tricks.sliding_window_view(gaps, shape_hw[1])
    return windows[: shape_hw[0]]


def _dots(shape_hw: tuple[int, int], phase_yx: tuple[int, int], thin: int) -> NDArray[np.bool_]:
    """bool [h, w]: small squares on a grid."""
    on_row, on_column = (
        (np.arange(side) + phase) % (DOT_PERIOD_PX * thin) < DOT_PX * thin
        for side, phase in zip(shape_hw, phase_yx, strict=True)
    )
    found: NDArray[np.bool_] = on_row[:, None] & on_column[None, :]
    return found
