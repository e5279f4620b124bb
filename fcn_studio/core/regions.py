"""Regions of a plane: what a fill reaches, islands, holes, growing, shrinking, smoothing.

Connected regions are found over runs (the stretches of True in each row), not over pixels: a plane of
12 megapixels with a few thousand runs takes milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

STRIP_ROWS = 256
Mask = NDArray[np.bool_]
Ints = NDArray[np.intp]
Members = Callable[[Box], Mask]
"""bool [h, w] of a box inside the plane: which of its pixels belong."""


@dataclass(frozen=True)
class Runs:
    """The stretches of True in a mask, row by row from left to right: row, first column, column behind."""

    shape_hw: tuple[int, int]
    rows: Ints
    starts: Ints
    stops: Ints

    @classmethod
    def of(cls, mask: Mask) -> Runs:
        """The runs of bool [H, W]."""
        return cls.read((mask.shape[0], mask.shape[1]), lambda box: mask[box.slices])

    @classmethod
    def read(cls, shape_hw: tuple[int, int], members: Members) -> Runs:
        """The runs of a plane that is asked for in strips, so that nothing of its size is made."""
        height, width = shape_hw
        edges = np.empty((min(STRIP_ROWS, height), width + 1), np.bool_)
        flips_of = []
        for y0 in range(0, height, STRIP_ROWS):
            strip = members(Box(y0, 0, min(y0 + STRIP_ROWS, height), width))
            found = edges[: strip.shape[0]]
            found[:, 0], found[:, -1] = strip[:, 0], strip[:, -1]
            np.not_equal(strip[:, 1:], strip[:, :-1], out=found[:, 1:-1])
            flips_of.append(np.flatnonzero(found) + y0 * (width + 1))
        flips = np.concatenate(flips_of)
        rows, starts = np.divmod(flips[::2], width + 1)
        return cls(shape_hw, rows, starts, flips[1::2] - rows * (width + 1))

    def only(self, chosen: Mask) -> Runs:
        """Those of bool [n]."""
        return Runs(self.shape_hw, self.rows[chosen], self.starts[chosen], self.stops[chosen])

    @property
    def lengths(self) -> Ints:
        return self.stops - self.starts

    def number(self, *, diagonal: bool = False) -> tuple[int, Ints]:
        """How many connected regions there are, and of which one each run is (from 0).

        Pixels that touch at a corner only are connected where `diagonal` is asked for.
        """
        above, below = self._neighbours(1 if diagonal else 0)
        lowest = np.arange(self.rows.size)  # a run of the same region that comes earlier, or itself
        while True:
            ends = lowest[above], lowest[below]
            nearer = lowest.copy()
            for end in ends:
                np.minimum.at(nearer, end, np.minimum(*ends))
            while not np.array_equal(jumped := nearer[nearer], nearer):
                nearer = jumped
            if np.array_equal(nearer, lowest):
                break
            lowest = nearer
        firsts, numbers = np.unique(lowest, return_inverse=True)
        return int(firsts.size), numbers

    def _neighbours(self, reach: int) -> tuple[Ints, Ints]:
        """Pairs of runs of adjacent rows that share a column (or touch at a corner with reach 1)."""
        width = self.shape_hw[1] + 2
        starts = self.rows * width + self.starts  # rising over the whole plane
        stops = self.rows * width + self.stops
        # A run meets those of the next row that stop behind its start and start before its stop.
        first = np.searchsorted(stops, starts + width - reach, side="right")
        behind = np.searchsorted(starts, stops + width + reach, side="left")
        counts = np.maximum(behind - first, 0)
        above = np.repeat(np.arange(self.rows.size), counts)
        offsets = np.arange(above.size) - np.repeat(np.cumsum(counts) - counts, counts)
        below = np.repeat(first, counts) + offsets
        near = self.rows[below] == self.rows[above] + 1
        return above[near], below[near]

    def find(self, y: int, x: int) -> int | None:
        """The run that holds pixel (y, x)."""
        low, high = np.searchsorted(self.rows, [y, y + 1])
        at = int(low + np.searchsorted(self.stops[low:high], x, side="right"))
        return at if at < high and self.starts[at] <= x else None

    @property
    def box(self) -> Box:
        """The smallest box round all of them; there must be one."""
        return Box(int(self.rows[0]), int(self.starts.min()), int(self.rows[-1]) + 1, int(self.stops.max()))

    def draw(self, box: Box) -> Mask:
        """bool [h, w] of a box: what of the runs lies in it; not to be written to."""
        inside = slice(*np.searchsorted(self.rows, [box.y0, box.y1]))
        starts, stops = np.maximum(self.starts[inside], box.x0), np.minimum(self.stops[inside], box.x1)
        kept = starts < stops
        if (stops - starts)[kept].sum() == box.area:
            return _whole(box.shape_hw)
        firsts = (self.rows[inside][kept] - box.y0) * box.width - box.x0
        bounds = np.empty(2 * firsts.size + 2, np.intp)  # of False and True in turn, over the box as one row
        bounds[0], bounds[-1] = 0, box.area
        bounds[1:-1:2], bounds[2:-1:2] = firsts + starts[kept], firsts + stops[kept]
        turns = (np.arange(bounds.size - 1) & 1).astype(np.bool_)
        return np.repeat(turns, bounds[1:] - bounds[:-1]).reshape(box.shape_hw)


@lru_cache(maxsize=8)
def _whole(shape_hw: tuple[int, int]) -> Mask:
    """bool [h, w], all True: what most of the tiles of a large region look like."""
    whole = np.ones(shape_hw, np.bool_)
    whole.flags.writeable = False
    return whole


def find_region(
    shape_hw: tuple[int, int], members: Members, y: int, x: int, *, diagonal: bool = False
) -> Runs:
    """The connected region of members that holds (y, x), which must be one.

    Four neighbours a pixel, eight where `diagonal`.
    """
    runs = Runs.read(shape_hw, members)
    _, numbers = runs.number(diagonal=diagonal)
    at = runs.find(y, x)
    if at is None:
        raise ValueError(f"({y}, {x}) is no member")
    return runs.only(numbers == numbers[at])


def compute_region(
    values: NDArray[np.uint8] | Mask, y: int, x: int, *, diagonal: bool = False
) -> tuple[Box, Mask]:
    """The connected region of equal values that holds (y, x), as (box, bool [h, w]).

    values: uint8 or bool [H, W]. Neighbours as in `find_region`.
    """
    value, shape_hw = values[y, x], (values.shape[0], values.shape[1])
    region = find_region(shape_hw, lambda box: values[box.slices] == value, y, x, diagonal=diagonal)
    return region.box, region.draw(region.box)


def drop_islands(mask: Mask, smallest_px: int) -> Mask:
    """bool [H, W]: `mask` without its regions (eight neighbours) of fewer than `smallest_px` pixels."""
    runs = Runs.of(mask)
    count, numbers = runs.number(diagonal=True)
    areas = np.bincount(numbers, weights=runs.lengths, minlength=count)
    return runs.only((areas >= smallest_px)[numbers]).draw(Box.of_shape(runs.shape_hw))


def fill_holes(mask: Mask) -> Mask:
    """bool [H, W]: `mask` and all that it encloses; what reaches the border is not enclosed."""
    height, width = mask.shape
    runs = Runs.of(~mask)
    count, numbers = runs.number()
    at_border = (runs.rows == 0) | (runs.rows == height - 1) | (runs.starts == 0) | (runs.stops == width)
    is_open = np.zeros(count, np.bool_)
    is_open[numbers[at_border]] = True
    return mask | runs.only(~is_open[numbers]).draw(Box.of_shape(runs.shape_hw))


def grow(mask: Mask, radius_px: int) -> Mask:
    """bool [H, W]: all pixels whose centres lie within `radius_px` of a pixel's centre of `mask`."""
    return _by_strips(mask, radius_px, lambda strip: _grow_strip(strip, radius_px))


