"""Learning rates: parameter groups, warm-up and cosine, and the running mean of the weights (EMA)."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.training.recipe import Recipe


def make_optimizer(model: FcnNetwork, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over head, skips and trunk, each with and without decay (none on biases).

    Parts whose rate is zero are left as they are; they need no gradients, which saves most of a step.
    """
    groups = []
    for parameters, rate in (
        (model.head_parameters(), recipe.head_rate),
        (model.skip_parameters(), recipe.skip_rate),
        (model.trunk_parameters(), recipe.trunk_rate),
    ):
        for parameter in parameters:
            parameter.requires_grad_(rate > 0)
        if rate <= 0:
            continue
        weights = [p for p in parameters if p.dim() > 1]
        biases = [p for p in parameters if p.dim() <= 1]
        groups.append({"params": weights, "peak": rate, "lr": 0.0, "weight_decay": recipe.weight_decay})
        groups.append({"params": biases, "peak": rate, "lr": 0.0, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=0.0)


def rate_factor(step: int, recipe: Recipe) -> float:
    """Share of the peak rate at a step counted from 0: linear warm-up, then half a cosine to a hundredth."""
    if step < recipe.warm_up_steps:
        return (step + 1) / recipe.warm_up_steps
    span = max(1, recipe.steps - recipe.warm_up_steps)
    done = min(1.0, (step - recipe.warm_up_steps) / span)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def set_rates(optimizer: torch.optim.Optimizer, step: int, recipe: Recipe) -> None:
    """Give every group its rate of this step."""
    factor = rate_factor(step, recipe)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


class Average:
    """Exponential running mean of a network's weights; ``model`` is that mean, in eval mode."""

    def __init__(self, model: FcnNetwork, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` (from 0); early steps count more, so that the start fades."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - decay)
