"""The boundary F-score: how near the borders of a prediction lie to the borders of the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fcn_studio.core.classes import UNLABELLED

TOLERANCE_PX = 2.0
"""Two border pixels match up to this Euclidean distance."""

_UInt8 = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


def fill_void(labels: _UInt8, ignore: int = UNLABELLED) -> _UInt8:
    """A copy of uint8 [H, W] in which every pixel of ``ignore`` has the label nearest to it (Euclidean).

    The void line round an object thus splits in its middle. All void stays void.
    """
    void = labels == ignore
    if not void.any() or void.all():
        return labels.copy()
    nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
    filled: _UInt8 = labels[tuple(nearest)]
    return filled


def find_borders(labels: _UInt8) -> _Mask:
    """bool [H, W]: pixels whose right or lower neighbour has another label."""
    borders = np.zeros(labels.shape, bool)
    borders[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    borders[:-1] |= labels[:-1] != labels[1:]
    return borders


def compute_boundary_f(
    labels: _UInt8, predicted: _UInt8, tolerance_px: float = TOLERANCE_PX, ignore: int = UNLABELLED
) -> float | None:
    """F of one image, 0 to 1; None where neither side has a border.

    labels, predicted: uint8 [H, W] of equal shape; pixels of ``ignore`` in ``labels`` are filled from their
    nearest labels first. Borders between any two labels count alike. Precision is the share of predicted
    border pixels with a true one within ``tolerance_px``, recall the converse, F = 2PR / (P + R); 0 where
    only one side has a border. After Csurka et al., "What is a good evaluation measure for semantic
    segmentation?", BMVC 2013. Raises ValueError for two sizes.
    """
    if labels.shape != predicted.shape:
        raise ValueError(f"labels {labels.shape} and prediction {predicted.shape} differ in size")
    truth, found = find_borders(fill_void(labels, ignore)), find_borders(predicted)
    if not truth.any() and not found.any():
        return None
    if not truth.any() or not found.any():
        return 0.0
    precision = _share_within(found, truth, tolerance_px)
    recall = _share_within(truth, found, tolerance_px)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_within(borders: _Mask, others: _Mask, tolerance_px: float) -> float:
    """Share of the pixels of ``borders`` that have one of ``others`` within ``tolerance_px``."""
    distance = ndimage.distance_transform_edt(~others)
    return float((distance[borders] <= tolerance_px).mean())
