"""What a network says about each pixel of one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer of one checkpoint for one image, at the image's own size.

    channels: uint8 [H, W], index into `class_keys`. confidence: uint8 [H, W], 255 = certain.
    exact: False for a quick look at reduced size that a better one will replace.
    """

    channels: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    class_keys: tuple[str, ...]
    checkpoint_id: str
    exact: bool
    seconds: float
    engine: str

    @property
    def shape_hw(self) -> tuple[int, int]:
        height, width = self.channels.shape
        return height, width
