"""Labels and prediction over the image, composed at the resolution of the screen for the box to repaint.

What is on top: a label where there is one, else the prediction; over both the layers that were asked for.
Outlines lie inside the region they belong to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.patch import choose
from fcn_studio.ui.canvas.colors import LayerColors, OverlayColors
from fcn_studio.ui.canvas.inks import PATTERN, Codes, ColorTable
from fcn_studio.ui.canvas.planes import Mask, Plane, Planes
from fcn_studio.ui.qimage import make_looked_up_image, wrap_argb32

HATCH_PERIOD_PX = 8
HATCH_GAP_PX = 2
DOT_PERIOD_PX = 10
DOT_PX = 2
FEW_PX = 8192
ONE = np.uint8(1)


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
    inks, said = colors.inks, planes.fetch_said(colors.inks)
    if said is None:
        return None
    lowest, highest = int(said.min()), int(said.max())
    if lowest == highest == inks.size - 1:
        return None
    inner, edges = planes.inner(said), _Edges.of(planes, said)
    if highest < inks.first_label:
        return inks.find_codes(inner, _find_predicted_banks(planes, colors, edges, inner))
    is_accepted = inner >= inks.first_accepted if highest >= inks.first_accepted else None
    banks = _find_label_banks(planes, colors, edges, is_accepted)
    if lowest < inks.first_label:
        is_label = said >= inks.first_label
        predicted = _find_predicted_banks(planes, colors, edges.without(planes, is_label), inner)
        banks = choose(planes.inner(is_label), banks, predicted)
    return inks.find_codes(inner, banks)


def _find_predicted_banks(planes: Planes, colors: OverlayColors, edges: _Edges, inner: Codes) -> Plane:
    line = edges.within(planes.thin if colors.prediction.outline is not None else 0)
    if colors.background_dot is None:
        return line.view(np.uint8)  # FILL or LINE
    has_dot = np.append(colors.background_dot[: colors.inks.size - 1] != 0, False)
    dots = has_dot.take(inner, mode="clip") & _dots(line.shape, planes.phase_yx, planes.thin)
    banks: Plane = np.maximum(line.view(np.uint8), dots.view(np.uint8) * PATTERN)
    return banks


def _find_label_banks(
    planes: Planes, colors: OverlayColors, edges: _Edges, is_accepted: Mask | None
) -> Plane:
    """A line also runs between what was accepted and the rest of its class: those two look different.

    That one pixel is fresh and the next is not draws none; it only chooses a line's colour.
    """
    has_outline = colors.labels.outline is not None
    line = edges.within(planes.thin if has_outline else 0)
    banks: Plane = line.view(np.uint8)  # FILL or LINE
    if is_accepted is not None:
        gaps = _hatch_gaps(line.shape, sum(planes.phase_yx), planes.thin)
        banks = banks + ((is_accepted & gaps) > line).view(np.uint8) * PATTERN  # a line hides them
    fresh = planes.fetch_fresh() if has_outline else None
    if fresh is not None:
        line = edges.within(planes.margin) & planes.inner(fresh)  # twice as wide
        banks = np.maximum(banks, line.view(np.uint8) * PATTERN)
    return banks


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
        edges = planes.narrow(_Edges.of(planes, values).within(thickness))
        pixels[edges] = colors.outline[inner[edges]]
    pictures.append(image)


def _look_up(codes: Codes, table: ColorTable) -> tuple[QImage, NDArray[np.uint32]]:
    """The colours of codes as a picture and its pixels; Qt is quick at many of them, numpy at few."""
    if codes.size > FEW_PX and codes.dtype == np.uint8:
        return make_looked_up_image(codes, table)
    pixels = table.take(codes)
    return wrap_argb32(pixels), pixels


class _Edges:
    """Where a plane changes from one device pixel to the next.

    It is looked at as one long row. That the end of a row meets the start of the next one there changes
    nothing but the margin.
    """

    def __init__(self, planes: Planes, shape_hw: tuple[int, ...], right: Mask, down: Mask) -> None:
        self._shape, self._margin, self._right, self._down = shape_hw, planes.margin, right, down
        self._thickness = 0  # as it was asked for last
        self._line: Mask | None = None  # what was answered

    @classmethod
    def of(cls, planes: Planes, plane: Codes) -> _Edges:
        flat, width = plane.ravel(), plane.shape[1]
        return cls(planes, plane.shape, flat[1:] != flat[:-1], flat[width:] != flat[:-width])

    def without(self, planes: Planes, which: Mask) -> _Edges:
        """Only where neither of the pixels is one of `which`, bool as large as the plane."""
        flat, width = which.ravel(), which.shape[1]
        right, down = flat[1:] | flat[:-1], flat[width:] | flat[:-width]
        return _Edges(planes, which.shape, self._right > right, self._down > down)

    def within(self, thickness: int) -> Mask:
        """bool, with the margin at the sides: a change within `thickness` up, down, left or right.

        Each time at least as wide as before: it goes on from there.
        """
        height, width = self._shape
        start, stop = self._margin * width, (height - self._margin) * width
        found = self._line
        for away in range(self._thickness, thickness):
            nearby = self._right[start + away : stop + away] | self._right[start - 1 - away : stop - 1 - away]
            nearby |= self._down[start + away * width : stop + away * width]
            nearby |= self._down[start - (away + 1) * width : stop - (away + 1) * width]
            found = nearby if found is None else nearby | found
        if found is None:
            found = np.zeros(stop - start, np.bool_)
        self._thickness, self._line = thickness, found
        return found.reshape(-1, width)


def _hatch_gaps(shape_hw: tuple[int, int], phase: int, thin: int) -> Mask:
    """bool [h, w]: the gaps between diagonal lines."""
    diagonals = np.arange(shape_hw[0] + shape_hw[1], dtype=np.int64) + phase
    gaps = diagonals % (HATCH_PERIOD_PX * thin) < HATCH_GAP_PX * thin
    # each row is the one above, moved by a pixel: the same memory seen through a window
    return np.ndarray(shape_hw, np.bool_, gaps, strides=(1, 1))


def _dots(shape_hw: tuple[int, int], phase_yx: tuple[int, int], thin: int) -> Mask:
    """bool [h, w]: small squares on a grid."""
    on_row, on_column = (
        (np.arange(side) + phase) % (DOT_PERIOD_PX * thin) < DOT_PX * thin
        for side, phase in zip(shape_hw, phase_yx, strict=True)
    )
    found: Mask = on_row[:, None] & on_column[None, :]
    return found
