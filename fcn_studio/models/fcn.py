"""Fully convolutional network: a trunk, scores at its deepest stride, skips summed in at finer strides."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fcn_studio.models.layers import (
    ConvReLU,
    WindowMean,
    pad_right_bottom,
    upsample_to_pixels,
    upsample_twice,
    zero_parameters,
)


class SkipScore(nn.Module):
    """Scores from finer features: 1x1 to ``width``, depthwise 3x3, 1x1 to classes (zero at the start).

    The paper's skip is the last 1x1 alone; the two small layers before it cost a hundredth of the trunk and
    let the skip see a 3x3 neighbourhood.
    """

    def __init__(self, channels: int, classes: int, width: int = 64) -> None:
        super().__init__()
        self.reduce = ConvReLU(channels, width, 1)
        self.spatial = ConvReLU(width, width, 3, padding=1, groups=width)
        self.score = zero_parameters(nn.Conv2d(width, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.score(self.spatial(self.reduce(x)))
        return scores


class FcnHead(nn.Module):
    """Features by stride to scores at the finest skip's stride: the FCN sum (Long et al. 2015, section 4.2).

    Before the deep score stand two 1x1 layers (fc6 and fc7 of the paper): ``neck`` looks at the cell
    itself, ``context`` at the mean of ``window`` x ``window`` cells round it; ``project`` joins the two. The
    window is a plain stride 1 pooling of finite reach: the whole stays convolutional and can be tiled.
    """

    def __init__(
        self,
        channels: dict[int, int],
        classes: int,
        skips: tuple[int, ...],
        width: int = 256,
        window: int = 33,
    ) -> None:
        super().__init__()
        self.deepest = max(channels)
        self.skips = tuple(sorted(skips, reverse=True))
        self.window = WindowMean(window)
        self.neck = ConvReLU(channels[self.deepest], width, 1)
        self.context = ConvReLU(channels[self.deepest], width, 1)
        self.project = ConvReLU(2 * width, width, 1)
        self.score = zero_parameters(nn.Conv2d(width, classes, 1))
        for stride in self.skips:
            self.add_module(f"skip{stride}", SkipScore(channels[stride], classes))

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        deep = features[self.deepest]
        both = torch.cat([self.context(self.window(deep)), self.neck(deep)], dim=1)
        scores: Tensor = self.score(self.project(both))
        for stride in self.skips:
            scores = upsample_twice(scores) + getattr(self, f"skip{stride}")(features[stride])
        return scores

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class."""
        return [self.score, *(getattr(self, f"skip{stride}").score for stride in self.skips)]


class FcnNetwork(nn.Module):
    """Trunk and head as one network; what every architecture of the registry builds.

    ``scores(x)``: float [N, 3, H, W] (scaled pixels, H and W of the form ``pad_multiple * k + 1``) to
    low-resolution scores [N, K, h, w], cell i on pixel ``stride * i``. ``forward(x)``: any size, scores of
    every pixel, float32 [N, K, H, W].
    """

    def __init__(
        self, trunk: nn.Module, channels: dict[int, int], classes: int, skips: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = FcnHead(channels, classes, skips)
        self.stride = min((*skips, max(channels)))
        self.pad_multiple = max(channels)

    @property
    def classes(self) -> int:
        """Number of output channels."""
        return self.head.score.out_channels

    def scores(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.trunk(x))
        return scores

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        padded_hw = (self._padded(height), self._padded(width))
        return upsample_to_pixels(self.scores(pad_right_bottom(x, padded_hw)), self.stride, (height, width))

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters between the trunk and the deep score, that included."""
        skips = set(self.skip_parameters())
        return [p for p in self.head.parameters() if p not in skips]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of the skips: new beside a pretrained head, they may learn fastest."""
        return [p for stride in self.head.skips for p in getattr(self.head, f"skip{stride}").parameters()]

    def trunk_parameters(self) -> list[nn.Parameter]:
        """Parameters of the pretrained trunk."""
        return list(self.trunk.parameters())

    def _padded(self, size: int) -> int:
        return size + (1 - size) % self.pad_multiple
