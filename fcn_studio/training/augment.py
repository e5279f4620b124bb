"""Changes of light, sharpness and noise of one picture; every draw is from torch's global generator."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from fcn_studio.training.settings import Recipe

_BLUR_SIGMA_PX = (0.3, 1.2)


def change_light(image: Tensor, recipe: Recipe) -> Tensor:
    """A picture, uint8 [3, H, W], in other light, as the recipe asks for; as it is when it asks nothing."""
    if recipe.color > 0:
        image = v2.ColorJitter(recipe.color, recipe.color, recipe.color, min(0.5, recipe.color / 10))(image)
    if recipe.gamma > 0 or recipe.temperature > 0:
        image = _illuminate(image, recipe.gamma, recipe.temperature)
    if recipe.blur > 0 and float(torch.rand(())) < recipe.blur:
        low, high = _BLUR_SIGMA_PX
        image = functional.gaussian_blur(image, [7, 7], [low + (high - low) * float(torch.rand(()))])
    if recipe.noise > 0:
        spread = 255 * recipe.noise * float(torch.rand(()))
        image = (image + spread * torch.randn(image.shape)).round().clamp(0, 255).to(torch.uint8)
    return image


def _illuminate(image: Tensor, gamma: float, temperature: float) -> Tensor:
    """One curve a channel, the same everywhere: ``255 * gain * (value / 255) ** power``, as a table."""
    power = (1.0 + gamma) ** float(torch.empty(()).uniform_(-1, 1))
    warmth = temperature * float(torch.empty(()).uniform_(-1, 1))
    curve = (torch.arange(256) / 255) ** power
    gains = torch.tensor([warmth, 0.0, -warmth]).exp()
    table = (255 * gains[:, None] * curve).round().clamp(0, 255).to(torch.uint8)
    return torch.stack([curve[plane.int()] for curve, plane in zip(table, image, strict=True)])
