"""Closed shapes as masks of pixels: polygon, rectangle, ellipse.

Pixel (r, c) has its centre at (r + 0.5, c + 0.5) and belongs to a shape that holds its centre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

Point = tuple[float, float]
Mask = NDArray[np.bool_]


def box_of_points(points: Sequence[Point], shape_hw: tuple[int, int]) -> Box:
    """The pixels that a shape with these corners (y, x) can reach, inside an image of `shape_hw`."""
    if not points:
        return Box(0, 0, 0, 0)
    ys, xs = [y for y, _ in points], [x for _, x in points]
    return Box(
        math.floor(min(ys)), math.floor(min(xs)), math.floor(max(ys)) + 1, math.floor(max(xs)) + 1
    ).clip(shape_hw)  # fmt: skip


def make_polygon(points: Sequence[Point], shape_hw: tuple[int, int]) -> tuple[Box, Mask]:
    """The inside of a closed polygon by the even-odd rule, as (box, bool [h, w]).

    points: corners (y, x), the last joined to the first. Two polygons that share a line share no pixel.
    """
    box = box_of_points(points, shape_hw)
    mask = np.zeros(box.shape_hw, np.bool_)
    if box.is_empty or len(points) < 3:
        return box, mask
    toggles = np.zeros((box.height, box.width + 1), np.uint8)
    for (y0, x0), (y1, x1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 > y1:
            y0, x0, y1, x1 = y1, x1, y0, x0
        first = max(math.ceil(y0 - 0.5), box.y0)  # rows whose centres lie in y0 <= centre < y1
        stop = min(math.ceil(y1 - 0.5), box.y1)
        if first >= stop:
            continue
        rows = np.arange(first, stop)
        crossings = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(crossings - 0.5).astype(np.intp) - box.x0, 0, box.width)
        toggles[rows - box.y0, columns] ^= 1
    np.bitwise_xor.accumulate(toggles[:, :-1], axis=1, out=mask.view(np.uint8))
    return box, mask


def make_rectangle(corner_yx: Point, other_yx: Point, shape_hw: tuple[int, int]) -> tuple[Box, Mask]:
    """The pixels from the one under a corner to the one under the opposite corner, both included."""
    box = box_of_points([corner_yx, other_yx], shape_hw)
    return box, np.ones(box.shape_hw, np.bool_)


def make_ellipse(corner_yx: Point, other_yx: Point, shape_hw: tuple[int, int]) -> tuple[Box, Mask]:
    """The ellipse that touches the four sides of a rectangle given by two opposite corners.

    The pixel under the middle always belongs, so that even a click covers something.
    """
    (y0, x0), (y1, x1) = corner_yx, other_yx
    box = box_of_points([corner_yx, other_yx], shape_hw)
    if box.is_empty:
        return box, np.zeros(box.shape_hw, np.bool_)
    middle_y, middle_x = (y0 + y1) / 2, (x0 + x1) / 2
    radius_y, radius_x = max(abs(y1 - y0) / 2, 1e-9), max(abs(x1 - x0) / 2, 1e-9)
    rows = (np.arange(box.y0, box.y1) + 0.5 - middle_y) / radius_y
    columns = (np.arange(box.x0, box.x1) + 0.5 - middle_x) / radius_x
    half = np.sqrt(np.maximum(1 - rows * rows, 0))
    mask = np.abs(columns)[None, :] <= np.where(np.abs(rows) <= 1, half, -1.0)[:, None]
    row, column = math.floor(middle_y), math.floor(middle_x)
    if box.contains(row, column):
        mask[row - box.y0, column - box.x0] = True
    return box, mask
