"""The running mean of a network (EMA): its weights and the statistics of its BatchNorm."""

from __future__ import annotations

import copy

import torch
from torch import nn

from fcn_studio.models.fcn import FcnNetwork


class Average:
    """Exponential running mean of a network; ``model`` is that mean, in eval mode."""

    def __init__(self, model: FcnNetwork, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the network after ``step`` (from 0); early steps count more, so that the start fades."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - decay)
        for kept, now in zip(self.model.buffers(), model.buffers(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(now, 1.0 - decay)
            else:
                kept.copy_(now)
