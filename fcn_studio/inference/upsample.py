"""Full-size channels and confidence from a network's small score map, exact, without the big tensor.

The result is the argmax of the bilinearly enlarged scores (fcn-reference 6.2), but scores are enlarged only
where that can matter: where the four score cells round a patch of pixels share their argmax, every pixel
between them has it, because bilinear weights are non-negative and sum to one. In the mixed patches only
those classes are compared that no winner of a corner beats at all four corners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Index = NDArray[np.intp]
_Number = TypeVar("_Number", np.float32, np.uint8)

CHUNK_PIXELS = 1 << 17
"""Pixels worked on at once: a few float32 arrays of this size stay in the processor's cache."""

LOG_ODDS_LIMIT = 80.0
"""Log-odds are cut here: beyond it float32 exponentials vanish and a byte shows 0 or 255 long before."""


@dataclass(frozen=True, slots=True)
class AxisMap:
    """Where the pixels of one axis of the image lie between score cells.

    Pixel p lies between the cells `lower[p]` and `upper[p]`, at `fraction[p]` (float32, 0 to 1) of the way.
    The pixels whose lower cell is i are `first[i] <= p < first[i] + count[i]`.
    """

    lower: Index
    upper: Index
    fraction: Float32
    first: Index
    count: Index


def make_axis_map(cells: int, size_px: int, work_px: int, stride: float, start: float) -> AxisMap:
    """Map `size_px` output pixels to `cells` score cells.

    The network saw the axis scaled from `size_px` to `work_px` pixels; score cell i stands at pixel
    `start + stride * i` of that. Pixel centres are at whole numbers on both grids, so output pixel p is at
    `(p + 0.5) * work_px / size_px - 0.5` of the scaled image. Outside the first and last cell the edge
    repeats.
    """
    pixel = np.arange(size_px, dtype=np.float64)
    position = ((pixel + 0.5) * (work_px / size_px) - 0.5 - start) / stride
    position = np.clip(position, 0.0, cells - 1)
    lower = np.floor(position).astype(np.intp)
    count = np.bincount(lower, minlength=cells)
    first = np.cumsum(count) - count
    upper = np.minimum(lower + 1, cells - 1)
    return AxisMap(lower, upper, (position - lower).astype(np.float32), first, count)


def compute_labels(
    scores: Float32,
    out_hw: tuple[int, int],
    *,
    work_hw: tuple[int, int] | None = None,
    stride: float = 8,
    start: float = 0.0,
    check: Callable[[], None] | None = None,
) -> tuple[UInt8, UInt8]:
    """Channels and confidence at the size of the image, both uint8 [H, W].

    scores: float32 [K, h, w], finite, K from 1 to 255; cell i of an axis stands at input pixel
    `start + stride * i`. Cells that lie in the padding right and below are simply beyond the last pixel.
    out_hw: the image's own size. work_hw: the size it was scaled to before padding (default: not scaled).
    check: called now and then; may raise to give up.

    Channels equal the argmax over K of the bilinearly interpolated scores (the lowest index of equals).
    Confidence is 255 times the softmax probability of that channel, computed at the score cells and carried
    to the pixels by interpolating its log-odds: the very softmax of the interpolated scores when two classes
    compete, and never above it otherwise (log-sum-exp is convex).
    """
    if work_hw is None:
        work_hw = out_hw
    score_map = np.ascontiguousarray(np.moveaxis(scores, 0, -1), dtype=np.float32)
    height, width, _ = score_map.shape
    rows = make_axis_map(height, out_hw[0], work_hw[0], stride, start)
    cols = make_axis_map(width, out_hw[1], work_hw[1], stride, start)

    winners = score_map.argmax(axis=-1).astype(np.uint8)
    against = _log_odds_against(score_map, winners)
    top = np.take_along_axis(against, winners[..., None].astype(np.intp), axis=-1)[..., 0]

    # np.take of rows copies memory: this line is the whole cost of an image without a boundary.
    channels = winners.take(cols.lower, axis=1).take(rows.lower, axis=0)
    confidence = _interpolate_confidence(top, rows, cols, check)
    for cell_y, cell_x, candidates in _mixed_cells(score_map, winners, rows, cols):
        if check is not None:
            check()
        _fill_cells(channels, confidence, score_map, against, rows, cols, cell_y, cell_x, candidates)
    return channels, confidence


