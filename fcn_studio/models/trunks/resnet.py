"""Trunks ResNet18, 34, 50 and 101 (torchvision's), without their pooling and linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from fcn_studio.models.geometry import Grid
from fcn_studio.models.registry import register_trunk
from fcn_studio.models.trunks.trunk import Features, Trunk


class ResNetTrunk(Trunk):
    """The outputs of layer1 to layer4 at strides 4, 8, 16, 32; parameters named as torchvision's.

    Odd kernels with symmetric padding throughout: cell i of stride s lies on pixel s * i.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        import torchvision

        net = getattr(torchvision.models, name)(weights=None)
        self.conv1, self.bn1 = net.conv1, net.bn1
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2, self.layer3, self.layer4 = net.layer1, net.layer2, net.layer3, net.layer4
        grid = Grid().through(7, 2, 3).through(3, 2, 1)
        self.grids, self.channels = {}, {}
        for stride in (4, 8, 16, 32):
            for block in self._layer(stride):
                # Whether 18 or 101 layers deep: the 3x3 convolutions of a block are what widens the field.
                for conv in block.modules():
                    if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3):
                        grid = grid.through(3, conv.stride[0], 1)
                        width = conv.out_channels
            self.grids[stride] = grid
            self.channels[stride] = width * (4 if hasattr(block, "conv3") else 1)

    def _layer(self, stride: int) -> nn.Sequential:
        layer: nn.Sequential = getattr(self, f"layer{stride.bit_length() - 2}")
        return layer

    def forward(self, x: Tensor) -> Features:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(x)
        maps: dict[int, Tensor] = {}
        for stride in (4, 8, 16, 32):
            x = maps[stride] = self._layer(stride)(x)
        return Features(maps)


for _name in ("resnet18", "resnet34", "resnet50", "resnet101"):
    register_trunk(
        _name,
        lambda fc_channels, n=_name: ResNetTrunk(n),  # noqa: ARG005
        kind="torchvision",
        licence="BSD-3-Clause",
        weights="ImageNet-1k (torchvision)",
    )
