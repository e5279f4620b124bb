"""What the maps of a network see is read off its layers as it is, and what sees everything is noticed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.geometry import Grid
from fcn_studio.models.reach import compute_reach


class Branches(nn.Module):
    """Two ways of different reach, a pooling and a shortcut, as in a residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 5, 2, padding=2)
        self.wide = nn.Conv2d(4, 4, 3, 2, padding=4, dilation=4)
        self.narrow = nn.Conv2d(4, 4, 1, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = functional.max_pool2d(functional.gelu(self.stem(x)), 3, 1, 1)
        return {"fine": x, "coarse": torch.cat([self.wide(x) + self.narrow(x), self.narrow(x)], dim=1)}


class Patches(nn.Module):
    """Patches without overlap, normalised over channels at the end of the shape: as in ConvNeXt."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 4, 4, 4)
        self.norm = nn.LayerNorm(4)
        self.mix = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)
        return x + self.mix(self.norm(x)).mul(2.0)


class Scaled(nn.Module):
    """Any change of a map, to be judged."""

    def __init__(self, change) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * self.change(x)


def _seen(network: nn.Module, key: str, cell: tuple[int, int]) -> tuple[int, int, int, int]:
    """Oracle: first and last row and column of the picture that one cell's gradient reaches."""
    torch.manual_seed(0)
    x = torch.randn(1, 3, 65, 81, requires_grad=True)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)
    network(x)[key][0, :, cell[0], cell[1]].sum().backward()
    assert x.grad is not None
    rows, columns = x.grad[0].abs().sum(0).nonzero().T
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_grid_and_field_are_those_of_the_widest_way() -> None:
    with torch.device("meta"):
        found = compute_reach(Branches())
    for key, cell in (("fine", (16, 20)), ("coarse", (8, 10))):
        top, bottom, left, right = _seen(Branches(), key, cell)
        rows, columns = found[key].grids
        assert rows == columns
        assert rows.field_px <= bottom - top + 1 + 2 * 2  # a max-pooling passes its gradient to one cell only
        assert rows.field_px >= max(bottom - top, right - left) + 1
        assert abs(rows.start + rows.jump * cell[0] - (top + bottom) / 2) <= 2
        assert abs(rows.start + rows.jump * cell[1] - (left + right) / 2) <= 2
        assert found[key].exact
    assert found["coarse"].grids[0] == Grid().through(5, 2, 2).through(3, 1, 1).through(3, 2, 4, dilation=4)


def test_cells_of_patches_lie_in_their_middle_also_with_channels_last() -> None:
    with torch.device("meta"):
        found = compute_reach(Patches())
    assert found.axes == (1, 2)
    assert found.exact
    assert found.grids[0] == Grid(start=1.5, jump=4, end=1.5, field_px=4, least_px=4)


@pytest.mark.parametrize(
    ("change", "exact"),
    [
        (functional.relu6, True),
        (lambda x: x.mean(1, keepdim=True), True),
        (lambda x: functional.layer_norm(x.permute(0, 2, 3, 1), (6,)).permute(0, 3, 1, 2), True),
        (lambda x: x.chunk(2, 1)[0].repeat_interleave(1, 1).sum(1, keepdim=True), False),  # an unknown one
        (lambda x: x.view(1, 2, 3, *x.shape[2:]).transpose(1, 2).reshape(x.shape), True),  # channel shuffle
        (lambda x: x.mean((2, 3), keepdim=True).sigmoid(), False),  # squeeze-excite
        (lambda x: functional.adaptive_avg_pool2d(x, 1), False),
        (lambda x: functional.group_norm(x, 2), False),
        (lambda x: functional.instance_norm(x), False),
        (lambda x: functional.layer_norm(x, x.shape[1:]), False),
        (lambda x: x.flatten(2).softmax(-1).reshape(x.shape), False),  # attention over the picture
        (lambda x: x.norm(p=2, dim=(2, 3), keepdim=True), False),
    ],
)
def test_what_sees_the_whole_picture_cannot_be_tiled_exactly(change, exact: bool) -> None:  # type: ignore[no-untyped-def]
    with torch.device("meta"):
        found = compute_reach(Scaled(change))
    assert found.exact is exact
    assert found.grids[0] == Grid(field_px=3)  # the local way through is still known


def test_a_network_in_training_stays_so() -> None:
    with torch.device("meta"):
        network = Branches()
    compute_reach(network.train())
    assert network.training
