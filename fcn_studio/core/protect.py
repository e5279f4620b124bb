"""Where a person allows their hand to write: what the tools leave alone whatever they touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED

Plane = NDArray[np.uint8]
Mask = NDArray[np.bool_]
BRIGHTEST = 255


@dataclass(frozen=True)
class Protection:
    """The rules in force; all of them must allow a pixel.

    only_unlabelled: paint nothing that has a label already (the eraser is not held back by it).
    over: the classes, as they are seen (label, else prediction), that may be written over; None = all.
    intensity: lowest and highest brightness that may be written over, 0 to 255; None = all.
    locked: classes whose labels stay whatever happens.
    """

    only_unlabelled: bool = False
    over: frozenset[int] | None = None
    intensity: tuple[int, int] | None = None
    locked: frozenset[int] = frozenset()

    @property
    def is_active(self) -> bool:
        """Whether anything is left alone."""
        return self != Protection()

    def allow(
        self, labels: Plane, predicted: Plane | None, pixels: Plane | None, *, erases: bool
    ) -> Mask | None:
        """Where writing is allowed, bool [h, w]; None = everywhere.

        labels: uint8 [h, w]. predicted: class ids uint8 [h, w] (255 = none), needed for `over`; pixels:
        uint8 [h, w, 3] RGB, needed for `intensity`.
        """
        if not self.is_active:
            return None
        allowed = self._label_table(erases)[labels]
        if self.over is not None:
            seen = labels if predicted is None else np.where(labels == UNLABELLED, predicted, labels)
            allowed &= _make_table(self.over)[seen]
        if self.intensity is not None and pixels is not None:
            low, high = self.intensity
            brightness = compute_brightness(pixels)
            allowed &= brightness >= low
            allowed &= brightness <= high
        return allowed

    def _label_table(self, erases: bool) -> Mask:
        if self.only_unlabelled and not erases:
            return _make_table({UNLABELLED})
        return ~_make_table(self.locked)


def _make_table(ids: set[int] | frozenset[int]) -> Mask:
    table = np.zeros(256, np.bool_)
    table[list(ids)] = True
    return table


def compute_brightness(pixels: Plane) -> Plane:
    """uint8 [h, w] from uint8 [h, w, 3] RGB: luma by Rec. 601 in 256ths; grey stays as it is."""
    weights = (77, 150, 29)
    total = np.zeros(pixels.shape[:2], np.uint16)
    for channel, weight in enumerate(weights):
        total += pixels[..., channel].astype(np.uint16) * np.uint16(weight)
    total >>= 8
    return total.astype(np.uint8)
