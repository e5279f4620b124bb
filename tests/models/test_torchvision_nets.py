"""torchvision's networks: its files load and give its own output, with and without auxiliary head."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.layers import upsample_to_pixels
from fcn_studio.models.registry import create_model
from fcn_studio.models.surgery import with_classes
from fcn_studio.models.torchvision_nets import NETWORKS, TorchvisionNetwork

SMALL = ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS if name not in SMALL]
VGA = torch.randn(1, 3, 50, 75, generator=torch.Generator().manual_seed(0))


def _original(name: str, classes: int = 4, aux: bool = False) -> nn.Module:
    """torchvision's own network with shaken batch norms, in eval mode."""
    torch.manual_seed(1)
    options: dict[str, Any] = {"aux_loss": True} if aux else {}
    build = getattr(torchvision.models.segmentation, name)
    net: nn.Module = build(weights=None, weights_backbone=None, num_classes=classes, **options).eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            nn.init.uniform_(layer.running_var, 0.8, 1.2)
    return net


def _load(name: str, state: dict[str, Tensor], classes: int = 4) -> TorchvisionNetwork:
    model = create_model(name, classes)
    assert isinstance(model, TorchvisionNetwork)
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("name", [*SMALL, *LARGE])
@pytest.mark.parametrize("aux", [False, True])
def test_its_files_give_its_output(name: str, aux: bool) -> None:
    if aux and name.startswith("lraspp"):
        pytest.skip("LR-ASPP has no auxiliary head")
    net = _original(name, aux=aux)
    model = _load(name, net.state_dict())
    expected, found = net(VGA), model.outputs(VGA)
    assert set(found) == set(expected) == ({"out", "aux"} if aux else {"out"})
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert torch.equal(model(VGA), expected["out"])
    assert float(expected["out"].std()) > 0


@torch.no_grad()
@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_cells_lie_where_the_card_says(name: str) -> None:
    """At sizes of the card, the scores on its grid are torchvision's output."""
    model = _load(name, _original(name).state_dict())
    card = model.card_geometry()
    x = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    pixels = upsample_to_pixels(model.scores(x), card["stride"], (64, 96), card["score_start"])
    assert torch.allclose(pixels, model(x), atol=1e-5)
    assert torch.allclose(model.to_pixels(model.scores(x), (64, 96)), model(x), atol=1e-5)


def test_the_auxiliary_head_follows_the_state_dict() -> None:
    name = "deeplabv3_mobilenet_v3_large"
    without, having = _original(name).state_dict(), _original(name, aux=True).state_dict()
    model = _load(name, having)
    assert set(model.state_dict()) == set(having)
    assert len(model.score_layers()) == 2
    assert model.score_layers()[-1] is model.classifier[-1]  # whose bias reaches the answer
    model.load_state_dict(without)
    assert set(model.state_dict()) == set(without)
    assert set(model.outputs(VGA)) == {"out"}
    model.load_state_dict(having)
    assert set(model.outputs(VGA)) == {"out", "aux"}


@torch.no_grad()
@pytest.mark.parametrize("name", SMALL)
def test_a_new_network_is_zero_and_keeps_known_classes(name: str) -> None:
    model = create_model(name, 3).eval()
    assert not model(VGA).any()
    for layer in model.score_layers():
        nn.init.normal_(layer.weight)
    other = with_classes(model, ("sky", "cat", "dog"), ("dog", "cup", "sky"))
    before, after = model(VGA), other(VGA)
    assert torch.allclose(after[:, [0, 2]], before[:, [2, 0]], atol=1e-5)
    assert not after[:, 1].any()


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_is_of_one_part(name: str) -> None:
    model = create_model(name, 2)
    parts = [model.trunk_parameters(), model.head_parameters(), model.skip_parameters()]
    listed = [id(p) for part in parts for p in part]
    assert sorted(listed) == sorted(id(p) for p in model.parameters())


def test_options_that_torchvision_does_not_have_are_refused() -> None:
    with pytest.raises(CheckpointError, match="leave out padding"):
        create_model("fcn_resnet50", 2, padding="paper")
