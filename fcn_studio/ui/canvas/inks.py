"""Every colour in which prediction and labels can be drawn, in one table: one look-up draws both of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ColorTable = NDArray[np.uint32]
Codes = NDArray[Any]  # uint8, or uint16 where there are more inks than that

# The banks of the table. A channel's: the sum of these; a label's: one of those.
FILL, OUTLINE, DOT = (np.uint8(bank) for bank in range(3))
GAP, ACCEPTED_OUTLINE, FRESH_OUTLINE = (np.uint8(bank) for bank in range(2, 5))


@dataclass(frozen=True, eq=False)
class Inks:
    """Code 0 is transparent; then come the banks of the channels, then those of the labels.

    table: uint32 [n] premultiplied 0xAARRGGBB. channels, labels: entries of one bank; the last one of each is
    for all values without a colour.
    """

    table: ColorTable
    channels: int
    labels: int

    @property
    def code_type(self) -> type[np.uint8 | np.uint16]:
        return np.uint8 if self.table.size <= 256 else np.uint16

    def of_channels(self, values: NDArray[np.uint8], banks: Codes) -> Codes:
        """Codes [h, w] of channels in their banks, both uint8 [h, w]."""
        return self._find(values, banks, 1, self.channels)

    def of_labels(self, values: NDArray[np.uint8], banks: Codes) -> Codes:
        """Codes [h, w] of class ids in their banks, both uint8 [h, w]."""
        return self._find(values, banks, 1 + 4 * self.channels, self.labels)

    def _find(self, values: NDArray[np.uint8], banks: Codes, start: int, size: int) -> Codes:
        codes: Codes = banks * self.code_type(size)
        # of two arrays: with a single number for the one numpy takes twelve times as long
        codes += np.minimum(values, np.full(values.shape[1], size - 1, np.uint8))
        codes += self.code_type(start)
        return codes


def make_inks(
    predicted: tuple[ColorTable, ColorTable | None, ColorTable | None], labels: Sequence[ColorTable | None]
) -> Inks:
    """Inks from tables uint32 [256], premultiplied; None for what is not drawn.

    predicted: fill, outline and dot by channel. labels: fill, outline, gap, outline of what was accepted and
    outline of what is fresh, by class id.
    """
    fill, outline, dot = (np.zeros(256, np.uint32) if table is None else table for table in predicted)
    has_dot = dot != 0
    channel_banks = [fill, outline, np.where(has_dot, dot, fill), np.where(has_dot, dot, outline)]
    label_banks = [np.zeros(256, np.uint32) if table is None else table for table in labels]
    sizes = [_count(banks) + 1 for banks in (channel_banks, label_banks)]
    parts = [np.zeros(1, np.uint32), *(bank[: sizes[0]] for bank in channel_banks)]
    parts += [bank[: sizes[1]] for bank in label_banks]
    return Inks(np.concatenate(parts), *sizes)


def _count(banks: Sequence[ColorTable]) -> int:
    """How many values there are up to the last one with a colour, of 255 at most."""
    used = np.flatnonzero(np.any(banks, axis=0)[:255])
    return int(used[-1]) + 1 if used.size else 0
