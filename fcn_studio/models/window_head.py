"""The embedded model's head: a window of finite reach before the deep score, small layers in each skip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fcn_studio.models.heads import ScoreLayer
from fcn_studio.models.layers import ConvReLU, WindowMean
from fcn_studio.models.trunks.trunk import Trunk
from fcn_studio.models.upsampling import make_doubling, make_last


class SkipScore(nn.Module):
    """Scores from finer features: 1x1 to ``width``, depthwise 3x3, 1x1 to classes (zero at the start).

    The paper's skip is the last 1x1 alone; the two small layers before it cost a hundredth of the trunk and
    let the skip see a 3x3 neighbourhood.
    """

    def __init__(self, channels: int, classes: int, width: int = 64) -> None:
        super().__init__()
        self.reduce = ConvReLU(channels, width, 1)
        self.spatial = ConvReLU(width, width, 3, padding=1, groups=width)
        self.score = ScoreLayer(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.score(self.spatial(self.reduce(x)))
        return scores


class WindowHead(nn.Module):
    """Features by stride to scores at stride ``finest``: the FCN sum (Long et al. 2015, section 4.2).

    Before the deep score stand two 1x1 layers (fc6 and fc7 of the paper): ``neck`` looks at the cell
    itself, ``context`` at the mean of ``window`` x ``window`` cells round it; ``project`` joins the two. The
    window is a plain stride 1 pooling of finite reach: the whole stays convolutional and can be tiled.
    """

    def __init__(
        self,
        trunk: Trunk,
        classes: int,
        finest: int,
        *,
        upsampling: str = "bilinear",
        width: int = 256,
        window: int = 33,
    ) -> None:
        super().__init__()
        self.deepest = trunk.deepest
        self.skips = tuple(s for s in sorted(trunk.grids, reverse=True) if finest <= s < self.deepest)
        channels = trunk.channels[self.deepest]
        self.window = WindowMean(window)
        self.neck = ConvReLU(channels, width, 1)
        self.context = ConvReLU(channels, width, 1)
        self.project = ConvReLU(2 * width, width, 1)
        self.score = ScoreLayer(width, classes)
        coarse = trunk.grids[self.deepest]
        self.reach_px = (window - 1) * coarse.jump
        for stride in self.skips:
            fine = trunk.grids[stride]
            self.add_module(f"up{stride}", make_doubling(upsampling, coarse, fine, classes))
            self.add_module(f"skip{stride}", SkipScore(trunk.channels[stride], classes))
            coarse = fine
        self.last, self.grid = make_last(upsampling, coarse, classes)

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        deep = features[self.deepest]
        both = torch.cat([self.context(self.window(deep)), self.neck(deep)], dim=1)
        scores: Tensor = self.score(self.project(both))
        for stride in self.skips:
            carried = self.get_submodule(f"up{stride}")(scores)
            scores = carried + self.get_submodule(f"skip{stride}")(features[stride])
        return self.last(scores)  # type: ignore[no-any-return]

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the deep one first."""
        skips = [self.get_submodule(f"skip{stride}") for stride in self.skips]
        return [self.score, *(skip.score for skip in skips if isinstance(skip, SkipScore))]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of the skips and of what carries scores to them."""
        modules = [self.get_submodule(f"{word}{s}") for s in self.skips for word in ("up", "skip")]
        return [p for module in modules for p in module.parameters()]
