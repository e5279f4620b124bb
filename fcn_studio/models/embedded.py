"""The embedded model's network: deep scores that flow along what two skips see, on MobileNetV2."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import Grid
from fcn_studio.models.heads import ScoreLayer
from fcn_studio.models.layers import ConvReLU, WindowMean, upsample_twice, zero_parameters
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk
from fcn_studio.models.registry import Options, register_architecture

NAME = "fcn4s_flow_mobilenet_v2"
WINDOW_CELLS = 41
STAY = 5.0
"""Head start of a cell's own score over each of its neighbours' (before softmax): untrained, 95 % stay."""


class Skip(NamedTuple):
    """A skip's stride, the width of its layers, and how far each of its flows reaches, in cells."""

    stride: int
    width: int
    reaches: tuple[int, ...]


SKIPS = (Skip(8, 48, (2, 1)), Skip(4, 32, (2, 1)))


def flow(scores: Tensor, weights: Tensor, reach: int) -> Tensor:
    """Every cell's scores become a mean of its own and those of the eight cells ``reach`` away.

    scores: [N, K, h, w]. weights: [N, 9, h, w], not negative, summing to one over the second axis, row by
    row from the upper left; the same for all classes, so classes can move but none is favoured. Beyond the
    border the edge repeats.
    """
    around = functional.pad(scores, (reach,) * 4, mode="replicate")
    moved = torch.zeros_like(scores)
    for place in range(9):
        y, x = place // 3 * reach, place % 3 * reach
        # Ends counted from the far side: no shape becomes part of an exported graph.
        part = around[..., y : (y - 2 * reach) or None, x : (x - 2 * reach) or None]
        moved = moved + part * weights[:, place : place + 1]
    return moved


class FlowSkip(nn.Module):
    """Carries scores onto a grid of half the stride and lets them flow as the finer features say.

    ``forward(scores, deep, features)``: scores [N, K, h, w] and what was seen on their grid [N, C, h, w],
    trunk features [N, D, H, W] with H = 2 h - 1, W = 2 w - 1; gives scores [N, K, H, W] and what is seen now
    [N, width, H, W]. ``score`` is the paper's skip (zero at the start): it adds what the finer features say
    of each class.
    """

    def __init__(self, skip: Skip, deep_channels: int, channels: int, classes: int) -> None:
        super().__init__()
        width, self.reaches = skip.width, skip.reaches
        self.deep = nn.Conv2d(deep_channels, width, 1, bias=False)
        self.fine = nn.Conv2d(channels, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.look = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.kernels = zero_parameters(nn.Conv2d(width, 9 * len(skip.reaches), 1))
        self.score = ScoreLayer(width, classes)
        stay = torch.zeros(1, 9, 1, 1)
        stay[:, 4] = STAY
        self.register_buffer("stay", stay, persistent=False)
        self.stay: Tensor

    def forward(self, scores: Tensor, deep: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        seen = functional.relu(self.norm(upsample_twice(self.deep(deep)) + self.fine(features)))
        seen = functional.relu(seen + self.look(seen))
        scores = upsample_twice(scores)
        for reach, kernel in zip(self.reaches, self.kernels(seen).split(9, dim=1), strict=True):
            scores = flow(scores, (kernel + self.stay).softmax(dim=1), reach)
        return scores + self.score(seen), seen


class FlowHead(nn.Module):
    """Features by stride to scores at stride 4.

    The deep score is that of the embedded model before it (``WindowHead``): ``neck`` looks at the cell,
    ``context`` at the mean of a window of finite reach, ``project`` joins the two. What the skips learn of
    borders is the same for all classes: a head for other classes keeps it.
    """

    def __init__(self, trunk: MobileNetV2Trunk, classes: int, width: int = 256) -> None:
        super().__init__()
        self.deepest = trunk.deepest
        channels = trunk.channels[self.deepest]
        self.window = WindowMean(WINDOW_CELLS)
        self.neck = ConvReLU(channels, width, 1)
        self.context = ConvReLU(channels, width, 1)
        self.project = ConvReLU(2 * width, width, 1)
        self.score = ScoreLayer(width, classes)
        self.reach_px = (WINDOW_CELLS - 1) * trunk.grids[self.deepest].jump
        for skip in SKIPS:
            self.reach_px += 2 * skip.stride * sum(skip.reaches)
            self.add_module(f"skip{skip.stride}", FlowSkip(skip, width, trunk.channels[skip.stride], classes))
            width = skip.width
        self.grid: Grid = trunk.grids[SKIPS[-1].stride]

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        scores, seen = self.deep(features)
        return self.sharpen(scores, seen, features)

    def deep(self, features: dict[int, Tensor]) -> tuple[Tensor, Tensor]:
        """Scores [N, K, h, w] of the deepest stride and what was seen there [N, width, h, w]."""
        deep = features[self.deepest]
        seen = self.project(torch.cat([self.context(self.window(deep)), self.neck(deep)], dim=1))
        return self.score(seen), seen

    def sharpen(self, scores: Tensor, seen: Tensor, features: dict[int, Tensor]) -> Tensor:
        """The deep scores carried to stride 4 by the skips."""
        for skip in SKIPS:
            scores, seen = self.get_submodule(f"skip{skip.stride}")(scores, seen, features[skip.stride])
        return scores

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the deep one first."""
        skips = [self.get_submodule(f"skip{skip.stride}") for skip in SKIPS]
        return [self.score, *(skip.score for skip in skips if isinstance(skip, FlowSkip))]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of both skips."""
        return [p for skip in SKIPS for p in self.get_submodule(f"skip{skip.stride}").parameters()]


def _make(classes: int, options: Options) -> FcnNetwork:
    options.require_none(f"there is only one form of {NAME}")
    trunk = MobileNetV2Trunk()
    return FcnNetwork(trunk, FlowHead(trunk, classes))


register_architecture(NAME, _make)
