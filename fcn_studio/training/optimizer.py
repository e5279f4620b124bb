"""Which parameters learn how fast, which stay as they are, and what mode their layers are in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fcn_studio.core.errors import TrainingError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.sum import SumNetwork
from fcn_studio.training.settings import Recipe


def make_optimizer(model: FcnNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or SGD over head, skips and trunk, by rate and decay (none on biases and BatchNorm).

    Parts whose rate is zero, and the trunk up to ``frozen_stride``, are left as they are; they need no
    gradients, which saves most of a step. What the network itself has frozen stays frozen.
    """
    frozen = {id(p) for p in _early_parameters(model, recipe.frozen_stride)}
    biases = {id(p) for name, p in model.named_parameters() if name.endswith("bias")}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameters, rate in (
        (model.head_parameters(), recipe.head_rate),
        (model.skip_parameters(), recipe.skip_rate),
        (model.trunk_parameters(), recipe.trunk_rate),
    ):
        for parameter in parameters:
            if rate <= 0 or id(parameter) in frozen:
                parameter.requires_grad_(False)
            if parameter.requires_grad:
                peak = rate * (recipe.bias_rate if id(parameter) in biases else 1.0)
                decay = recipe.weight_decay if parameter.dim() > 1 else 0.0
                groups.setdefault((peak, decay), []).append(parameter)
    if not groups:
        raise TrainingError("Nothing would learn: give one of head_rate, skip_rate and trunk_rate a number.")
    chosen = [
        {"params": parameters, "peak": peak, "lr": 0.0, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(chosen, lr=0.0, momentum=recipe.momentum)
    return torch.optim.AdamW(chosen, lr=0.0)


def set_training_mode(model: nn.Module, recipe: Recipe) -> None:
    """Training mode, but with BatchNorm in eval mode where it is to stay as it is.

    ``train()`` switches every BatchNorm back, and a frozen one drifts by its statistics without any
    gradient (fcn-reference 8.17): call this before each step.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (
            recipe.norm == "frozen" or not any(p.requires_grad for p in module.parameters(recurse=False))
        ):
            module.eval()


def _early_parameters(model: FcnNetwork, stride: int) -> list[nn.Parameter]:
    """The parameters of the trunk that its features of ``stride`` come from; none for stride 0."""
    if stride == 0:
        return []
    found: list[nn.Parameter] = []
    for part in model.modules():
        if not isinstance(part, FcnNetwork) or isinstance(part, SumNetwork):
            continue
        trunk = getattr(part, "trunk", None)
        if trunk is None:
            raise TrainingError(f"frozen_stride is not for {part.name}: it has no trunk of its own.")
        if stride not in trunk.channels:
            known = ", ".join(map(str, sorted(trunk.channels)))
            raise TrainingError(f"frozen_stride is {stride}: this network has features of stride {known}.")
        parameters = [p for p in trunk.parameters() if p.requires_grad]
        was_training = trunk.training
        trunk.eval()
        side = part.padded_size(1)
        x = torch.zeros(1, 3, side, side, device=parameters[0].device)
        features: Tensor = trunk(x)[stride]
        touched = torch.autograd.grad(features.sum(), parameters, allow_unused=True)
        trunk.train(was_training)
        found += [p for p, gradient in zip(parameters, touched, strict=True) if gradient is not None]
    return found
