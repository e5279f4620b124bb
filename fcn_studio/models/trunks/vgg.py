"""Trunks VGG11, 13, 16 and 19, with and without batch norm; fc6 and fc7 as convolutions."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import Grid
from fcn_studio.models.registry import BuildPaper, Options, register_trunk
from fcn_studio.models.trunks.classifier import convolve_linear, make_classifier
from fcn_studio.models.trunks.trunk import Features, Pool, Trunk

# Simonyan and Zisserman 2015, table 1 (A, B, D, E): convolutions of each stage.
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
MULTIPLES = (1, 2, 4, 8, 8)  # of the first stage's channels
FIRST_PADDING = 4
"""The paper pads conv1_1 by 100. Cells keep its phase with 100 mod 32, at a third to a half of the work."""


class VggTrunk(Trunk):
    """Pooled maps at strides 4, 8, 16 and fc7 at 32; parameters named as torchvision's ``features``.

    Stage s ends in a 2x2 pooling. fc6 is 7x7 with padding 3, so its cells lie on those of pool5.
    """

    def __init__(
        self,
        depths: tuple[int, ...],
        *,
        batch_norm: bool = False,
        fc_channels: int = 4096,
        width: int = 64,
    ) -> None:
        """``width``: channels of the first stage; less than 64 is for tests."""
        super().__init__()
        layers: list[nn.Module] = []
        grid, grids, self._pool_index = Grid(), {}, {}
        channels = 3
        for stage, (depth, multiple) in enumerate(zip(depths, MULTIPLES, strict=True)):
            for _ in range(depth):
                padding = 1 if layers else FIRST_PADDING
                layers.append(nn.Conv2d(channels, multiple * width, 3, padding=padding))
                layers += [nn.BatchNorm2d(multiple * width)] if batch_norm else []
                layers.append(nn.ReLU(inplace=True))
                grid, channels = grid.through(3, padding=padding), multiple * width
            self._pool_index[len(layers)] = 2 << stage
            layers.append(nn.MaxPool2d(2, 2))
            grid = grids[2 << stage] = grid.through(2, 2)
        self.features = nn.Sequential(*layers)
        self.classifier = make_classifier(8 * width, fc_channels, kernel=7, padding=3)
        self.grids = {4: grids[4], 8: grids[8], 16: grids[16], 32: grids[32].through(7, padding=3)}
        self.channels = {4: 2 * width, 8: 4 * width, 16: 8 * width, 32: fc_channels}
        self.pools = {stride: Pool(2) for stride in (8, 16, 32)}

    def forward(self, x: Tensor) -> Features:
        maps: dict[int, Tensor] = {}
        before: dict[int, Tensor] = {}
        for index, layer in enumerate(self.features):
            stride = self._pool_index.get(index, 0)
            if stride > 4:
                before[stride] = x
            x = layer(x)
            if stride > 2:
                maps[stride] = x
        assert self.classifier is not None
        maps[32] = self.classifier(maps[32])
        return Features(maps, before)

    def own_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """torchvision's VGG: ``features.*`` as they are, ``classifier.0`` and ``.3`` become fc6 and fc7."""
        return super().own_state(state) | convolve_linear(
            state, {"fc6": "classifier.0", "fc7": "classifier.3"}, 7
        )


def build_paper(name: str) -> BuildPaper:
    """The builder of a trunk's networks with the paper's padding."""

    def build(head: str, classes: int, options: Options) -> FcnNetwork:
        from fcn_studio.models import paper

        return paper.build(name, head, classes, options)

    return build


for _depth, _depths in DEPTHS.items():
    for _norm in (False, True):
        _name = f"vgg{_depth}{'_bn' if _norm else ''}"
        register_trunk(
            _name,
            lambda fc_channels, d=_depths, n=_norm: VggTrunk(d, batch_norm=n, fc_channels=fc_channels),
            kind="torchvision",
            licence="BSD-3-Clause",
            weights="ImageNet-1k (torchvision)",
            paper=build_paper(_name),
        )