def _log_odds_against(score_map: Float32, winners: UInt8) -> Float32:
    """log((1 - p) / p) of every class at every cell, float32 [h, w, K]; p is the softmax."""
    index = winners[..., None].astype(np.intp)
    below = score_map - np.take_along_axis(score_map, index, axis=-1)
    share = np.exp(below)
    # Without the winner's own 1 the sum keeps its digits when the winner is almost certain.
    np.put_along_axis(share, index, 0.0, axis=-1)
    rest = share.sum(axis=-1, keepdims=True)
    others = 1.0 + rest - share
    np.put_along_axis(others, index, rest, axis=-1)
    with np.errstate(divide="ignore"):
        odds: Float32 = np.log(others) - below
    odds.clip(-LOG_ODDS_LIMIT, LOG_ODDS_LIMIT, out=odds)
    return odds


def _to_confidence(against: Float32) -> UInt8:
    """Log-odds against -> 255 * probability, rounded. Works in place on `against`."""
    np.exp(against, out=against)
    against += 1.0
    np.divide(255.0, against, out=against)
    against += 0.5
    return against.astype(np.uint8)


def _interpolate_confidence(
    top: Float32, rows: AxisMap, cols: AxisMap, check: Callable[[], None] | None
) -> UInt8:
    """Confidence of the top class with its log-odds interpolated everywhere, uint8 [H, W], in strips."""
    out = np.empty((len(rows.lower), len(cols.lower)), np.uint8)
    strip = max(1, CHUNK_PIXELS // max(1, out.shape[1]))
    for y0 in range(0, out.shape[0], strip):
        if check is not None:
            check()
        part = slice(y0, y0 + strip)
        weight = rows.fraction[part, None]
        upper_left = top[rows.lower[part]]
        column = upper_left + weight * (top[rows.upper[part]] - upper_left)
        step = column[:, np.minimum(np.arange(top.shape[1]) + 1, top.shape[1] - 1)] - column
        against = step.take(cols.lower, axis=1)
        against *= cols.fraction
        against += column.take(cols.lower, axis=1)
        out[part] = _to_confidence(against)
    return out


def _mixed_cells(
    score_map: Float32, winners: UInt8, rows: AxisMap, cols: AxisMap
) -> Iterator[tuple[Index, Index, Index]]:
    """Cells whose corners disagree, as (rows [m], columns [m], candidate classes [m, n]), n >= 1."""
    height, width = winners.shape
    below = np.minimum(np.arange(height) + 1, height - 1)
    right = np.minimum(np.arange(width) + 1, width - 1)
    down = winners[below]
    same = (winners == down) & (winners == winners[:, right]) & (winners == down[:, right])
    shown = (rows.count > 0)[:, None] & (cols.count > 0)
    all_y, all_x = np.nonzero(shown & ~same)
    patch_px = max(1, int(rows.count.max()) * int(cols.count.max()))
    batch = max(1, CHUNK_PIXELS // patch_px)
    for at in range(0, len(all_y), batch):
        cell_y, cell_x = all_y[at : at + batch], all_x[at : at + batch]
        possible = _possible_winners(_corners(score_map, cell_y, cell_x), _corners(winners, cell_y, cell_x))
        amount = possible.sum(axis=1)
        for n in np.flatnonzero(np.bincount(amount)):
            chosen = amount == n
            candidates = np.nonzero(possible[chosen])[1].reshape(-1, n)
            yield cell_y[chosen], cell_x[chosen], candidates


def _corners(values: NDArray[_Number], cell_y: Index, cell_x: Index) -> NDArray[_Number]:
    """The values at the four corners of cells, [m, 4, ...]: upper left, upper right, lower left and right."""
    below = np.minimum(cell_y + 1, values.shape[0] - 1)
    right = np.minimum(cell_x + 1, values.shape[1] - 1)
    return np.stack(
        [values[cell_y, cell_x], values[cell_y, right], values[below, cell_x], values[below, right]], axis=1
    )


def _possible_winners(corner_scores: Float32, corner_winners: UInt8) -> NDArray[np.bool_]:
    """Which classes can be the argmax somewhere between four corners, bool [m, K].

    corner_scores: [m, 4, K]; corner_winners: [m, 4]. A class is out when one of the winners is above it at
    all four corners, or not below it there and first by index (so that equals go to the lowest index).
    """
    classes = np.arange(corner_scores.shape[2])
    possible = np.ones(corner_scores.shape[::2], bool)
    for corner in range(4):
        winner = corner_winners[:, corner].astype(np.intp)
        bar = np.take_along_axis(corner_scores, winner[:, None, None], axis=2)
        beaten = (corner_scores < bar).all(axis=1)
        beaten |= (corner_scores <= bar).all(axis=1) & (winner[:, None] < classes)
        possible &= ~beaten
    return possible


def _fill_cells(
    channels: UInt8,
    confidence: UInt8,
    score_map: Float32,
    against: Float32,
    rows: AxisMap,
    cols: AxisMap,
    cell_y: Index,
    cell_x: Index,
    candidates: Index,
) -> None:
    """Write the pixels of m cells, comparing n candidate classes (candidates [m, n], ascending)."""
    at_y, weight_y = _patch_axis(rows, cell_y)
    at_x, weight_x = _patch_axis(cols, cell_x)
    pick = candidates[:, None, :]
    score_corners = np.take_along_axis(_corners(score_map, cell_y, cell_x), pick, axis=2)
    odds_corners = np.take_along_axis(_corners(against, cell_y, cell_x), pick, axis=2)

    best = _interpolate_patch(score_corners[:, :, 0], weight_y, weight_x)
    odds = _interpolate_patch(odds_corners[:, :, 0], weight_y, weight_x)
    chosen = np.broadcast_to(candidates[:, 0, None, None].astype(np.uint8), best.shape).copy()
    for n in range(1, candidates.shape[1]):
        rival = _interpolate_patch(score_corners[:, :, n], weight_y, weight_x)
        wins = rival > best
        np.copyto(best, rival, where=wins)
        np.copyto(odds, _interpolate_patch(odds_corners[:, :, n], weight_y, weight_x), where=wins)
        np.copyto(chosen, candidates[:, n, None, None].astype(np.uint8), where=wins)
    channels[at_y[:, :, None], at_x[:, None, :]] = chosen
    confidence[at_y[:, :, None], at_x[:, None, :]] = _to_confidence(odds)


def _patch_axis(axis: AxisMap, cell: Index) -> tuple[Index, Float32]:
    """Pixels of each cell along one axis and their fractions, both [m, longest].

    Cells with fewer pixels repeat their last one: it is computed and written again, with the same value.
    """
    offset = np.arange(int(axis.count[cell].max()))
    pixel = axis.first[cell][:, None] + np.minimum(offset, axis.count[cell][:, None] - 1)
    return pixel, axis.fraction[pixel]


def _interpolate_patch(corners: Float32, weight_y: Float32, weight_x: Float32) -> Float32:
    """Bilinear values [m, R, C] from corners [m, 4] and the pixels' fractions [m, R] and [m, C]."""
    upper_left, upper_right, lower_left, lower_right = (corners[:, i, None] for i in range(4))
    left = upper_left + weight_y * (lower_left - upper_left)
    right = upper_right + weight_y * (lower_right - upper_right)
    values = (right - left)[:, :, None] * weight_x[:, None, :]
    values += left[:, :, None]
    return values
