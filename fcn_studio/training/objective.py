"""What one pass of a batch costs: network, upsampling to the labels' pixels, and the recipe's losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.training.batches import CELL_PX, Batch
from fcn_studio.training.loss import distillation, lovasz_softmax, partial_cross_entropy
from fcn_studio.training.settings import Recipe


@dataclass(frozen=True)
class Whole:
    """Of the whole batch: labelled pixels, and the weight of what the teacher is asked about."""

    labelled: int
    taught: float

    @classmethod
    def of(cls, batches: list[Batch]) -> Whole:
        """At least 1 each, so that they can be divided by."""
        labelled = max(1, sum(batch.labelled for batch in batches))
        return cls(labelled, max(1.0, sum(batch.taught for batch in batches)))


class Objective:
    """The recipe's loss on one device.

    The passes of a batch add up to its loss, however it is cut, where no pixel's part depends on others of
    its pass; Lovasz-softmax, ``hard_share`` and the statistics of BatchNorm are those of each pass.
    """

    def __init__(self, recipe: Recipe, class_weights: Tensor, device: str) -> None:
        self._recipe = recipe
        self._device = torch.device(device)
        self._in_bfloat16 = recipe.precision == "bfloat16" or (
            recipe.precision == "auto" and is_made_for_bfloat16(self._device)
        )
        self._weights = class_weights.to(self._device)

    def __call__(self, model: FcnNetwork, batch: Batch, whole: Whole) -> Tensor:
        """This pass's part of the loss of ``whole``, float32."""
        recipe = self._recipe
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._in_bfloat16):
            scores = model.scores(batch.pixels.to(self._device))
        labels, weights = batch.labels.to(self._device), batch.weights.to(self._device)
        pixels = model.to_pixels(scores, (labels.shape[1], labels.shape[2]))
        loss = partial_cross_entropy(pixels, labels, weights, self._weights, recipe.hard_share)
        if recipe.reduction == "mean":
            loss = loss / whole.labelled
        if recipe.lovasz > 0:
            share = batch.labelled / whole.labelled
            loss = loss + recipe.lovasz * share * lovasz_softmax(pixels, labels)
        if batch.teacher is not None and batch.teacher_weights is not None:
            teacher = batch.teacher.to(self._device) * recipe.distill_sharpness
            cells = pixels[..., ::CELL_PX, ::CELL_PX]
            kept = distillation(cells, teacher, batch.teacher_weights.to(self._device))
            loss = loss + recipe.distill * kept / whole.taught
        return loss


def is_made_for_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions of its own for it; no where torch cannot tell of its CPU."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    get_capabilities = getattr(torch.cpu, "get_capabilities", dict)  # newer torches only
    able: Mapping[str, Any] = get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
