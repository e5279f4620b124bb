"""Grown heads start as what they come from; growing, merging and removing classes keeps what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.checkpoint import load_checkpoint, make_card, round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.growth import grow_head
from fcn_studio.models.merging import MergedNetwork
from fcn_studio.models.registry import create_model
from fcn_studio.models.sum import SumNetwork
from fcn_studio.models.surgery import copy_row, with_classes
from fcn_studio.models.upsampling import UPSAMPLINGS

KEYS = ("background", "cat", "dog")


def _picture(model: FcnNetwork) -> Tensor:
    hw = (model.padded_size(70), model.padded_size(100))
    return torch.randn(1, 3, *hw, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def _taught(name: str, classes: int = 3, **options: str | int) -> FcnNetwork:
    """A network with something to say: random in all that is learnt, upsampling included."""
    torch.manual_seed(0)
    model = create_model(name, classes, fc_channels=8, **options).double().eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for layer in model.score_layers():
            layer.weight.normal_(0, layer.in_channels**-0.5)
            assert layer.bias is not None
            layer.bias.normal_()
        for name, parameter in model.named_parameters():
            if "kernel" in name:
                parameter += torch.rand_like(parameter)
    return model


@torch.no_grad()
@pytest.mark.parametrize(
    ("trunk", "upsampling"),
    [*((trunk, up) for trunk in ("alexnet", "mobilenet_v2") for up in UPSAMPLINGS), ("vgg11", "unpool")],
)
def test_16s_starts_as_its_32s_8s_as_its_16s_and_4s_as_its_8s(trunk: str, upsampling: str) -> None:
    coarse = _taught(f"fcn{16 if trunk == 'mobilenet_v2' else 32}s_{trunk}", upsampling=upsampling)
    x = _picture(coarse)
    while not coarse.name.startswith("fcn4s"):
        fine = grow_head(coarse)
        assert fine.options == coarse.options
        if upsampling == "transposed_learnt":  # scores are pixels already: the learnt step is a shorter one
            assert fine.scores(x).shape == coarse.scores(x).shape
        else:
            features = fine.trunk(x)
            stride = fine.stride
            up = fine.head.get_submodule(f"up{stride}")
            expected = up(coarse.scores(x), features.before_pool.get(2 * stride))
            assert fine.stride == coarse.stride // 2
            assert torch.equal(fine.scores(x), expected)
            if upsampling == "bilinear" and trunk != "vgg11":
                # Where cells fall on cells the finer path is the same line: equal to the last pixel.
                assert torch.allclose(fine(x), coarse(x), atol=1e-12)
        coarse = fine


def test_growing_keeps_mode_type_and_the_old_network() -> None:
    coarse = _taught("fcn16s_alexnet").train()
    before = {name: value.clone() for name, value in coarse.state_dict().items()}
    fine = grow_head(coarse)
    assert fine.training
    assert next(fine.parameters()).dtype == torch.float64
    assert all(torch.equal(value, before[name]) for name, value in coarse.state_dict().items())
    assert all(torch.equal(fine.state_dict()[name], value) for name, value in before.items())


def test_there_is_nothing_finer_than_4s() -> None:
    with pytest.raises(CheckpointError, match="fcn4s is the finest"):
        grow_head(create_model("fcn4s_alexnet", 2, fc_channels=8))


@torch.no_grad()
@pytest.mark.parametrize("upsampling", ["bilinear", "transposed", "transposed_learnt", "unpool"])
@pytest.mark.parametrize("name", ["fcn8s_alexnet", "fcn8s_mobilenet_v2", "fcn8s_alexnet+fcn8s_alexnet"])
def test_classes_that_stay_score_as_before_new_ones_zero(name: str, upsampling: str) -> None:
    old = _taught(name, upsampling=upsampling)
    x = _picture(old)
    new = with_classes(old, KEYS, ("dog", "cup", "background"))
    before, after = old.scores(x), new.scores(x)
    assert torch.allclose(after[:, 0], before[:, 2], atol=1e-12)
    assert torch.allclose(after[:, 2], before[:, 0], atol=1e-12)
    assert not after[:, 1].any()
    assert (new.classes, new.name, new.options) == (3, old.name, old.options)


@torch.no_grad()
def test_a_merged_class_is_as_likely_as_its_parts_together() -> None:
    old = _taught("fcn16s_alexnet")
    x = _picture(old)
    new = with_classes(old, KEYS, ("animal", "background"), merged={"animal": ("cat", "dog")})
    before, after = old.scores(x).softmax(1), new.scores(x).softmax(1)
    assert new.classes == 2
    assert torch.allclose(after[:, 0], before[:, 1] + before[:, 2], atol=1e-12)
    assert torch.allclose(after[:, 1], before[:, 0], atol=1e-12)
    assert new(x[..., :33, :47]).shape == (1, 2, 33, 47)


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fcn32s_vgg11", {"padding": "paper"}),
        ("fcn32s_vgg11", {"padding": "paper", "upsampling": "transposed_learnt"}),
        ("fcn32s_alexnet", {"upsampling": "transposed_learnt"}),
        ("lraspp_mobilenet_v3_large", {}),
    ],
)
def test_merging_leaves_the_pixels_of_the_other_classes_as_they_were(
    name: str, options: dict[str, Any]
) -> None:
    """Whatever the last step from cells to pixels is, and at a size that does not fit."""
    old = _taught(name, **options)
    x = torch.randn(1, 3, 75, 91, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    new = with_classes(old, KEYS, ("animal", "background"), merged={"animal": ("cat", "dog")})
    assert isinstance(new, MergedNetwork)
    assert torch.allclose(new(x)[:, 1], old(x)[:, 0], atol=1e-6)


@torch.no_grad()
def test_a_sum_comes_to_pixels_as_its_parts_do() -> None:
    model = _taught("fcn32s_vgg11+fcn32s_vgg11", padding="paper")
    assert isinstance(model, SumNetwork)
    x = torch.randn(1, 3, 45, 61, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    first, second = model.parts
    assert torch.allclose(model(x), first(x) + second(x), atol=1e-9)


@torch.no_grad()
def test_a_merged_network_goes_on_being_grown_merged_cut_and_taught() -> None:
    old = _taught("fcn16s_alexnet")
    x = _picture(old)
    new = with_classes(old, KEYS, ("animal", "background"), merged={"animal": ("cat", "dog")})
    more = with_classes(new, ("animal", "background"), ("background", "cup", "animal"))
    assert torch.allclose(more.scores(x)[:, 2], new.scores(x)[:, 0], atol=1e-12)
    assert not more.scores(x)[:, 1].any()
    copy_row(more, old=0, new=1, margin=2.0)
    assert torch.allclose(more.scores(x)[:, 1], more.scores(x)[:, 0] - 2, atol=1e-12)
    all_of_it = with_classes(
        more, ("background", "cup", "animal"), ("thing",), merged={"thing": ("animal", "background")}
    )
    assert torch.allclose(all_of_it.scores(x)[:, 0], old.scores(x).logsumexp(1), atol=1e-12)
    alone = with_classes(new, ("animal", "background"), ("background",))
    assert not isinstance(alone, MergedNetwork)
    assert torch.allclose(alone.scores(x)[:, 0], old.scores(x)[:, 0], atol=1e-12)
    fine = grow_head(new)
    assert (fine.name, fine.stride, fine.options) == ("fcn8s_alexnet", 8, new.options)
    assert fine.classes == 2


def test_a_merged_network_is_stored_and_loaded(tmp_path: Path) -> None:
    model = with_classes(_taught("fcn16s_alexnet"), KEYS, ("x", "y"), merged={"y": ("dog", "background")})
    model = round_trip(model.float())
    spec = save_checkpoint(
        tmp_path / "net", model, make_card(model, name="net", class_keys=("x", "y"), class_names=("x", "y"))
    )
    loaded, _ = load_checkpoint(tmp_path / "net")
    assert spec.options == {"fc_channels": 8, "merged": "0,1+2"}
    x = _picture(model).float()
    with torch.no_grad():
        assert torch.allclose(loaded.scores(x), model.scores(x), atol=1e-6)


@pytest.mark.parametrize("text", ["0,1", "0+1", "0,0", "0,x", "1,2", ""])
def test_merged_channels_that_make_no_sense_are_refused(text: str) -> None:
    if text in ("0,1", ""):  # two plain classes
        assert create_model("fcn32s_alexnet", 2, fc_channels=8, merged=text).classes == 2
        return
    with pytest.raises(CheckpointError, match="does not say which channels"):
        create_model("fcn32s_alexnet", 2, fc_channels=8, merged=text)


@torch.no_grad()
def test_a_sum_scores_the_sum_of_its_parts_each_on_pixels_scaled_as_it_was_trained() -> None:
    model = _taught("fcn8s_mobilenet_v2+fcn8s_resnet18")
    first, second = model.parts
    assert (model.mean, model.std) == (first.mean, first.std) != (second.mean, second.std)
    pixels = torch.randint(0, 256, (1, 3, 65, 97), generator=torch.Generator().manual_seed(0)).double()

    def scaled(part: FcnNetwork) -> Tensor:
        mean, std = (torch.tensor(v, dtype=torch.float64).view(3, 1, 1) for v in (part.mean, part.std))
        return (pixels - mean) / std

    expected = first.scores(scaled(first)) + second.scores(scaled(second))
    assert torch.allclose(model.scores(scaled(first)), expected, atol=1e-9)
    assert (model.pad_multiple, model.pad_remainder, model.minimum_size) == (32, 1, 33)


@pytest.mark.parametrize("name", ["fcn8s_alexnet+fcn8s_resnet18", "fcn8s_resnet18+fcn16s_resnet18"])
def test_networks_whose_cells_lie_apart_cannot_be_summed(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"cannot be: the scores lie at stride"):
        create_model(name, 2, fc_channels=8)
