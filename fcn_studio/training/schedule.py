"""Learning rates over the steps of a run: warm-up, then cosine, poly or constant."""

from __future__ import annotations

import math

import torch

from fcn_studio.training.settings import Recipe

POLY_POWER = 0.9


def rate_factor(step: int, recipe: Recipe) -> float:
    """Share of the peak rate at a step counted from 0: linear warm-up, then what the recipe says.

    "cosine": half a cosine down to a hundredth. "poly": (1 - done)^0.9 (fcn-reference 2.3). "constant": 1.
    """
    if step < recipe.warm_up_steps:
        return (step + 1) / recipe.warm_up_steps
    span = max(1, recipe.steps - recipe.warm_up_steps)
    done = min(1.0, (step - recipe.warm_up_steps) / span)
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "poly":
        return float((1.0 - done) ** POLY_POWER)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def set_rates(optimizer: torch.optim.Optimizer, step: int, recipe: Recipe) -> None:
    """Give every group its rate of this step."""
    factor = rate_factor(step, recipe)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
