"""Losses for partial labels: cross-entropy, hard pixels, Lovasz-softmax; divergence from a teacher."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fcn_studio.core.classes import UNLABELLED

LOVASZ_PIXELS = 1 << 16
"""At most so many labelled pixels of a pass enter the Lovasz loss: they are sorted once a class."""


def partial_cross_entropy(
    scores: Tensor,
    labels: Tensor,
    pixel_weights: Tensor,
    class_weights: Tensor,
    hard_share: float = 1.0,
) -> Tensor:
    """Weighted sum of cross-entropy over labelled pixels; 0 (with zero gradient) where nothing is labelled.

    scores: float [N, K, H, W] before softmax. labels: int64 [N, H, W], 255 = no label. pixel_weights: float
    [N, H, W] (accepted predictions weigh 0.5). class_weights: float [K]. The loss of a batch is this divided
    by its labelled pixels, at least 1: not by their weights, so that a half-weight pixel does count half
    (design 8), and never NaN. hard_share below 1: only that share of the labelled pixels counts, those of
    the largest cross-entropy before weights, as if there were as many more of them: it stays a sum over all.
    """
    losses = functional.cross_entropy(scores, labels, ignore_index=UNLABELLED, reduction="none")
    by_class = class_weights[labels.clamp(max=len(class_weights) - 1)]
    weighted = losses * by_class * pixel_weights  # unlabelled pixels: the loss is 0 already
    if hard_share >= 1.0:
        return weighted.sum()
    count = int((labels != UNLABELLED).sum())
    keep = max(1, round(hard_share * count))
    hardest = losses.detach().flatten().topk(keep, sorted=False).indices
    return weighted.flatten()[hardest].sum() * (count / keep)


def lovasz_softmax(scores: Tensor, labels: Tensor, limit: int = LOVASZ_PIXELS) -> Tensor:
    """Mean over the classes present of the Lovasz extension of their Jaccard loss; 0 where nothing is.

    Berman, Triki, Blaschko, "The Lovasz-softmax loss", CVPR 2018, equations 8, 9 and 11 (classes present
    only, over all pixels of the pass at once). scores: float [N, K, H, W] before softmax; labels: int64
    [N, H, W], 255 = no label. Of more than ``limit`` labelled pixels every n-th is taken, evenly.
    """
    at = (labels.flatten() != UNLABELLED).nonzero()[:, 0]
    if len(at) == 0:
        return scores.sum() * 0.0
    if len(at) > limit:
        at = at[torch.linspace(0, len(at) - 1, limit, dtype=torch.float64, device=at.device).long()]
    shares = scores.movedim(1, -1).flatten(end_dim=-2)[at].softmax(dim=1)
    truth = labels.flatten()[at]
    losses = []
    for klass in torch.unique(truth).tolist():
        mine = truth == klass
        errors = torch.where(mine, 1.0 - shares[:, klass], shares[:, klass])
        errors, order = errors.sort(descending=True)
        losses.append(errors @ _jaccard_slopes(mine[order].to(errors.dtype)))
    return torch.stack(losses).mean()


def _jaccard_slopes(mine: Tensor) -> Tensor:
    """How much the Jaccard loss grows with each further wrong pixel, float [P]; ``mine`` [P] is 0 or 1.

    After the first i errors the loss is 1 - |class left| / |class with what was added| (algorithm 1).
    """
    total = mine.sum()
    loss = 1.0 - (total - mine.cumsum(0)) / (total + (1.0 - mine).cumsum(0))
    return torch.cat([loss[:1], loss[1:] - loss[:-1]])


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


def class_weights(counts: Tensor, present: Tensor, balance: str) -> Tensor:
    """float32 [K] from labelled pixels per class, ``counts`` int64 [K]; classes without a label weigh 1.

    ``present`` int64 [K]: labelled pixels of the images in which the class occurs, for "median".

    "sqrt": sqrt(mean count / count) clipped to [0.5, 5] (design 8). "log": 1 / log(1.1 + share of all
    labelled pixels) (after ENet, arXiv:1606.02147, section 5.2, which has 1.02), scaled so that the mean over
    pixels is 1. "median": median frequency / frequency, a class's frequency being its share of the images
    that show it (Eigen and Fergus, ICCV 2015; SegNet, arXiv:1511.00561, section 4). "none": all 1.
    """
    weights = torch.ones(len(counts), dtype=torch.float64)
    there = counts > 0
    known = counts[there].double()
    if balance == "none" or not len(known):
        return weights.float()
    if balance == "sqrt":
        weights[there] = (known.mean() / known).sqrt().clamp(0.5, 5.0)
    elif balance == "log":
        share = known / known.sum()
        raw = 1.0 / (1.1 + share).log()
        weights[there] = raw / (raw * share).sum()
    else:
        frequency = known / present[there].double()
        weights[there] = frequency.quantile(0.5) / frequency
    return weights.float()
