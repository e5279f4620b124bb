"""Which classes lie side by side in a label map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED

STRIP_PIXELS = 1 << 20
LEAST_PIXELS = 8  # fewer pixels side by side are an accident


def count_contacts(labels: NDArray[np.uint8]) -> dict[tuple[int, int], int]:
    """Pairs of class ids (smaller first) and how many pixels of one lie directly beside the other.

    `labels`: uint8 [H, W]; 255, unlabelled, touches nothing. Pairs with less than LEAST_PIXELS are left out.
    """
    counts = np.zeros(65536, np.int64)
    height, width = labels.shape
    rows = max(1, STRIP_PIXELS // max(1, width))
    for y in range(0, height, rows):  # all at once would take as much memory again
        strip, below = labels[y : y + rows], labels[y + 1 : y + rows + 1]
        for first, second in ((strip[:, :-1], strip[:, 1:]), (strip[: len(below)], below)):
            differs = (first != second) & (first != UNLABELLED) & (second != UNLABELLED)
            a, b = first[differs].astype(np.int64), second[differs].astype(np.int64)
            counts += np.bincount(np.minimum(a, b) * 256 + np.maximum(a, b), minlength=65536)
    found = np.flatnonzero(counts >= LEAST_PIXELS)
    return {(int(code) // 256, int(code) % 256): int(counts[code]) for code in found}
