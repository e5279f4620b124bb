"""Losses for partial labels: cross-entropy where there is a label, divergence from a teacher elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

UNLABELLED = 255


def partial_cross_entropy(
    scores: Tensor, labels: Tensor, pixel_weights: Tensor, class_weights: Tensor
) -> Tensor:
    """Weighted sum of cross-entropy over labelled pixels; 0 (with zero gradient) where nothing is labelled.

    scores: float [N, K, H, W] before softmax. labels: int64 [N, H, W], 255 = no label. pixel_weights: float
    [N, H, W] (accepted predictions weigh 0.5). class_weights: float [K]. The loss of a batch is this divided
    by its labelled pixels, at least 1: not by their weights, so that a half-weight pixel does count half
    (design 8), and never NaN.
    """
    losses = functional.cross_entropy(
        scores, labels, weight=class_weights, ignore_index=UNLABELLED, reduction="none"
    )
    return (losses * pixel_weights).sum()


def distillation(scores: Tensor, teacher_scores: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of KL(teacher || student) over cells.

    scores, teacher_scores: float [N, K, h, w] before softmax, on the same cells. weights: float [N, h, w],
    0 where nothing is to be kept.
    """
    divergence = functional.kl_div(
        functional.log_softmax(scores, dim=1),
        functional.log_softmax(teacher_scores, dim=1),
        reduction="none",
        log_target=True,
    ).sum(dim=1)
    return (divergence * weights).sum()


def class_weights(counts: Tensor, balance: bool) -> Tensor:
    """float32 [K] from labelled pixels per class: sqrt(mean count / count) clipped to [0.5, 5] (design 8).

    Classes without a label weigh 1: they never occur in the sum. ``balance=False``: all 1.
    """
    weights = torch.ones(len(counts), dtype=torch.float32)
    present = counts > 0
    if balance and present.any():
        known = counts[present].double()
        weights[present] = (known.mean() / known).sqrt().clamp(0.5, 5.0).float()
    return weights
