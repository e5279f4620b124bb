"""Building blocks of trunks and heads: convolutions with folded batch norm, exact bilinear upsampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvReLU6(nn.Conv2d):
    """Convolution with bias (batch norm folded in), then ReLU6; [N, C, H, W] to [N, O, h, w]."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu6(super().forward(x))


class ConvReLU(nn.Conv2d):
    """Convolution with bias (batch norm folded in), then ReLU; [N, C, H, W] to [N, O, h, w]."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(super().forward(x))


class WindowMean(nn.Module):
    """Mean over ``cells`` x ``cells`` cells (odd) round each cell, cells beyond the border left out.

    [N, C, h, w] to the same shape. Two one-dimensional passes: window and counts are products.
    """

    def __init__(self, cells: int) -> None:
        super().__init__()
        reach = cells // 2
        self.rows = nn.AvgPool2d((cells, 1), 1, (reach, 0), count_include_pad=False)
        self.columns = nn.AvgPool2d((1, cells), 1, (0, reach), count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        mean: Tensor = self.columns(self.rows(x))
        return mean


def upsample_twice(x: Tensor) -> Tensor:
    """Bilinear x2 on the grid "cell i at 2i": [N, K, h, w] to [N, K, 2h - 1, 2w - 1].

    The same as a transposed convolution with the fixed kernel [.5, 1, .5] on each axis, stride 2, padding 1
    (fcn-reference 1.3: all fixed, as in the release), but the class count is not part of the operation, so
    one exported graph serves every head.
    """
    height, width = x.shape[-2:]
    return functional.interpolate(
        x, size=(2 * height - 1, 2 * width - 1), mode="bilinear", align_corners=True
    )


def upsample_to_pixels(scores: Tensor, stride: int, hw: tuple[int, int]) -> Tensor:
    """Bilinear scores for every pixel: [N, K, h, w] with cell i at pixel stride * i to [N, K, H, W] float32.

    ``hw`` may be at most stride * (h - 1) + 1, stride * (w - 1) + 1; the rest is cut at the right and bottom.
    """
    full_hw = (stride * (scores.shape[-2] - 1) + 1, stride * (scores.shape[-1] - 1) + 1)
    pixels = functional.interpolate(scores.float(), size=full_hw, mode="bilinear", align_corners=True)
    return pixels[..., : hw[0], : hw[1]]


def pad_right_bottom(x: Tensor, padded_hw: tuple[int, int]) -> Tensor:
    """Fill up [N, C, H, W] with zeros (the mean colour after scaling) at the right and the bottom."""
    return functional.pad(x, (0, padded_hw[1] - x.shape[-1], 0, padded_hw[0] - x.shape[-2]))


@torch.no_grad()
def zero_parameters(layer: nn.Conv2d) -> nn.Conv2d:
    """Set weight and bias of a score layer to zero (fcn-reference 2.2) and give it back."""
    layer.weight.zero_()
    if layer.bias is not None:
        layer.bias.zero_()
    return layer