def _grow_strip(mask: Mask, radius_px: int) -> Mask:
    height, width = mask.shape
    far = np.int32(height + width + radius_px)
    rows = np.arange(height, dtype=np.int32)[:, None]
    up = rows - np.maximum.accumulate(np.where(mask, rows, -far), axis=0)
    down = np.minimum.accumulate(np.where(mask, rows, 2 * far)[::-1], axis=0)[::-1] - rows
    away = np.minimum(np.minimum(up, down), radius_px + 1)  # to the next pixel above or below
    reach = np.array([math.isqrt(radius_px**2 - d * d) for d in range(radius_px + 1)] + [-far], np.int32)
    sideways = reach[away]
    columns = np.arange(width, dtype=np.int32)[None, :]
    from_left = np.maximum.accumulate(columns + sideways, axis=1) >= columns
    from_right = np.minimum.accumulate((columns - sideways)[:, ::-1], axis=1)[:, ::-1] <= columns
    return from_left | from_right


def _by_strips(mask: Mask, reach_px: int, compute: Callable[[Mask], Mask]) -> Mask:
    """`compute` on strips of rows with `reach_px` more above and below, so that little is made at a time."""
    height = mask.shape[0]
    out = np.empty_like(mask)
    for y0 in range(0, height, STRIP_ROWS):
        y1 = min(y0 + STRIP_ROWS, height)
        first = max(0, y0 - reach_px)
        out[y0:y1] = compute(mask[first : min(height, y1 + reach_px)])[y0 - first : y1 - first]
    return out


