"""The confusion matrix and the four figures of the FCN paper (Long, Shelhamer, Darrell 2015, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED


@dataclass(frozen=True)
class Metrics:
    """Shares between 0 and 1; a class in neither labels nor predictions has None and no part in a mean."""

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    per_class_iou: dict[str, float | None]


class ConfusionMatrix:
    """counts[i, j]: pixels of true class i that were predicted as j, over a whole set of images."""

    def __init__(self, classes: int) -> None:
        self.counts: NDArray[np.int64] = np.zeros((classes, classes), np.int64)
        self.missed: NDArray[np.int64] = np.zeros(classes, np.int64)

    def add(self, labels: NDArray[np.uint8], predicted: NDArray[np.uint8], ignore: int = UNLABELLED) -> None:
        """Count one image. labels, predicted: uint8 [H, W] class indices of equal shape.

        Pixels labelled `ignore` or beyond the classes are left out of rows and columns. A prediction beyond
        the classes is wrong whatever the label: it counts in `missed` [classes], by true class.
        """
        classes = self.counts.shape[0]
        if labels.shape != predicted.shape:
            raise ValueError(f"labels {labels.shape} and prediction {predicted.shape} differ in size")
        known = (labels != ignore) & (labels < classes)
        column = np.minimum(predicted[known], classes).astype(np.int64)
        pairs = labels[known].astype(np.int64) * (classes + 1) + column
        counted = np.bincount(pairs, minlength=classes * (classes + 1)).reshape(classes, classes + 1)
        self.counts += counted[:, :classes]
        self.missed += counted[:, classes]

    def merge(self, other: ConfusionMatrix) -> None:
        """Add another matrix over the same classes."""
        self.counts += other.counts
        self.missed += other.missed

    def compute_metrics(self, names: Sequence[str], only: Sequence[str] | None = None) -> Metrics:
        """The figures; `only` names the classes over which the means are taken (all by default).

        pixel_accuracy = sum_i n_ii / sum_i t_i; mean_accuracy = mean of n_ii / t_i;
        mean_iou = mean of n_ii / (t_i + sum_j n_ji - n_ii); frequency_weighted_iou weighs the latter by t_i.
        With `only`, sums and means run over those classes' rows; predictions of all classes still count.
        """
        counts = self.counts.astype(np.float64)
        hit = np.diag(counts)
        true = counts.sum(axis=1) + self.missed
        union = true + counts.sum(axis=0) - hit
        with np.errstate(divide="ignore", invalid="ignore"):
            iou = np.where(union > 0, hit / union, np.nan)
            accuracy = np.where(true > 0, hit / true, np.nan)
        chosen = np.array([only is None or name in only for name in names], bool)
        weights = np.where(chosen, true, 0.0)
        total = weights.sum()
        return Metrics(
            pixel_accuracy=_ratio(float(hit[chosen].sum()), float(total)),
            mean_accuracy=_mean(accuracy[chosen]),
            mean_iou=_mean(iou[chosen]),
            frequency_weighted_iou=_ratio(float(np.nansum(weights * np.nan_to_num(iou))), float(total)),
            per_class_iou={
                name: None if np.isnan(value) else float(value)
                for name, value, keep in zip(names, iou, chosen, strict=True)
                if keep
            },
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0
