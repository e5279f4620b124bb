"""The paper's head: a score at each stride, summed from coarse to fine (Long et al. 2015, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcn_studio.models.layers import zero_parameters
from fcn_studio.models.trunks.trunk import Features, Trunk
from fcn_studio.models.upsampling import make_doubling, make_last

HEADS = {"fcn32s": 32, "fcn16s": 16, "fcn8s": 8, "fcn4s": 4}
"""Name to the finest stride; 4s goes beyond the paper."""


class ScoreLayer(nn.Conv2d):
    """1x1 convolution with one row per class, zero at the start (fcn-reference 2.2)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, classes, 1)
        zero_parameters(self)

    @torch.no_grad()
    def keep_classes(self, rows: Sequence[int | None]) -> None:
        """One row per entry: that of the old class, or zero for None."""
        assert self.bias is not None
        weight = self.weight.new_zeros(len(rows), *self.weight.shape[1:])
        bias = self.bias.new_zeros(len(rows))
        for new, old in enumerate(rows):
            if old is not None:
                weight[new], bias[new] = self.weight[old], self.bias[old]
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.out_channels = len(rows)


class Score(nn.Module):
    """Features to scores: the paper's bare 1x1, or 3x3 to ``width`` channels, batch norm, ReLU before it."""

    def __init__(self, channels: int, classes: int, width: int = 0) -> None:
        super().__init__()
        self.look: nn.Module = nn.Identity()
        if width:
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            self.look = nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.score = ScoreLayer(width or channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.score(self.look(x))
        return scores


class SkipHead(nn.Module):
    """Features by stride to the sum of their scores at stride ``finest``: [N, K, h, w] on ``grid``.

    ``score32`` is the deep score, ``score16`` and so on are the skips, ``up16`` carries the sum there.
    """

    def __init__(self, trunk: Trunk, classes: int, finest: int, *, upsampling: str, score_width: int) -> None:
        super().__init__()
        self.deepest = trunk.deepest
        self.skips = tuple(s for s in sorted(trunk.grids, reverse=True) if finest <= s < self.deepest)
        self.add_module(f"score{self.deepest}", Score(trunk.channels[self.deepest], classes, score_width))
        coarse = trunk.grids[self.deepest]
        self.reach_px = 2 * coarse.jump if score_width else 0
        for stride in self.skips:
            fine = trunk.grids[stride]
            self.add_module(
                f"up{stride}", make_doubling(upsampling, coarse, fine, classes, trunk.pools.get(2 * stride))
            )
            self.add_module(f"score{stride}", Score(trunk.channels[stride], classes, score_width))
            coarse = fine
        self.last, self.grid = make_last(upsampling, coarse, classes)

    def forward(self, features: Features) -> Tensor:
        scores: Tensor = self.get_submodule(f"score{self.deepest}")(features[self.deepest])
        for stride in self.skips:
            carried = self.get_submodule(f"up{stride}")(scores, features.before_pool.get(2 * stride))
            scores = carried + self.get_submodule(f"score{stride}")(features[stride])
        return self.last(scores)  # type: ignore[no-any-return]

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the deep one first."""
        strides = (self.deepest, *self.skips)
        return [layer.score for s in strides if isinstance(layer := self.get_submodule(f"score{s}"), Score)]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of the skips and of what carries scores to them."""
        modules = [self.get_submodule(f"{word}{s}") for s in self.skips for word in ("up", "score")]
        return [p for module in modules for p in module.parameters()]
