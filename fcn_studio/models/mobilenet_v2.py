"""Trunk MobileNetV2 (width 1) at stride 16 with folded batch norm, and the DeepLab network it comes from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.geometry import Grid
from fcn_studio.models.layers import ConvReLU6
from fcn_studio.models.trunks.trunk import Features, Trunk


class _Block(NamedTuple):
    """One row of the layer table: expansion channels (0 = none), output channels, stride and dilation."""

    hidden: int
    out: int
    stride: int = 1
    dilation: int = 1


# Sandler et al., "MobileNetV2", CVPR 2018, table 2; the last stage keeps stride 16 by dilation 2.
_BLOCKS = (
    _Block(0, 16),
    _Block(96, 24, stride=2),
    _Block(144, 24),
    _Block(144, 32, stride=2),
    _Block(192, 32),
    _Block(192, 32),
    _Block(192, 64, stride=2),
    *[_Block(384, 64)] * 3,
    _Block(384, 96),
    *[_Block(576, 96)] * 2,
    _Block(576, 160),
    *[_Block(960, 160, dilation=2)] * 2,
    _Block(960, 320, dilation=2),
)
_TAP_OF_BLOCK = {3: 4, 6: 8}  # the expanded input of these blocks is handed out at this stride


class InvertedResidual(nn.Module):
    """Expand (1x1), depthwise (3x3), project (1x1); the input is added where shape and stride allow it."""

    def __init__(self, channels: int, row: _Block) -> None:
        super().__init__()
        hidden = row.hidden or channels
        self.expand = ConvReLU6(channels, hidden, 1) if row.hidden else None
        self.depthwise = ConvReLU6(
            hidden, hidden, 3, row.stride, padding=row.dilation, dilation=row.dilation, groups=hidden
        )
        self.project = nn.Conv2d(hidden, row.out, 1)
        self.adds_input = row.stride == 1 and channels == row.out and row.hidden > 0

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(block output, expanded input): [N, out, h, w] and [N, hidden, H, W]."""
        expanded = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(expanded))
        return (x + y if self.adds_input else y), expanded


class MobileNetV2Trunk(Trunk):
    """[N, 3, H, W] to features by stride: {4: 144, 8: 192, 16: 320 channels}.

    All 3x3 convolutions are padded by their dilation on every side, so cell i of stride s has its centre on
    pixel s * i. Strides 4 and 8 are the expanded inputs of blocks 3 and 6 (after ReLU6): they are computed
    anyway, and offer six times the channels of the block outputs to a skip's 1x1 convolution.
    """

    stride = 16
    channels = {4: 144, 8: 192, 16: 320}  # noqa: RUF012 (constant table)
    mean = std = (127.5, 127.5, 127.5)

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = ConvReLU6(3, 32, 3, 2, padding=1)
        channels, grid, self.grids = 32, Grid().through(3, 2, 1), {}
        for index, row in enumerate(_BLOCKS):
            self.add_module(f"block{index}", InvertedResidual(channels, row))
            channels = row.out
            if index in _TAP_OF_BLOCK:
                self.grids[_TAP_OF_BLOCK[index]] = grid
            grid = grid.through(3, row.stride, row.dilation, dilation=row.dilation)
        self.grids[16] = grid

    def forward(self, x: Tensor) -> Features:
        features: dict[int, Tensor] = {}
        x = self.conv0(x)
        for index in range(len(_BLOCKS)):
            x, expanded = getattr(self, f"block{index}")(x)
            if index in _TAP_OF_BLOCK:
                features[_TAP_OF_BLOCK[index]] = expanded
        features[16] = x
        return Features(features)


class DeepLabMobileNetV2(nn.Module):
    """The network the weights come from, with its image pooling: the teacher. [N, 3, H, W] to [N, 21, h, w].

    h = ceil(H / 16): its scores have cell i on pixel 16 * i. Not an FCN (the pooling sees the whole picture),
    therefore it is no architecture of the registry.
    """

    stride = 16

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self.trunk = MobileNetV2Trunk()
        self.aspp0 = nn.Conv2d(320, 256, 1)
        self.image_pool = nn.Conv2d(320, 256, 1)
        self.project = nn.Conv2d(512, 256, 1)
        self.classifier = nn.Conv2d(256, classes, 1)

    def scores(self, x: Tensor) -> Tensor:
        """Scores before softmax at stride 16."""
        deep = self.trunk(x)[16]
        local = functional.relu(self.aspp0(deep))
        whole = self.pooled(deep).expand_as(local)
        both = torch.cat([whole, local], dim=1)
        scores: Tensor = self.classifier(functional.relu(self.project(both)))
        return scores

    def pooled(self, deep: Tensor) -> Tensor:
        """The image pooling branch: [N, 320, h, w] to [N, 256, 1, 1]."""
        return functional.relu(self.image_pool(deep.mean(dim=(2, 3), keepdim=True)))

    forward = scores
