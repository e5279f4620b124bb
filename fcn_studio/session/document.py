"""The open image: its pixels, what the person said about them, and what the network says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.pixels import DeepValues
from fcn_studio.core.prediction import Prediction


@dataclass(frozen=True)
class PixelInfo:
    """What is known of one pixel; ids are class ids, confidence lies between 0 and 1."""

    label_id: int | None
    provenance: Provenance
    predicted_id: int | None
    confidence: float | None

    @property
    def class_id(self) -> int | None:
        """The mask's class: the label where there is one, else the prediction."""
        return self.predicted_id if self.label_id is None else self.label_id


class Document:
    """One image while it is open; the session alone changes it."""

    def __init__(
        self,
        image_id: str,
        content_id: str,
        pixels: NDArray[np.uint8],
        label_map: LabelMap,
        history: History,
        deep: DeepValues | None = None,
    ) -> None:
        self.image_id = image_id
        self.content_id = content_id  # changes when the file does; names cached predictions
        self.name = image_id.rsplit("/", 1)[-1]
        self.pixels = pixels  # uint8 [H, W, 3] RGB
        self.pixels.flags.writeable = False
        self.deep = deep  # the file's own values where `pixels` do not hold them; only for looking at
        self.label_map = label_map
        self.history = history
        self.prediction: Prediction | None = None
        self.prediction_is_stale = False
        self.comparison: Prediction | None = None  # of another checkpoint, only for looking at

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.label_map.shape_hw

    def make_prediction_lut(self, classes: ClassTable) -> NDArray[np.uint8]:
        """uint8 [256]: channel of the prediction that is shown -> class id; 255 for none.

        By the prediction's own keys: it may be of an older checkpoint than the active one.
        """
        return classes.make_lut(self.prediction.class_keys if self.prediction is not None else ())

    def value_at(self, y: int, x: int, classes: ClassTable) -> PixelInfo | None:
        """What is known of pixel (y, x) in terms of `classes`; None outside the image."""
        height, width = self.shape_hw
        if not (0 <= y < height and 0 <= x < width):
            return None
        label = int(self.label_map.labels[y, x])
        predicted, confidence = UNLABELLED, None
        if self.prediction is not None:
            predicted = int(self.make_prediction_lut(classes)[self.prediction.channels[y, x]])
            confidence = float(self.prediction.confidence[y, x]) / 255
        return PixelInfo(
            label_id=None if label == UNLABELLED else label,
            provenance=Provenance(int(self.label_map.provenance[y, x])),
            predicted_id=None if predicted == UNLABELLED else predicted,
            confidence=confidence if predicted != UNLABELLED else None,
        )