def shrink(mask: Mask, radius_px: int) -> Mask:
    """bool [H, W]: pixels of `mask` farther than `radius_px` from all others; the border takes nothing."""
    return ~grow(~mask, radius_px)


def smooth(mask: Mask, radius_px: int) -> Mask:
    """bool [H, W]: where at least half of the square of side 2 * radius_px + 1 round a pixel belongs.

    The square is cut at the border of the plane. A straight line stays where it is.
    """
    return _by_strips(mask, radius_px, lambda strip: _smooth_strip(strip, radius_px))


def _smooth_strip(mask: Mask, radius_px: int) -> Mask:
    counts = _sum_over(_sum_over(mask.astype(np.int32), radius_px, 0), radius_px, 1)
    sides = [_sum_over(np.ones((size, 1), np.int32), radius_px, 0).ravel() for size in mask.shape]
    areas = sides[0][:, None] * sides[1][None, :]
    counts *= 2
    return np.where(counts == areas, mask, counts > areas)


def compute_majority(
    values: NDArray[np.uint8], where: Mask, radius_px: int, *, without: int
) -> NDArray[np.uint8]:
    """uint8 [H, W]: the most frequent value but `without` in the square round each pixel of `where`.

    255 elsewhere and where there is no other value; of values alike in number the lowest.
    """
    height = values.shape[0]
    found = np.full(values.shape, 255, np.uint8)
    for y0 in range(0, height, STRIP_ROWS):
        y1 = min(y0 + STRIP_ROWS, height)
        if where[y0:y1].any():
            first = max(0, y0 - radius_px)
            votes = _vote(values[first : min(height, y1 + radius_px)], radius_px, without)
            np.copyto(found[y0:y1], votes[y0 - first : y1 - first], where=where[y0:y1])
    return found


def _vote(values: NDArray[np.uint8], radius_px: int, without: int) -> NDArray[np.uint8]:
    best = np.zeros(values.shape, np.int32)
    found = np.full(values.shape, 255, np.uint8)
    for value in np.flatnonzero(np.bincount(values.ravel(), minlength=256)):
        if value != without:
            counts = _sum_over(_sum_over((values == value).astype(np.int32), radius_px, 0), radius_px, 1)
            better = counts > best
            np.copyto(best, counts, where=better)
            np.copyto(found, np.uint8(value), where=better)
    return found


def _sum_over(values: NDArray[np.int32], radius_px: int, axis: int) -> NDArray[np.int32]:
    """Sums over 2 * radius_px + 1 values along an axis, cut at the ends."""
    size = values.shape[axis]
    # sums[i] = sum of the values before i, continued flat for radius_px at both ends
    longer = [length + (2 * radius_px + 1) * (number == axis) for number, length in enumerate(values.shape)]
    sums = np.zeros(longer, np.int32)

    def part(start: int, stop: int) -> tuple[slice, ...]:
        return tuple(slice(start, stop) if number == axis else slice(None) for number in range(values.ndim))

    np.cumsum(values, axis=axis, out=sums[part(radius_px + 1, radius_px + 1 + size)])
    end = radius_px + size
    sums[part(end + 1, end + 1 + radius_px)] = sums[part(end, end + 1)]
    found: NDArray[np.int32] = sums[part(2 * radius_px + 1, 2 * radius_px + 1 + size)] - sums[part(0, size)]
    return found
