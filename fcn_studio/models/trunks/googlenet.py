"""Trunk GoogLeNet (torchvision's, with batch norm), without its pooling, linear layer and side exits."""

from __future__ import annotations

from torch import Tensor, nn

from fcn_studio.models.geometry import Grid
from fcn_studio.models.registry import register_trunk
from fcn_studio.models.trunks.trunk import Features, Pool, Trunk

_STAGES = {
    8: ("inception3a", "inception3b"),
    16: ("inception4a", "inception4b", "inception4c", "inception4d", "inception4e"),
    32: ("inception5a", "inception5b"),
}


class GoogLeNetTrunk(Trunk):
    """conv3 at stride 4, inception 3b at 8, 4e at 16, 5b at 32; parameters named as torchvision's.

    The 3x3 poolings are padded by 1 in place of the rounding up of torchvision, so that cells lie alike on
    both sides of the picture; the last pooling is 2x2. torchvision's 5x5 branches are 3x3: the field is
    smaller than that of the paper's network (fcn-reference 1.1). Its weights want pixels scaled to -1..1.
    """

    pools = {8: Pool(3, 1), 16: Pool(3, 1), 32: Pool(2)}  # noqa: RUF012 (constant)
    channels = {4: 192, 8: 480, 16: 832, 32: 1024}  # noqa: RUF012 (constant)
    mean = std = (127.5, 127.5, 127.5)

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import GoogLeNet

        net = GoogLeNet(aux_logits=False, transform_input=False, init_weights=False)
        self.conv1, self.conv2, self.conv3 = net.conv1, net.conv2, net.conv3
        self.maxpool1 = nn.MaxPool2d(3, 2, 1)
        grid = Grid().through(7, 2, 3).through(3, 2, 1).through(3, padding=1)
        self.grids = {4: grid}
        for stride, names in _STAGES.items():
            kernel, padding = self.pools[stride]
            self.add_module(f"pool{stride}", nn.MaxPool2d(kernel, 2, padding))
            grid = grid.through(kernel, 2, padding)
            for name in names:
                self.add_module(name, getattr(net, name))
                grid = grid.through(3, padding=1)
            self.grids[stride] = grid

    def forward(self, x: Tensor) -> Features:
        x = self.conv3(self.conv2(self.maxpool1(self.conv1(x))))
        maps, before = {4: x}, {}
        for stride, names in _STAGES.items():
            before[stride] = x
            x = self.get_submodule(f"pool{stride}")(x)
            for name in names:
                x = self.get_submodule(name)(x)
            maps[stride] = x
        return Features(maps, before)


register_trunk(
    "googlenet",
    lambda fc_channels: GoogLeNetTrunk(),  # noqa: ARG005
    kind="torchvision",
    licence="BSD-3-Clause",
    weights="ImageNet-1k (torchvision)",
)
