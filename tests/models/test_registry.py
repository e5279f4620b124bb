"""Networks are found by name, the paper's figures hold, and what cannot be is refused with the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.checkpoint import load_checkpoint, make_card, save_checkpoint
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk
from fcn_studio.models.registry import (
    architectures,
    create_model,
    register_architecture,
    register_trunk,
)

KEYS = ("background", "cat")


def _hollow(name: str, classes: int = 21, **options: str | int):  # type: ignore[no-untyped-def]
    """A network without numbers: its layers and shapes alone."""
    with torch.device("meta"):
        return create_model(name, classes, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("fcn32s_vgg16", 134_346_581), ("fcn8s_vgg16", 134_362_751)],  # fcn-reference 1.1, 1.2
)
def test_networks_have_the_papers_number_of_parameters(name: str, parameters: int) -> None:
    assert sum(p.numel() for p in _hollow(name).parameters()) == parameters


@pytest.mark.parametrize(("trunk", "field_px"), [("alexnet", 355), ("vgg16", 404), ("vgg19", 460)])
def test_receptive_fields_are_the_papers(trunk: str, field_px: int) -> None:
    assert _hollow(f"fcn32s_{trunk}").receptive_field_px == field_px


@pytest.mark.parametrize("trunk", ["alexnet", "vgg16"])
def test_cells_keep_the_phase_of_the_papers_padding(trunk: str) -> None:
    """fcn-reference 1.2, pad 100: fc6 at 12.5 (VGG) and 13 (AlexNet), pool4 at -91.5, pool3 at -95.5."""
    grids = _hollow(f"fcn32s_{trunk}").trunk.grids
    expected = {32: 12.5, 16: -91.5 % 16, 8: -95.5 % 8} if trunk == "vgg16" else {32: 13.0}
    assert {stride: grids[stride].start % stride for stride in expected} == expected


def test_dropout_stands_on_the_former_classifier_alone() -> None:
    for name in ("alexnet", "googlenet", "mobilenet_v2", "resnet18", "vgg11"):
        trunk = _hollow(f"fcn8s_{name}").trunk
        dropping = [name for name, module in trunk.named_modules() if isinstance(module, nn.Dropout)]
        assert dropping == (["classifier.drop6", "classifier.drop7"] if trunk.classifier is not None else [])


def test_scores_start_at_zero() -> None:
    for name in ("fcn4s_alexnet", "fcn8s_mobilenet_v2"):
        model = create_model(name, 2, fc_channels=8, score_width=0)
        assert not model(torch.randn(1, 3, 40, 50)).any()


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(CheckpointError, match="nearest is 'fcn8s_vgg16'"):
        create_model("fcn8_vgg16")
    with pytest.raises(CheckpointError, match="no upsampling 'bilinea': the nearest is 'bilinear'"):
        create_model("fcn8s_alexnet", upsampling="bilinea")
    with pytest.raises(CheckpointError, match=r"fcn32s_mobilenet_v2: .* strides 4, 8, 16 only. Choose"):
        create_model("fcn32s_mobilenet_v2")


def test_the_papers_padding_is_for_the_papers_trunks() -> None:
    with pytest.raises(CheckpointError, match="not for resnet18: it is for alexnet, vgg11"):
        create_model("fcn8s_resnet18", padding="paper")


@pytest.mark.parametrize("options", [{"fc_channels": 0}, {"score_width": -1}, {"fc_channels": "-3"}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    complaint = rf"{next(iter(options))} is .*: use a whole number of at least"
    with pytest.raises(CheckpointError, match=complaint):
        create_model("fcn8s_alexnet", **options)


@pytest.mark.parametrize("classes", [-1, 0, 256, 2.0, None, "3"])
def test_a_number_of_classes_that_no_label_can_hold_is_refused(classes: Any) -> None:
    with pytest.raises(CheckpointError, match=rf"classes is {classes!r}: use a whole number from 1 to 255"):
        create_model("fcn32s_alexnet", classes, fc_channels=8)


def test_255_classes_can_be_and_may_be_made_of_more_channels() -> None:
    assert _hollow("fcn32s_alexnet", 255, fc_channels=8).classes == 255
    merged = "0+1," + ",".join(str(row) for row in range(2, 256))
    model = _hollow("fcn32s_alexnet", 255, fc_channels=8, merged=merged)
    assert (model.classes, model.lead.classes) == (255, 256)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_trunk("vgg11", lambda fc: MobileNetV2Trunk(), kind="own", licence="", weights="")
    taken = next(name for name in architectures() if "atonce" in name)
    with pytest.raises(ValueError, match="registered already"):
        register_architecture(taken, lambda classes, options: create_model("fcn8s_alexnet", classes))


def test_a_card_builds_the_very_network_that_was_stored(tmp_path: Path) -> None:
    model = create_model("fcn16s_alexnet", 2, fc_channels=8, upsampling="transposed", score_width=4)
    spec = save_checkpoint(
        tmp_path / "net", model, make_card(model, name="net", class_keys=KEYS, class_names=KEYS)
    )
    assert spec.options == {"upsampling": "transposed", "fc_channels": 8, "score_width": 4}
    assert (spec.stride, spec.score_start, spec.pad_multiple, spec.pad_remainder) == (16, 13.0, 32, 27)
    assert spec.mean == model.trunk.mean != (127.5, 127.5, 127.5)
    loaded, _ = load_checkpoint(tmp_path / "net")
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert [spec.padded_size(n) for n in (1, 91, 92)] == [loaded.padded_size(n) for n in (1, 91, 92)]


def test_options_of_a_later_version_are_named(tmp_path: Path) -> None:
    model = create_model("fcn32s_alexnet", 2, fc_channels=8)
    save_checkpoint(tmp_path / "net", model, make_card(model, name="net", class_keys=KEYS, class_names=KEYS))
    card = json.loads((tmp_path / "net.json").read_text())
    (tmp_path / "net.json").write_text(json.dumps(card | {"options": {"wings": 2}}))
    with pytest.raises(CheckpointError, match=r"does not know \(wings\): update FCN Studio"):
        load_checkpoint(tmp_path / "net")


def test_statistics_of_batch_norm_are_stored_without_rounding(tmp_path: Path) -> None:
    model = create_model("fcn32s_resnet18", 2)
    with torch.no_grad():
        model.trunk.bn1.running_var.fill_(123456.789)
        model.trunk.bn1.running_mean.fill_(1e-9)
    save_checkpoint(tmp_path / "net", model, make_card(model, name="net", class_keys=KEYS, class_names=KEYS))
    loaded, _ = load_checkpoint(tmp_path / "net")
    assert torch.equal(loaded.trunk.bn1.running_var, model.trunk.bn1.running_var)
    assert torch.equal(loaded.trunk.bn1.running_mean, model.trunk.bn1.running_mean)
