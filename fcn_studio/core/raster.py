"""What a brush covers: the pixels under a round or square tip that moves along a line, as a mask.

Every tip is convex, and so is what it covers on its way: one span of columns in each row. The spans are
computed in float64, so the border lies where the line says to a fraction of a pixel.
Pixel (r, c) has its centre at (r + 0.5, c + 0.5) and is covered when its centre is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

Point = tuple[float, float]
Line = tuple[Point, Point]
Disc = tuple[Point, float]  # centre, radius
Mask = NDArray[np.bool_]

_ALWAYS_REACHES_PX = 1.4143  # a disc of this diameter holds a pixel's centre wherever it lies


def make_capsule(
    start_yx: Point,
    end_yx: Point,
    diameter_px: float,
    shape_hw: tuple[int, int],
    end_diameter_px: float | None = None,
) -> tuple[Box, Mask]:
    """The pixels that a round brush covers when it moves along a line, as (box, bool [h, w]).

    With `end_diameter_px` the brush grows or shrinks evenly on its way, as under a pen's pressure. A brush
    too thin to reach a centre from everywhere covers the pixels under the line, ends included, so that no
    stroke paints nothing.
    """
    radii = diameter_px / 2, (diameter_px if end_diameter_px is None else end_diameter_px) / 2
    discs = (start_yx, radii[0]), (end_yx, radii[1])
    box = _box_of(*discs, shape_hw)
    if box.is_empty or max(radii) <= 0.5:
        return box, _trace_line(box, start_yx, end_yx)
    mask = _fill(box, discs, _tangents(start_yx, end_yx, *radii))
    if 2 * min(radii) < _ALWAYS_REACHES_PX:
        mask |= _trace_line(box, start_yx, end_yx)
    return box, mask


def make_square_stroke(
    start_yx: Point,
    end_yx: Point,
    side_px: float,
    shape_hw: tuple[int, int],
    end_side_px: float | None = None,
) -> tuple[Box, Mask]:
    """The same for an upright square tip; at both ends it covers a square of whole pixels."""
    sides = [max(1, round(side)) for side in (side_px, side_px if end_side_px is None else end_side_px)]
    ends = [snap_square(point, side) for point, side in zip((start_yx, end_yx), sides, strict=True)]
    box = _box_of((ends[0], sides[0] / 2), (ends[1], sides[1] / 2), shape_hw)
    if box.is_empty:
        return box, np.zeros(box.shape_hw, bool)
    if max(sides) <= 1:
        return box, _trace_line(box, *ends)
    mask = _fill(box, (), _square_lines(ends, sides))
    return box, mask | _trace_line(box, *ends) if min(sides) <= 1 else mask


def snap_square(centre_yx: Point, side_px: int) -> Point:
    """The nearest centre from which a square of whole pixels is seen."""
    half = side_px / 2
    return math.floor(centre_yx[0] - half + 0.5) + half, math.floor(centre_yx[1] - half + 0.5) + half


def _box_of(first: Disc, last: Disc, shape_hw: tuple[int, int]) -> Box:
    (y, x), reach = first
    (end_y, end_x), end_reach = last
    y0, x0 = min(y - reach, end_y - end_reach), min(x - reach, end_x - end_reach)
    y1, x1 = max(y + reach, end_y + end_reach), max(x + reach, end_x + end_reach)
    return Box(math.floor(y0), math.floor(x0), math.floor(y1) + 1, math.floor(x1) + 1).clip(shape_hw)


def _tangents(start: Point, end: Point, start_radius: float, end_radius: float) -> list[Line]:
    """The two outer tangents of two discs; none when one disc holds the other."""
    dy, dx = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dy, dx)
    if length <= abs(end_radius - start_radius) + 1e-9:
        return []
    lean = (start_radius - end_radius) / length
    upright = math.sqrt(1 - lean * lean)
    along_y, along_x = dy / length, dx / length
    lines = []
    for side in (-1, 1):
        normal_y = lean * along_y - side * upright * along_x
        normal_x = lean * along_x + side * upright * along_y
        first, last = (
            (y + radius * normal_y, x + radius * normal_x)
            for (y, x), radius in ((start, start_radius), (end, end_radius))
        )
        lines.append((first, last))
    return lines


def _square_lines(centres: list[Point], sides: list[int]) -> list[Line]:
    """The upright sides of two squares, and the lines from each corner of one to that of the other."""
    firsts, lasts = (
        [(y + up * side / 2, x + left * side / 2) for left in (-1, 1) for up in (-1, 1)]
        for (y, x), side in zip(centres, sides, strict=True)
    )
    uprights = [(square[corner], square[corner + 1]) for square in (firsts, lasts) for corner in (0, 2)]
    return [*uprights, *zip(firsts, lasts, strict=True)]


def _fill(box: Box, discs: Sequence[Disc], lines: Sequence[Line]) -> Mask:
    """bool [h, w] of `box`: in each row all that lies between the outermost of discs and lines."""
    rows = np.arange(box.y0 + 0.5, box.y1)
    low, high = [], []  # NaN where there is nothing
    with np.errstate(invalid="ignore"):
        for (y, x), radius in discs:
            half = np.sqrt(radius * radius - np.square(rows - y))
            low.append(x - half)
            high.append(x + half)
    for (y0, x0), (y1, x1) in lines:
        if abs(y1 - y0) >= 1e-12:
            columns = x0 + (rows - y0) * ((x1 - x0) / (y1 - y0))
            first, behind = math.ceil(min(y0, y1) - 0.5) - box.y0, math.floor(max(y0, y1) + 0.5) - box.y0
            columns[: max(0, first)] = columns[max(0, behind) :] = np.nan
            low.append(columns)
            high.append(columns)
    centres = np.arange(box.x0 + 0.5, box.x1)
    mask: Mask = centres >= reduce(np.fmin, low)[:, None]
    mask &= centres <= reduce(np.fmax, high)[:, None]
    return mask


def _trace_line(box: Box, start_yx: Point, end_yx: Point) -> Mask:
    """Pixels under a line without width, sampled four times a pixel: no gaps, but cut corners may lack."""
    mask = np.zeros(box.shape_hw, bool)
    span = max(abs(end_yx[0] - start_yx[0]), abs(end_yx[1] - start_yx[1]))
    steps = np.linspace(0.0, 1.0, int(span * 4) + 2)
    rows = np.floor(start_yx[0] + steps * (end_yx[0] - start_yx[0])).astype(int) - box.y0
    columns = np.floor(start_yx[1] + steps * (end_yx[1] - start_yx[1])).astype(int) - box.x0
    inside = (rows >= 0) & (rows < box.height) & (columns >= 0) & (columns < box.width)
    mask[rows[inside], columns[inside]] = True
    return mask
