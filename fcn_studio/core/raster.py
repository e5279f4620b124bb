"""Shapes as masks of pixels: what a brush covers and what a fill reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

_ALWAYS_REACHES_PX = 1.4143  # a disc of this diameter holds a pixel's centre wherever it lies


def make_capsule(
    start_yx: tuple[float, float], end_yx: tuple[float, float], diameter_px: float, shape_hw: tuple[int, int]
) -> tuple[Box, NDArray[np.bool_]]:
    """The pixels that a round brush covers when it moves along a line, as (box, bool [h, w]).

    Pixel (r, c) has its centre at (r + 0.5, c + 0.5) and belongs when the centre lies within half the
    diameter of the line; a brush too thin to reach a centre from everywhere covers the pixels under the line,
    ends included, so that no stroke paints nothing.
    """
    radius = diameter_px / 2
    (y0, x0), (y1, x1) = start_yx, end_yx
    low_y, high_y, low_x, high_x = min(y0, y1), max(y0, y1), min(x0, x1), max(x0, x1)
    box = Box(
        int(np.floor(low_y - radius)),
        int(np.floor(low_x - radius)),
        int(np.floor(high_y + radius)) + 1,
        int(np.floor(high_x + radius)) + 1,
    ).clip(shape_hw)
    if box.is_empty:
        return box, np.zeros(box.shape_hw, bool)
    if diameter_px <= 1:
        return box, _trace_line(box, start_yx, end_yx)
    rows = np.arange(box.y0, box.y1, dtype=np.float32)[:, None] + 0.5 - y0
    columns = np.arange(box.x0, box.x1, dtype=np.float32)[None, :] + 0.5 - x0
    dy, dx = y1 - y0, x1 - x0
    length_squared = dy * dy + dx * dx
    if length_squared > 1e-12:  # shorter is a click; float32 would divide zero by zero
        along = np.clip((rows * dy + columns * dx) / length_squared, 0.0, 1.0)
        distance_squared = (rows - along * dy) ** 2 + (columns - along * dx) ** 2
    else:
        distance_squared = rows**2 + columns**2
    mask = distance_squared <= radius * radius
    if diameter_px < _ALWAYS_REACHES_PX:
        mask |= _trace_line(box, start_yx, end_yx)
    return box, mask


def _trace_line(box: Box, start_yx: tuple[float, float], end_yx: tuple[float, float]) -> NDArray[np.bool_]:
    """Pixels under a line without width, sampled four times a pixel: no gaps, but cut corners may lack."""
    mask = np.zeros(box.shape_hw, bool)
    span = max(abs(end_yx[0] - start_yx[0]), abs(end_yx[1] - start_yx[1]))
    steps = np.linspace(0.0, 1.0, int(span * 4) + 2)
    rows = np.floor(start_yx[0] + steps * (end_yx[0] - start_yx[0])).astype(int) - box.y0
    columns = np.floor(start_yx[1] + steps * (end_yx[1] - start_yx[1])).astype(int) - box.x0
    inside = (rows >= 0) & (rows < box.height) & (columns >= 0) & (columns < box.width)
    mask[rows[inside], columns[inside]] = True
    return mask


def compute_region(values: NDArray[np.uint8], y: int, x: int) -> tuple[Box, NDArray[np.bool_]]:
    """The 4-connected region of equal values that holds (y, x), as (box, bool [h, w])."""
    from scipy import ndimage  # 0.4 s to import: only a fill needs it

    marked, _ = ndimage.label(values == values[y, x])
    number = marked[y, x]
    rows, columns = ndimage.find_objects(marked, max_label=number)[number - 1]
    box = Box(rows.start, columns.start, rows.stop, columns.stop)
    return box, marked[box.slices] == number
