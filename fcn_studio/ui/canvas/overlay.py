"""Labels and prediction over the image, composed at the resolution of the screen for the box to repaint.

Values are fetched only for the device pixels at hand (one row index a device row, one column index a device
column), so the cost follows the screen and never the image. What is on top: a label where there is one, else
the prediction. Outlines lie inside the region they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.canvas.colors import OverlayColors
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import make_looked_up_image

HATCH_PERIOD_PX = 8
HATCH_GAP_PX = 2
ORIGIN_BITS, FRESH_SHIFT = 3, 2
FRESH_BIT = 1 << FRESH_SHIFT

Plane = NDArray[np.uint8]


@dataclass(frozen=True)
class OverlaySources:
    """The arrays that are looked at, all [H, W] of the image; None = not shown.

    labels: uint8 class ids, provenance: uint8, fresh: bool, channels: uint8 network channels.
    """

    labels: Plane | None
    provenance: Plane | None
    fresh: NDArray[np.bool_] | None
    channels: Plane | None


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
    thin = _thin_px(pixel_ratio)
    margin = outline_margin_px(pixel_ratio)
    rows = transform.rows_under(box.y0 - margin, box.y1 + margin)
    columns = transform.columns_under(box.x0 - margin, box.x1 + margin)
    labels = None if sources.labels is None else fetch(sources.labels, rows, columns)
    said = _bounds_of_labels(labels)
    all_said = labels is not None and said is not None and bool(labels.max() != UNLABELLED)
    pictures = []
    if sources.channels is not None and not all_said:
        channels = fetch(sources.channels, rows, columns)
        labelled = None if said is None or labels is None else labels != UNLABELLED
        pictures.append(_draw_prediction(channels, labelled, colors, margin, thin))
    if labels is not None and said is not None:
        labels_at = _LabelsAt(
            labels, said, rows, columns, phase=_hatch_phase(transform, box, margin), margin=margin, thin=thin
        )
        pictures.append(_draw_labels(labels_at, sources, colors))
    return pictures


# --- fetching -----------------------------------------------------------------------------------------------


def fetch(values: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """values[rows, columns] as an outer product; rows and columns rise and lie inside."""
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    if y1 - y0 < rows.size:  # enlarged: widen the few rows first, then repeat them
        return values[y0:y1, x0:x1].take(columns - x0, axis=1).take(rows - y0, axis=0)
    return values[rows, x0:x1].take(columns - x0, axis=1)


def _bounds_of_labels(labels: Plane | None) -> Box | None:
    """The smallest box of device pixels (margin included) that holds all labels; None without any."""
    if labels is None:
        return None
    in_row = labels.min(axis=1) != UNLABELLED
    if not in_row.any():
        return None
    y0, y1 = _first_and_stop(in_row)
    x0, x1 = _first_and_stop(labels[y0:y1].min(axis=0) != UNLABELLED)
    return Box(y0, x0, y1, x1)


def _first_and_stop(flags: NDArray[np.bool_]) -> tuple[int, int]:
    return int(flags.argmax()), int(flags.size - flags[::-1].argmax())


# --- drawing ------------------------------------------------------------------------------------------------


def _draw_prediction(
    channels: Plane, labelled: NDArray[np.bool_] | None, colors: OverlayColors, margin: int, thin: int
) -> QImage:
    inner = _inner(channels, margin)
    edges = _edges(channels, margin, thin)
    if labelled is not None:
        under = _inner(labelled, margin)
        inner = inner | under.view(np.uint8) * np.uint8(UNLABELLED)
        edges &= ~under
    image, pixels = make_looked_up_image(inner, colors.prediction_fill)
    _recolor(pixels, edges, inner, colors.prediction_outline)
    return image


@dataclass(frozen=True)
class _LabelsAt:
    """Labels at device resolution with a margin, and where among them any label is (`said`)."""

    labels: Plane
    said: Box
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    phase: tuple[int, int]
    margin: int
    thin: int


def _draw_labels(at: _LabelsAt, sources: OverlaySources, colors: OverlayColors) -> QImage:
    image, pixels = make_looked_up_image(_inner(at.labels, at.margin), colors.label_fill)
    # only where labels are: provenance, patterns and outlines, in the frame with the margin
    target = at.said.intersect(Box.of_shape(at.labels.shape).grow(-at.margin))
    if target.is_empty:
        return image
    part = target.grow(at.margin)
    labels = at.labels[part.slices]
    tags = _fetch_tags(sources, at.rows[part.y0 : part.y1], at.columns[part.x0 : part.x1])
    values, inner_tags = _inner(labels, at.margin), _inner(tags, at.margin)
    drawn = pixels[target.shift(-at.margin, -at.margin).slices]
    kinds = labels | tags.astype(np.uint16) << 8
    edges = _edges(kinds, at.margin, at.thin)
    edges &= values != UNLABELLED
    accepted = inner_tags & ORIGIN_BITS == Provenance.ACCEPTED
    fresh = inner_tags == FRESH_BIT | Provenance.PAINTED
    if accepted.any():
        gaps = _hatch_gaps(accepted.shape, at.phase[0] + target.y0 + at.phase[1] + target.x0, at.thin)
        _recolor(drawn, accepted & gaps, values, colors.accepted_gap)
        _recolor(drawn, accepted & edges, values, colors.accepted_outline)
        edges &= ~accepted
    if fresh.any():
        wide = _edges(kinds, at.margin, at.margin)
        wide &= fresh
        _recolor(drawn, wide, values, colors.fresh_outline)
        edges &= ~fresh
    _recolor(drawn, edges, values, colors.label_outline)
    return image


def _fetch_tags(sources: OverlaySources, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Plane:
    """uint8: provenance, and a bit for what has just been painted."""
    if sources.provenance is None:
        return np.zeros((rows.size, columns.size), np.uint8)
    tags = fetch(sources.provenance, rows, columns)
    if sources.fresh is not None:
        tags |= fetch(sources.fresh.view(np.uint8), rows, columns) << FRESH_SHIFT
    return tags


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


def _hatch_phase(transform: ViewTransform, box: Box, margin: int) -> tuple[int, int]:
    """Where the pattern starts, so that it moves with the image."""
    return box.y0 - margin - int(transform.offset_y // 1), box.x0 - margin - int(transform.offset_x // 1)


def _hatch_gaps(shape_hw: tuple[int, int], phase: int, thin: int) -> NDArray[np.bool_]:
    """bool [h, w]: the gaps between diagonal lines."""
    diagonals = np.arange(shape_hw[0] + shape_hw[1], dtype=np.int64) + phase
    gaps = diagonals % (HATCH_PERIOD_PX * thin) < HATCH_GAP_PX * thin
    windows = np.lib.stride_tricks.sliding_window_view(gaps, shape_hw[1])
    return windows[: shape_hw[0]]
