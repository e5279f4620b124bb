"""The same padding is the paper's network wherever its frame of zeros is out of reach."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign
from fcn_studio.models.paper import AtOnceVgg, PaperNetwork
from fcn_studio.models.registry import Options, create_model, make_network
from fcn_studio.models.trunks.vgg import DEPTHS, VggTrunk
from tests.models import paper_oracle as oracle

REACH_PX = 245
"""fcn-reference 6.1: 201.5 for fc6 and 43.5 for the chain of three upsamplings, rounded up."""


def _pair(trunk: str, stride: int, at_once: bool = False) -> tuple[FcnNetwork, FcnNetwork]:
    """(same padding, the paper's) with the same weights, three classes, float64."""
    if trunk == "alexnet":
        name, state = "fcn32s_alexnet", oracle.alexnet_state(width=64)
        same, paper = (create_model(name, 3, fc_channels=8, padding=padding) for padding in ("same", "paper"))
    else:
        state = oracle.public_state(stride, width=2)
        vgg = AtOnceVgg if at_once else VggTrunk
        same = make_network(vgg(DEPTHS[16], fc_channels=8, width=2), 3, stride, Options())
        paper = PaperNetwork("vgg16", stride, 3, fc_channels=8, width=2, at_once=at_once)
    for network in (same, paper):
        network.double().eval()
        load_foreign(network, state)
    return same, paper


def _picture(side: int) -> Tensor:
    generator = torch.Generator().manual_seed(11)
    return torch.randn(1, 3, side, side, generator=generator, dtype=torch.float64)


@torch.no_grad()
@pytest.mark.parametrize(
    ("trunk", "stride", "at_once"),
    [
        ("vgg16", 32, False),
        ("vgg16", 16, False),
        ("vgg16", 8, False),
        ("vgg16", 8, True),
        pytest.param("alexnet", 32, False, marks=pytest.mark.slow),
    ],
)
def test_farther_than_its_reach_from_the_border_they_are_equal(
    trunk: str, stride: int, at_once: bool
) -> None:
    same, paper = _pair(trunk, stride, at_once)
    x = _picture(768)
    found, expected = same(x), paper(x)
    inner = slice(REACH_PX, 768 - REACH_PX)
    size = float(expected.abs().max())
    assert float((found - expected)[..., inner, inner].abs().max()) < 1e-9 * size
    assert float(expected[..., inner, inner].std()) > 1e-3 * size
    assert float((found - expected).abs().max()) > 1e-3 * size


@pytest.mark.parametrize("name", ["fcn32s_vgg16", "fcn16s_vgg19", "fcn8s_vgg11", "fcn32s_alexnet"])
def test_cells_lie_on_the_same_pixels(name: str) -> None:
    with torch.device("meta"):
        same, paper = (create_model(name, 2, fc_channels=1, padding=padding) for padding in ("same", "paper"))
    assert same.stride == paper.stride
    assert (same.grid.start - paper.grid.start) % same.stride == 0


def test_the_papers_options_build_what_they_say() -> None:
    with torch.device("meta"):
        fixed = create_model("fcn8s_vgg11", 4, padding="paper", fc_channels=8)
        article = create_model("fcn8s_vgg11", 4, padding="paper", fc_channels=8, upsampling="transposed")
        learnt = create_model(
            "fcn8s_vgg11", 4, padding="paper", fc_channels=8, upsampling="transposed_learnt"
        )
    names = [{name for name, _ in net.named_parameters() if "up" in name} for net in (fixed, article, learnt)]
    assert names == [
        set(),
        {"upscore2.weight", "upscore_pool4.weight"},
        {"upscore2.weight", "upscore_pool4.weight", "upscore8.weight"},
    ]
    assert [net.stride for net in (fixed, article, learnt)] == [8, 8, 1]
    for net in (fixed, article, learnt):
        parts = [*net.trunk_parameters(), *net.head_parameters(), *net.skip_parameters()]
        assert sorted(map(id, parts)) == sorted(map(id, net.parameters()))
