"""Every colour in which prediction and labels can be drawn, in one table: one look-up draws both of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance

ColorTable = NDArray[np.uint32]
Codes = NDArray[Any]  # uint8, or uint16 where there are more inks than that

FILL, LINE, PATTERN = (np.uint8(bank) for bank in range(3))
# As plain bytes: to compare a plane with a member of an enum takes ten times as long.
ACCEPTED = np.uint8(Provenance.ACCEPTED)
NOTHING, ONE = np.uint8(UNLABELLED), np.uint8(1)


@dataclass(frozen=True, eq=False)
class Inks:
    """What a pixel says is a number: a channel, a label, or an accepted label; a code is that and its bank.

    The table has nine parts of `size` entries: fill, line and pattern of the channels, then those of the
    labels, then those of the accepted ones. The last entry of a part is for all values without a colour.

    table: uint32 [9 * size] premultiplied 0xAARRGGBB.
    """

    table: ColorTable
    size: int

    @property
    def first_label(self) -> int:
        """From here on a number says that somebody has labelled the pixel."""
        return 3 * self.size

    @property
    def first_accepted(self) -> int:
        """From here on, that the label was the network's, and accepted."""
        return 6 * self.size

    def find_said(
        self,
        labels: NDArray[np.uint8] | None,
        provenance: NDArray[np.uint8] | None,
        channels: NDArray[np.uint8] | None,
    ) -> Codes:
        """What each pixel says: its label, else its channel. uint8 [h, w] each.

        Raises ValueError where there are neither labels nor channels.
        """
        below = labels if channels is None else channels
        if below is None:
            raise ValueError("need labels or channels")
        if labels is None or int(labels.min()) == UNLABELLED:
            return self._clip(below)
        said = self._clip(labels)
        said += said.dtype.type(self.first_label)
        if provenance is not None:
            is_accepted = (provenance == ACCEPTED).view(np.uint8)
            said += is_accepted * said.dtype.type(self.first_accepted - self.first_label)
        if int(labels.max()) != UNLABELLED:
            return said
        unsaid = self._clip(below)  # without channels: a pixel without a label has no colour
        is_said = (labels != NOTHING).view(np.uint8)
        said *= is_said
        unsaid *= is_said ^ ONE
        said += unsaid
        return said

    def find_codes(self, said: Codes, banks: NDArray[np.uint8]) -> Codes:
        """Entries of the table for what pixels say, in their banks, both [h, w]."""
        codes: Codes = banks * said.dtype.type(self.size)
        codes += said
        return codes

    def _clip(self, values: NDArray[np.uint8]) -> Codes:
        # of two arrays: with a single number for the one numpy takes twelve times as long
        clipped = np.minimum(values, np.full(values.shape[1], self.size - 1, np.uint8))
        return clipped if self.table.size <= 256 else clipped.astype(np.uint16)


def make_inks(*banks: tuple[ColorTable, ColorTable | None, ColorTable | None]) -> Inks:
    """Inks from fill, line and pattern of the channels, of the labels and of the accepted ones.

    Tables uint32 [256], premultiplied; None for what looks like the fill.
    """
    tables = [fill if table is None else table for fill, *more in banks for table in (fill, *more)]
    used = np.flatnonzero(np.any(tables, axis=0)[:UNLABELLED])
    size = int(used[-1]) + 2 if used.size else 1
    parts = [np.append(table[: size - 1], np.uint32(0)) for table in tables]
    return Inks(np.concatenate(parts), size)
