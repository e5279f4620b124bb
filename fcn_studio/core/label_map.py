"""What a person said about each pixel of one image, and how they said it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED


class Provenance(IntEnum):
    """How a pixel got its label."""

    NONE = 0
    PAINTED = 1
    ACCEPTED = 2
    IMPORTED = 3


class LabelMap:
    """uint8 [H, W] class ids (255 = unlabelled) and uint8 [H, W] provenance; changed by edits only.

    `revision` grows with each change, so that a snapshot computed elsewhere can tell whether it is stale.
    """

    def __init__(self, labels: NDArray[np.uint8], provenance: NDArray[np.uint8]) -> None:
        if labels.shape != provenance.shape or labels.ndim != 2:
            raise ValueError(f"labels {labels.shape} and provenance {provenance.shape} must be equal [H, W]")
        self._labels = np.ascontiguousarray(labels, np.uint8)
        self._provenance = np.ascontiguousarray(provenance, np.uint8)
        self.revision = 0

    @classmethod
    def empty(cls, shape_hw: tuple[int, int]) -> LabelMap:
        """Nothing said yet."""
        return cls(np.full(shape_hw, UNLABELLED, np.uint8), np.zeros(shape_hw, np.uint8))

    @classmethod
    def from_arrays(cls, labels: NDArray[np.uint8], provenance: NDArray[np.uint8]) -> LabelMap:
        """A label map over copies of the two arrays."""
        return cls(labels.copy(), provenance.copy())

    @property
    def shape_hw(self) -> tuple[int, int]:
        height, width = self._labels.shape
        return height, width

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Read-only view, uint8 [H, W]; it follows later edits."""
        return _read_only(self._labels)

    @property
    def provenance(self) -> NDArray[np.uint8]:
        """Read-only view, uint8 [H, W]; it follows later edits."""
        return _read_only(self._provenance)

    @property
    def is_empty(self) -> bool:
        return not bool((self._labels != UNLABELLED).any())

    def copy(self) -> LabelMap:
        return LabelMap.from_arrays(self._labels, self._provenance)

    def writable(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The two arrays for `Edit` and `StrokeRecorder`, which alone may write; counts as a change."""
        self.revision += 1
        return self._labels, self._provenance


def _read_only(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    view = array.view()
    view.flags.writeable = False
    return view
