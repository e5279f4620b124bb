"""Changes of light, sharpness and noise of one picture; every draw is from torch's global generator."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from fcn_studio.training.settings import Recipe

_BLUR_SIGMA_PX = (0.3, 1.2)
_GREY = torch.tensor([0.299, 0.587, 0.114])  # luma of ITU-R BT.601, as Pillow and torchvision have it


def change_light(image: Tensor, recipe: Recipe) -> Tensor:
    """A picture, uint8 [3, H, W], in other light, as the recipe asks for; as it is when it asks nothing."""
    if recipe.color > 0:
        *draws, turn = (recipe.color * torch.empty(4).uniform_(-1, 1)).tolist()
        bright, contrast, saturation = (max(0.0, 1 + draw) for draw in draws)
        image = recolor(image, bright, contrast, saturation, turn / 10)
    if recipe.gamma > 0 or recipe.temperature > 0:
        image = _illuminate(image, recipe.gamma, recipe.temperature)
    if recipe.blur > 0 and float(torch.rand(())) < recipe.blur:
        low, high = _BLUR_SIGMA_PX
        image = functional.gaussian_blur(image, [7, 7], [low + (high - low) * float(torch.rand(()))])
    if recipe.noise > 0:
        spread = 255 * recipe.noise * float(torch.rand(()))
        image = (image + spread * torch.randn(image.shape)).round().clamp(0, 255).to(torch.uint8)
    return image


def recolor(image: Tensor, bright: float, contrast: float, saturation: float, turn: float) -> Tensor:
    """A picture, uint8 [3, H, W], by three factors (1 = as it is), its hue turned by a share of a circle.

    What torchvision's ColorJitter does, as one matrix (the hue turns round the axis of greys): ten times as
    fast.
    """
    matrix = _hue_matrix(2 * math.pi * turn) @ (
        saturation * torch.eye(3) + (1 - saturation) * _GREY.expand(3, 3)
    )
    pixels = image.flatten(start_dim=1).float()
    mean_grey = _GREY @ pixels.mean(dim=1)
    offset = (bright * (1 - contrast) * mean_grey).expand(3, 1)
    found = torch.addmm(offset, bright * contrast * matrix, pixels)
    return found.round_().clamp_(0, 255).to(torch.uint8).view_as(image)


def _hue_matrix(angle: float) -> Tensor:
    """Rotation of RGB round the axis of greys, float [3, 3]; rows and columns sum to 1."""
    cosine, sine = math.cos(angle), math.sin(angle)
    crossed = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    return cosine * torch.eye(3) + (1 - cosine) / 3 + sine / math.sqrt(3) * crossed


def _illuminate(image: Tensor, gamma: float, temperature: float) -> Tensor:
    """One curve a channel, the same everywhere: ``255 * gain * (value / 255) ** power``, as a table."""
    power = (1.0 + gamma) ** float(torch.empty(()).uniform_(-1, 1))
    warmth = temperature * float(torch.empty(()).uniform_(-1, 1))
    curve = (torch.arange(256) / 255) ** power
    gains = torch.tensor([warmth, 0.0, -warmth]).exp()
    table = (255 * gains[:, None] * curve).round().clamp(0, 255).to(torch.uint8)
    return torch.stack([curve[plane.int()] for curve, plane in zip(table, image, strict=True)])
