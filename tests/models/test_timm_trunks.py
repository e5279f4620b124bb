"""Backbones of timm as trunks give timm's own maps, lie on a fixed grid, and take timm's weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.registry import create_model, trunks
from fcn_studio.models.timm_trunks import CURATED, TimmTrunk

timm = pytest.importorskip("timm")
SHARED = Path(os.environ.get("FCN_STUDIO_SHARED", Path(__file__).resolve().parents[3] / "shared"))
LITE0 = SHARED / "weights" / "efficientnet_lite0_imagenet.safetensors"


@pytest.fixture(autouse=True)
def one_thread():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _shaken(name: str) -> nn.Module:
    """timm's own network with weights and statistics that are all different from what it starts with."""
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False)
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            spread = 0.5 + torch.rand_like(value) if "running_var" in key else 0.1 * torch.randn_like(value)
            value.copy_(value + spread if "running_var" not in key else spread)
    return network.eval()


def _timm_maps(network: nn.Module, x: Tensor) -> dict[int, Tensor]:
    """What timm itself gives as features, by another way than the trunk takes: height of the map to map."""
    return {map_.shape[-2]: map_ for map_ in network.forward_intermediates(x, intermediates_only=True)}


@pytest.mark.parametrize(
    ("name", "hw"),
    [
        ("tf_efficientnet_lite0", (65, 97)),  # SAME padding is symmetric at 32 k + 1
        ("mobilenetv4_conv_small", (65, 97)),
        ("convnext_atto", (64, 96)),  # stages are renamed on the way
    ],
)
def test_maps_are_those_of_timm(name: str, hw: tuple[int, int]) -> None:
    network, trunk = _shaken(name), TimmTrunk(name).eval()
    trunk.load_state_dict(trunk.own_state(network.state_dict()))
    x = torch.randn(1, 3, *hw, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = trunk(x)
        expected = _timm_maps(network, x)
    for stride in trunk.grids:
        map_ = expected[trunk.grids[stride].cells(hw[0])]
        assert found[stride].shape[1] == trunk.channels[stride]
        assert torch.allclose(found[stride], map_, rtol=1e-4, atol=1e-5), stride
        assert float(map_.std()) > 0


def test_the_grid_does_not_move_with_the_size_as_it_does_in_timm() -> None:
    """A picture moved by one stride gives maps moved by one cell; with SAME padding sizes decide."""
    trunk = TimmTrunk("tf_efficientnet_lite0").eval()
    torch.manual_seed(0)
    x = torch.randn(1, 3, 33, 33 + 64)
    with torch.no_grad():
        whole = trunk(x)[4]
        part = trunk(x[..., 32:])[4]
        odd = trunk(x[..., 32:-2])[4]  # 63 wide, no 32 k + 1
    assert torch.allclose(part[..., 5:], whole[..., 8 + 5 :], atol=1e-5)
    assert torch.allclose(odd[..., 5:10], whole[..., 8 + 5 : 8 + 10], atol=1e-5)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_100"])
def test_cells_lie_alike_from_both_ends(name: str) -> None:
    """With weights symmetric left and right, a mirrored picture of a fitting size gives mirrored maps."""
    trunk = TimmTrunk(name).double().eval()
    with torch.no_grad():
        for layer in trunk.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_((layer.weight + layer.weight.flip(-1)) / 2)
        size = trunk.grids[32].fitting_size(70)
        x = torch.randn(1, 3, 64, size, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
        one, two = trunk(x), trunk(x.flip(-1))
    for stride, grid in trunk.grids.items():
        assert grid.start == grid.end
        assert one[stride].shape[-1] == grid.cells(size)
        assert torch.allclose(one[stride], two[stride].flip(-1), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "exact"), [("tf_efficientnet_lite0", True), ("mobilenetv3_small_100", False)]
)
def test_a_far_pixel_is_seen_only_where_something_sees_the_whole_picture(name: str, exact: bool) -> None:
    trunk = TimmTrunk(name).eval()
    grid = trunk.grids[8]
    x = torch.randn(1, 3, 33, 257, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        before = trunk(x)[8]
        x[..., 0] += 50.0
        changed = (trunk(x)[8] != before).any(dim=(0, 1, 2))
    first_blind = int(((grid.field_px - 1) / 2 - grid.start) // grid.jump) + 1
    assert changed[first_blind - 1]
    assert bool(changed[first_blind:].any()) is not exact
    assert trunk.exact_tiling is exact


def test_receptive_fields_are_those_of_the_literature() -> None:
    trunk = TimmTrunk("tf_efficientnet_lite0")
    assert {stride: grid.field_px for stride, grid in trunk.grids.items()} == {4: 19, 8: 67, 16: 339, 32: 851}
    assert (trunk.pad_multiple, trunk.pad_remainder, trunk.exact_tiling) == (32, 1, True)
    assert TimmTrunk("mobilenetv3_small_100").exact_tiling is False


def test_any_network_of_timm_is_a_trunk_by_its_name() -> None:
    model = create_model("fcn8s_timm:mobilenetv2_035", 2, score_width=4).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 40, 50)).shape == (1, 2, 40, 50)
    with pytest.raises(CheckpointError, match="nearest is 'resnet18'"):
        create_model("fcn8s_timm:resnet19", 2)
    with pytest.raises(CheckpointError, match="vit_tiny_patch16_224 cannot be a trunk"):
        create_model("fcn8s_timm:vit_tiny_patch16_224", 2)
    for name in ("hrnet_w18_small", "swin_tiny_patch4_window7_224"):  # sizes of 32 k only; 224 x 224 only
        with pytest.raises(
            CheckpointError, match=f"{name} cannot be a trunk: it does not take pictures of any"
        ):
            create_model(f"fcn8s_timm:{name}", 2)


def test_weights_of_a_deeper_network_of_timm_are_refused_its_own_head_is_not() -> None:
    with torch.device("meta"):
        trunk = TimmTrunk("resnetv2_50")
    assert trunk.is_former_head("norm.weight")  # behind its last stage, unlike a ResNet's
    assert not trunk.is_former_head("stages.2.blocks.6.conv1.weight")
    deeper = timm.create_model("resnet26t", pretrained=False).state_dict()
    with pytest.raises(
        CheckpointError, match=r"has the weight 'layer1\.1\..*', which fcn8s_timm:resnet14t has"
    ):
        create_model("fcn8s_timm:resnet14t", 2, weights=deeper)


@pytest.mark.parametrize("name", ["densenet121", "resnetv2_50d", "convnext_atto"])
def test_every_part_of_a_trunk_is_found_in_timms_classifier(name: str) -> None:
    """timm joins the names of nested parts with "_" where it takes features, to any depth."""
    with torch.device("meta"):
        trunk, state = TimmTrunk(name), timm.create_model(name).state_dict()
    own = trunk.own_state(state)
    assert {key: value.shape for key, value in own.items()} == {
        key: value.shape for key, value in trunk.state_dict().items()
    }


def test_registered_trunks_know_their_strides_before_they_are_built() -> None:
    """The list of networks is made from what was registered; nothing of timm is imported for it."""
    entries = {entry.name: entry for entry in trunks()}
    assert set(CURATED) <= set(entries)
    trunk = entries["mobilenetv4_conv_small"].builder(8)
    assert tuple(trunk.grids) == entries["mobilenetv4_conv_small"].strides


@pytest.mark.skipif(not LITE0.exists(), reason="the ImageNet weights lie beside the checkout only")
def test_imagenet_weights_of_lite0_give_googles_network() -> None:
    model = create_model("fcn8s_tf_efficientnet_lite0", 3, weights=LITE0).eval()
    from safetensors.torch import load_file

    state = load_file(LITE0)
    assert torch.equal(model.trunk.net.conv_stem.weight, state["conv_stem.weight"].float())
    assert torch.equal(
        model.trunk.net.blocks[6][0].bn3.running_var, state["blocks.6.0.bn3.running_var"].float()
    )
    assert (model.trunk.mean, model.trunk.std) == ((127.0,) * 3, (128.0,) * 3)
