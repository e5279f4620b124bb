"""The oracle of everything that spreads: from pixel to pixel, slowly."""

from __future__ import annotations

import numpy as np


def flood(values: np.ndarray, y: int, x: int, *, diagonal: bool = False) -> set[tuple[int, int]]:
    """All pixels of the same value that are reached from (y, x)."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    if diagonal:
        steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    reached, waiting = {(y, x)}, [(y, x)]
    while waiting:
        row, column = waiting.pop()
        for dy, dx in steps:
            near = row + dy, column + dx
            inside = 0 <= near[0] < values.shape[0] and 0 <= near[1] < values.shape[1]
            if inside and near not in reached and values[near] == values[y, x]:
                reached.add(near)
                waiting.append(near)
    return reached


def find_regions(mask: np.ndarray, *, diagonal: bool) -> list[set[tuple[int, int]]]:
    """The connected regions of True."""
    left = set(zip(*map(list, np.nonzero(mask)), strict=True))
    found = []
    while left:
        found.append(flood(mask, *next(iter(left)), diagonal=diagonal))
        left -= found[-1]
    return found


def count_regions(mask: np.ndarray, *, diagonal: bool) -> int:
    return len(find_regions(mask, diagonal=diagonal))
