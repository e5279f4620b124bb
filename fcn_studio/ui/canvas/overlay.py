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
    pictures = []
    labels = planes.labels
    hides_all = "labels" in shown and planes.said is not None and bool(labels.max() != UNLABELLED)  # type: ignore[union-attr]
    if "prediction" in shown and planes.channels is not None and not hides_all:
        pictures.append(_draw_prediction(planes, planes.channels, "labels" in shown, colors, thin))
    if "labels" in shown and planes.said is not None:
        pictures.append(_draw_labels(planes, planes.said, colors, thin))
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


# --- drawing ------------------------------------------------------------------------------------------------


def _append(
    pictures: list[QImage], values: Plane | None, colors: LayerColors, planes: Planes, thickness: int
) -> None:
    """A layer that is nothing but a fill and an outline for each value."""
    if values is None:
        return
    inner = _inner(values, planes.margin)
    image, pixels = _look_up(inner, colors)
    if colors.outline is not None:
        _recolor(pixels, _edges(values, planes.margin, thickness), inner, colors.outline)
    pictures.append(image)


def _look_up(values: Plane, colors: LayerColors) -> tuple[QImage, NDArray[np.uint32]]:
    """The fill of values as a picture and its pixels; Qt is quick at many of them, numpy at few."""
    if values.size > FEW_PX:
        return make_looked_up_image(values, colors.fill)
    pixels = colors.fill_table.take(values)
    return wrap_argb32(pixels), pixels


def _draw_prediction(
    planes: Planes, channels: Plane, under_labels: bool, colors: OverlayColors, thin: int
) -> QImage:
    inner = _inner(channels, planes.margin)
    hidden = None
    if under_labels and planes.said is not None and planes.labels is not None:
        hidden = _inner(planes.labels, planes.margin) != UNLABELLED
        inner = inner | hidden.view(np.uint8) * np.uint8(UNLABELLED)
    image, pixels = _look_up(inner, colors.prediction)
    if colors.prediction.outline is not None:
        edges = _edges(channels, planes.margin, thin)
        if hidden is not None:
            edges &= ~hidden
        _recolor(pixels, edges, inner, colors.prediction.outline)
    if colors.background_dot is not None:
        dots = _dots(inner.shape, planes.phase_yx, thin)
        dots &= (colors.background_dot != 0).take(inner)
        _recolor(pixels, dots, inner, colors.background_dot)
    return image


def _draw_labels(planes: Planes, said: Box, colors: OverlayColors, thin: int) -> QImage:
    assert planes.labels is not None
    margin = planes.margin
    image, pixels = _look_up(_inner(planes.labels, margin), colors.labels)
    # only where labels are: provenance, patterns and outlines, in the frame with the margin
    target = said.intersect(Box.of_shape(planes.labels.shape).grow(-margin))
    if target.is_empty:
        return image
    part = target.grow(margin)
    labels, tags = planes.labels[part.slices], planes.tags(part)
    values, inner_tags = _inner(labels, margin), _inner(tags, margin)
    drawn = pixels[target.shift(-margin, -margin).slices]
    accepted = inner_tags & ORIGIN_BITS == Provenance.ACCEPTED
    has_accepted = bool(accepted.any())
    if has_accepted:
        gaps = _hatch_gaps(accepted.shape, planes.phase + target.y0 + target.x0, thin)
        _recolor(drawn, accepted & gaps, values, colors.accepted_gap)
    if colors.labels.outline is None or colors.accepted_outline is None or colors.fresh_outline is None:
        return image
    kinds = labels | tags.astype(np.uint16) << 8
    edges = _edges(kinds, margin, thin)
    edges &= values != UNLABELLED
    if has_accepted:
        _recolor(drawn, accepted & edges, values, colors.accepted_outline)
        edges &= ~accepted
    fresh = inner_tags == FRESH_BIT | Provenance.PAINTED
    if fresh.any():
        wide = _edges(kinds, margin, margin)
        wide &= fresh
        _recolor(drawn, wide, values, colors.fresh_outline)
        edges &= ~fresh
    _recolor(drawn, edges, values, colors.labels.outline)
    return image


def _thin_px(pixel_ratio: float) -> int:
    return max(1, round(pixel_ratio))


def _inner(plane: NDArray[Any], margin: int) -> NDArray[Any]:
    return plane[margin:-margin, margin:-margin]


def _edges(plane: NDArray[Any], margin: int, thickness: int) -> NDArray[np.bool_]:
    """bool, without the margin: pixels where the value changes within `thickness` up, down, left or right."""
    height, width = plane.shape
    inner_h, inner_w = height - 2 * margin, width - 2 * margin
    down = plane[1:, margin : width - margin] != plane[:-1, margin : width - margin]
    right = plane[margin : height - margin, 1:] != plane[margin : height - margin, :-1]
    found: NDArray[np.bool_] = down[margin - thickness : margin - thickness + inner_h].copy()
    for start in range(margin - thickness + 1, margin + thickness):
        found |= down[start : start + inner_h]
    for start in range(margin - thickness, margin + thickness):
        found |= right[:, start : start + inner_w]
    return found


def _recolor(
    pixels: NDArray[np.uint32], where: NDArray[np.bool_], values: Plane, table: NDArray[np.uint32]
) -> None:
    """Give the pixels of a mask the colour of their value; cheap where the mask is sparse."""
    if where.any():
        pixels[where] = table[values[where]]


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
