"""Losses for partial labels: cross-entropy where there is a label, divergence from a teacher elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

UNLABELLED = 255


def partial_cross_entropy(
    scores: Tensor, labels: Tensor, pixel_weights: Tensor, class_weights: Tensor
) -> tuple[Tensor, Tensor]:
    """(weighted sum of cross-entropy, labelled pixels): the loss is their quotient, never NaN.

    scores: float [N, K, H, W] before softmax. labels: int64 [N, H, W], 255 = no label. pixel_weights: float
    [N, H, W] (accepted predictions weigh 0.5). class_weights: float [K]. The count is of labelled pixels
    (at least 1), not of weights, so that half-weight pixels do count half (design 8).
    """
    losses = functional.cross_entropy(
        scores, labels, weight=class_weights, ignore_index=UNLABELLED, reduction="none"
    )
    count = (labels != UNLABELLED).sum().clamp(min=1)
    return (losses * pixel_weights).sum(), count


def distillation(scores: Tensor, teacher_scores: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """(weighted sum of KL(teacher || student), sum of weights): their quotient is the loss.

    scores, teacher_scores: float [N, K, h, w] before softmax, on the same cells. weights: float [N, h, w],
    0 where nothing is to be kept. The second value is at least 1.
    """
    divergence = functional.kl_div(
        functional.log_softmax(scores, dim=1),
        functional.log_softmax(teacher_scores, dim=1),
        reduction="none",
        log_target=True,
    ).sum(dim=1)
    return (divergence * weights).sum(), weights.sum().clamp(min=1.0)


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
