"""Trunk AlexNet (torchvision's, without groups and normalisation); fc6 and fc7 as convolutions."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from fcn_studio.models.geometry import Grid
from fcn_studio.models.registry import register_trunk
from fcn_studio.models.trunks.classifier import convolve_linear, make_classifier
from fcn_studio.models.trunks.trunk import Features, Pool, Trunk
from fcn_studio.models.trunks.vgg import FIRST_PADDING, build_paper

_STRIDE_OF_POOL = {2: 8, 5: 16, 12: 32}


class AlexNetTrunk(Trunk):
    """conv1 at stride 4, pool1 at 8, pool2 at 16, fc7 at 32; parameters named as torchvision's ``features``.

    conv1 is padded by 100 mod 32 so that cells keep the paper's phase. The 6x6 fc6 with padding 3 adds a
    cell, whereby the scores lie as far from the left border as from the right.
    """

    def __init__(self, fc_channels: int = 4096) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, FIRST_PADDING),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = make_classifier(256, fc_channels, kernel=6, padding=3)
        conv1 = Grid().through(11, 4, FIRST_PADDING)
        pool1 = conv1.through(3, 2)
        pool2 = pool1.through(5, padding=2).through(3, 2)
        conv5 = pool2.through(3, padding=1).through(3, padding=1).through(3, padding=1)
        self.grids = {4: conv1, 8: pool1, 16: pool2, 32: conv5.through(3, 2).through(6, padding=3)}
        self.channels = {4: 64, 8: 64, 16: 192, 32: fc_channels}
        self.pools = {8: Pool(3), 16: Pool(3)}  # not 32: fc6 moves its cells off those of pool5

    def forward(self, x: Tensor) -> Features:
        maps: dict[int, Tensor] = {}
        before: dict[int, Tensor] = {}
        for index, layer in enumerate(self.features):
            stride = _STRIDE_OF_POOL.get(index, 0)
            if stride == 8:
                maps[4] = x
            if stride:
                before[stride] = x
            x = layer(x)
            if stride:
                maps[stride] = x
        assert self.classifier is not None
        maps[32] = self.classifier(x)
        return Features(maps, before)

    def own_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """torchvision's: ``features.*`` as they are, ``classifier.1`` and ``.4`` become fc6 and fc7."""
        linear = {"fc6": "classifier.1", "fc7": "classifier.4"}
        return super().own_state(state) | convolve_linear(state, linear, 6)


register_trunk(
    "alexnet",
    AlexNetTrunk,
    kind="torchvision",
    licence="BSD-3-Clause",
    weights="ImageNet-1k (torchvision)",
    paper=build_paper("alexnet"),
)
