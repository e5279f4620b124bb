"""Labels and prediction over the image, composed at the resolution of the screen for the box to repaint.

What is on top: a label where there is one, else the prediction; over both the layers that were asked for.
Outlines lie inside the region they belong to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.patch import choose
from fcn_studio.ui.canvas.colors import LayerColors, OverlayColors
from fcn_studio.ui.canvas.inks import DOT, FRESH_OUTLINE, GAP, Codes, ColorTable
from fcn_studio.ui.canvas.planes import Plane, Planes
from fcn_studio.ui.qimage import make_looked_up_image, wrap_argb32

HATCH_PERIOD_PX = 8
HATCH_GAP_PX = 2
DOT_PERIOD_PX = 10
DOT_PX = 2
FEW_PX = 8192
ONE = np.uint8(1)
# As plain bytes: to compare a plane with a member of an enum takes ten times as long.
ACCEPTED, PAINTED = np.uint8(Provenance.ACCEPTED), np.uint8(Provenance.PAINTED)


def compose_overlay(planes: Planes, colors: OverlayColors) -> list[QImage]:
    """Pictures (ARGB32 premultiplied, the size of the planes' box) to draw over the image, in this order."""
    pictures: list[QImage] = []
    shown, thin = planes.shown, planes.thin
    codes = _find_codes(planes, colors)
    if codes is not None:
        pictures.append(_look_up(planes.narrow(codes), colors.inks.table)[0])
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
    if planes.labels is None or not planes.has_labels:
        return predicted
    return choose(planes.labels != UNLABELLED, planes.labels, predicted)


def _find_origin(planes: Planes, colors: OverlayColors) -> Plane | None:
    """Who said it: a provenance, or the network, or nobody (255)."""
    if planes.labels is None or planes.provenance is None:
        return None
    unsaid: Plane = np.full(planes.labels.shape, UNLABELLED, np.uint8)
    if planes.channels is not None:
        unsaid = colors.origin_of_channel.take(planes.channels)
    return choose(planes.labels != UNLABELLED, planes.provenance, unsaid)


def _find_difference(planes: Planes, colors: OverlayColors) -> Plane | None:
    """1 where a label and a prediction of a class of the project contradict one another, else 255."""
    if planes.labels is None or planes.channels is None or not planes.has_labels:
        return None
    predicted = colors.class_of_channel.take(planes.channels)
    differs = (planes.labels != UNLABELLED) & (predicted != UNLABELLED) & (predicted != planes.labels)
    return choose(differs, ONE, np.full_like(predicted, UNLABELLED)) if differs.any() else None


# --- prediction and labels: a code for each device pixel ---------------------------------------------------


def _find_codes(planes: Planes, colors: OverlayColors) -> Codes | None:
    """Codes of `Inks`, with the margin at the sides; labels hide the prediction. None: nothing to be seen."""
    labels = planes.labels if "labels" in planes.shown and planes.has_labels else None
    predicted = None
    hides_all = labels is not None and int(labels.max()) != UNLABELLED
    if "prediction" in planes.shown and planes.channels is not None and not hides_all:
        predicted = _find_prediction_codes(planes, planes.channels, colors)
    if labels is None:
        return predicted
    codes = _find_label_codes(planes, labels, colors)
    is_said = (planes.inner(labels) != UNLABELLED).view(np.uint8)
    codes *= is_said
    if predicted is not None:
        predicted *= is_said ^ ONE
        codes += predicted
    return codes


def _find_prediction_codes(planes: Planes, channels: Plane, colors: OverlayColors) -> Codes:
    inner = planes.inner(channels)
    banks: Plane = np.zeros(inner.shape, np.uint8)
    if colors.prediction.outline is not None:
        banks = _Edges(planes, channels).within(planes.thin).view(np.uint8)  # OUTLINE is 1
    if colors.background_dot is not None:
        banks += _dots(inner.shape, planes.phase_yx, planes.thin).view(np.uint8) * DOT
    return colors.inks.of_channels(inner, banks)


def _find_label_codes(planes: Planes, labels: Plane, colors: OverlayColors) -> Codes:
    """Nothing is to be made of them where there is no label.

    A line runs between classes, and between what was accepted and the rest of its class: those two look
    different. That one pixel is fresh and the next is not draws none; it only chooses a line's colour.
    """
    provenance = planes.provenance
    is_accepted: NDArray[np.bool_] = (
        np.zeros(labels.shape, np.bool_) if provenance is None else provenance == ACCEPTED
    )
    has_accepted = is_accepted.any()
    edges = None
    if colors.labels.outline is not None:
        edges = _Edges(planes, labels, is_accepted) if has_accepted else _Edges(planes, labels)
    accepted = planes.inner(is_accepted)
    line = np.zeros(accepted.shape, np.bool_) if edges is None else edges.within(planes.thin)
    banks = line.view(np.uint8)  # FILL or OUTLINE
    if has_accepted:  # GAP, or with the line ACCEPTED_OUTLINE
        accepted &= _hatch_gaps(accepted.shape, sum(planes.phase_yx), planes.thin) | line
        banks = banks + accepted.view(np.uint8) * GAP
    fresh = planes.fresh
    if edges is not None and provenance is not None and fresh is not None:
        line = edges.within(planes.margin)  # twice as wide
        line &= planes.inner(fresh)
        line &= planes.inner(provenance) == PAINTED
        banks = np.maximum(banks, line.view(np.uint8) * FRESH_OUTLINE)  # which is the highest of them
    return colors.inks.of_labels(planes.inner(labels), banks)


# --- drawing ------------------------------------------------------------------------------------------------


def _append(
    pictures: list[QImage], values: Plane | None, colors: LayerColors, planes: Planes, thickness: int
) -> None:
    """A layer that is nothing but a fill and an outline for each value."""
    if values is None:
        return
    inner = planes.narrow(planes.inner(values))
    image, pixels = _look_up(inner, colors.fill)
    if colors.outline is not None:
        edges = planes.narrow(_Edges(planes, values).within(thickness))
        pixels[edges] = colors.outline[inner[edges]]
    pictures.append(image)


def _look_up(codes: Codes, table: ColorTable) -> tuple[QImage, NDArray[np.uint32]]:
    """The colours of codes as a picture and its pixels; Qt is quick at many of them, numpy at few."""
    if codes.size > FEW_PX and codes.dtype == np.uint8:
        return make_looked_up_image(codes, table)
    pixels = table.take(codes)
    return wrap_argb32(pixels), pixels


class _Edges:
    """Where one of some planes changes from one device pixel to the next.

    Planes are looked at as one long row. That the end of a row meets the start of the next one there changes
    nothing but the margin.
    """

    def __init__(self, planes: Planes, first: Plane, *others: NDArray[Any]) -> None:
        self._planes, self._shape = planes, first.shape
        self._thickness, self._line = 0, np.zeros(0, np.bool_)  # what was asked for last
        width = first.shape[1]
        flat = first.ravel()
        self._right, self._down = flat[1:] != flat[:-1], flat[width:] != flat[:-width]
        for other in others:
            flat = other.ravel()
            self._right |= flat[1:] != flat[:-1]
            self._down |= flat[width:] != flat[:-width]

    def within(self, thickness: int) -> NDArray[np.bool_]:
        """bool, with the margin at the sides: a change within `thickness` up, down, left or right.

        Each time at least as wide as before: it goes on from there.
        """
        height, width = self._shape
        start, stop = self._planes.margin * width, (height - self._planes.margin) * width
        found = self._line.copy() if self._thickness else np.zeros(stop - start, np.bool_)
        for away in range(self._thickness, thickness):
            found |= self._right[start + away : stop + away]
            found |= self._right[start - 1 - away : stop - 1 - away]
            found |= self._down[start + away * width : stop + away * width]
            found |= self._down[start - (away + 1) * width : stop - (away + 1) * width]
        self._thickness, self._line = thickness, found
        return found.reshape(-1, width)


def _hatch_gaps(shape_hw: tuple[int, int], phase: int, thin: int) -> NDArray[np.bool_]:
    """bool [h, w]: the gaps between diagonal lines."""
    diagonals = np.arange(shape_hw[0] + shape_hw[1], dtype=np.int64) + phase
    gaps = diagonals % (HATCH_PERIOD_PX * thin) < HATCH_GAP_PX * thin
    # each row is the one above, moved by a pixel: the same memory seen through a window
    return np.ndarray(shape_hw, np.bool_, gaps, strides=(1, 1))


def _dots(shape_hw: tuple[int, int], phase_yx: tuple[int, int], thin: int) -> NDArray[np.bool_]:
    """bool [h, w]: small squares on a grid."""
    on_row, on_column = (
        (np.arange(side) + phase) % (DOT_PERIOD_PX * thin) < DOT_PX * thin
        for side, phase in zip(shape_hw, phase_yx, strict=True)
    )
    found: NDArray[np.bool_] = on_row[:, None] & on_column[None, :]
    return found
