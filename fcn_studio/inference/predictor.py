"""Pixels to a prediction: the card's preprocessing, an engine, exact upsampling; no state between calls."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import CheckpointError
from fcn_studio.core.prediction import Prediction
from fcn_studio.inference.engine import Engine
from fcn_studio.inference.upsample import compute_labels
from fcn_studio.models.preprocess import make_input
from fcn_studio.models.spec import ModelSpec


class Predictor:
    """Predicts images with one engine; used by one thread at a time, like its engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def spec(self) -> ModelSpec:
        return self.engine.spec

    def is_exact(self, hw: tuple[int, int], long_side: int | None = None) -> bool:
        """Whether a prediction with `long_side` is the best there is for an image of `hw` pixels."""
        return long_side is None or long_side >= min(max(hw) * self.spec.zoom, self.spec.long_side)

    def predict(
        self,
        pixels: NDArray[np.uint8],
        *,
        cancel: CancelToken | None = None,
        long_side: int | None = None,
    ) -> Prediction:
        """The prediction for uint8 [H, W, 3] RGB, at its own size.

        long_side: work on a picture scaled down to this many pixels at most, for a quick look (the card's
        `long_side` bounds the work in any case). Raises Cancelled between steps once `cancel` is set, and
        CheckpointError when the network's scores are no numbers.
        """
        began = time.perf_counter()
        check = None if cancel is None else cancel.raise_if_cancelled
        spec = self.spec
        if check is not None:
            check()
        x, work_hw = make_input(pixels, spec, long_side)
        if check is not None:
            check()
        scores = self.engine.scores(x)
        if not np.isfinite(scores).all():
            raise CheckpointError(
                f"The checkpoint {spec.name} gives no numbers for this image: its training went wrong. "
                "Go back to an earlier checkpoint."
            )
        hw = (pixels.shape[0], pixels.shape[1])
        channels, confidence = compute_labels(
            scores, hw, work_hw=work_hw, stride=spec.stride, start=spec.score_start, check=check
        )
        return Prediction(
            channels=channels,
            confidence=confidence,
            class_keys=spec.class_keys,
            checkpoint_id=spec.id,
            exact=self.is_exact(hw, long_side),
            seconds=time.perf_counter() - began,
            engine=self.engine.name,
        )
