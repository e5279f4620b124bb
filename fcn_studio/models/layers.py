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


def upsample_in_halves(x: Tensor) -> Tensor:
    """Bilinear x2 on the grid "cell i at 2i + 0.5": [N, K, h, w] to [N, K, 2h, 2w], the edges repeated."""
    height, width = x.shape[-2:]
    return functional.interpolate(x, size=(2 * height, 2 * width), mode="bilinear", align_corners=False)


def upsample_to_pixels(scores: Tensor, stride: int, hw: tuple[int, int], start: float = 0.0) -> Tensor:
    """Bilinear scores for every pixel: [N, K, h, w] to [N, K, H, W], float32 (float64 stays).

    Cell i lies on pixel ``start + stride * i``; beyond the first and the last cell the edge repeats, and what
    is beyond ``hw`` is cut. Raises ValueError for a start that is neither a pixel nor half-way between two
    where an even stride needs it.
    """
    scores = scores if scores.dtype == torch.float64 else scores.float()
    cells = scores.shape[-2:]
    aligned = start == int(start)
    first = start if aligned else start - (stride - 1) / 2
    if first != int(first):
        raise ValueError(f"cells of stride {stride} cannot start at pixel {start}")
    full_hw = tuple(stride * (n - 1) + 1 if aligned else stride * n for n in cells)
    pixels = functional.interpolate(scores, size=full_hw, mode="bilinear", align_corners=aligned)
    before = int(first)
    after = (hw[0] - before - full_hw[0], hw[1] - before - full_hw[1])
    return fit_edges(pixels, before, after)


def fit_edges(x: Tensor, before: int, after: int | tuple[int, int]) -> Tensor:
    """Repeat the edge of [N, C, H, W] ``before`` times at the top and left and ``after`` times (rows,
    columns) at the bottom and right; negative numbers cut as many instead."""
    down, right = (after, after) if isinstance(after, int) else after
    pads = (max(before, 0), max(right, 0), max(before, 0), max(down, 0))
    if any(pads):
        x = functional.pad(x, pads, mode="replicate")
    cut = max(-before, 0)
    if cut or down < 0 or right < 0:
        x = x[..., cut : down if down < 0 else None, cut : right if right < 0 else None]
    return x


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
