"""What a run begins with: a new network, its trunk from a file, or a checkpoint; and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fcn_studio.core.errors import CheckpointError, UsageError
from fcn_studio.models.checkpoint import make_card as make_model_card
from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2
from fcn_studio.models.registry import create_model
from fcn_studio.models.surgery import with_classes
from fcn_studio.training.deck import Deck
from fcn_studio.training.start import make_start, open_start, open_sum, with_zoom
from fcn_studio.training.unweigh import take_back_weights

from .conftest import Samples, make_sample

SOURCE = Samples(("ground", "disc"), make_sample())


@pytest.fixture(scope="module")
def trunk_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated weights of a ResNet18 without its classifier."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(
        {k: v.contiguous() for k, v in create_model("fcn32s_resnet18", 2).trunk.state_dict().items()}, path
    )
    return path


def test_a_new_network_has_the_classes_of_the_labels_and_the_trunk_of_the_file(trunk_file: Path) -> None:
    start = make_start("fcn8s_resnet18", SOURCE, options={"score_width": 4}, weights=[str(trunk_file)])
    assert start.is_new
    assert start.model.classes == 2
    assert start.spec.class_keys == ("ground", "disc")
    assert start.spec.architecture == "fcn8s_resnet18"
    assert start.spec.options == {"score_width": 4}
    assert (start.spec.pad_multiple, start.spec.pad_remainder) == (32, 1)
    other = make_start("fcn8s_resnet18", SOURCE, weights=[str(trunk_file)], seed=5)
    for name, value in start.model.trunk.state_dict().items():
        assert torch.equal(value, other.model.trunk.state_dict()[name]), name


def test_zoom_travels_from_the_start_to_the_pictures_of_the_run() -> None:
    start = with_zoom(make_start("fcn8s_mobilenet_v2", SOURCE), 1.5)
    assert start.spec.zoom == 1.5
    name = SOURCE.names("train")[0]
    sample = SOURCE.read(name)
    picture = Deck(SOURCE, [name], start.spec.long_side, start.spec.zoom).picture(0)
    height, width = sample.labels.shape
    assert picture.hw == (round(1.5 * height), round(1.5 * width))
    assert set(picture.labels.unique().tolist()) == set(np.unique(sample.labels).tolist())
    assert tuple(picture.pixels.shape[1:]) == picture.hw


def test_a_run_from_two_checkpoints_begins_with_the_mean_of_their_scores(tmp_path: Path) -> None:
    names, paths = ("fcn8s_resnet18", "fcn8s_mobilenet_v2"), []
    for seed, name in enumerate(names):
        start = make_start(name, SOURCE, seed=seed)
        for layer in start.model.score_layers():
            torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(seed))
        paths.append(tmp_path / f"{name}.safetensors")
        save_checkpoint(paths[-1], start.model, with_zoom(start, 2.0).spec)
    joined = open_sum(paths, SOURCE)
    assert joined.spec.architecture == "+".join(names)
    assert joined.spec.zoom == 2.0
    assert not joined.is_new
    pixels = torch.rand(1, 3, 65, 97) * 255
    scores = []
    for model in (joined.model, *(open_start(path, SOURCE).model for path in paths)):
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (model.mean, model.std))
        with torch.inference_mode():
            scores.append(model.scores((pixels - mean) / std))
    torch.testing.assert_close(scores[0], (scores[1] + scores[2]) / 2, rtol=1e-4, atol=1e-4)
    save_checkpoint(tmp_path / "other.safetensors", start.model, start.spec)
    with pytest.raises(CheckpointError, match="zoom: fcn8s_resnet18"):
        open_sum([paths[0], tmp_path / "other.safetensors"], SOURCE)


def test_what_no_file_fills_follows_from_the_seed() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, same, other = (make_start("fcn16s_mobilenet_v2", SOURCE, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    name = "trunk.conv0.weight"
    assert torch.equal(one.model.state_dict()[name], same.model.state_dict()[name])
    assert not torch.equal(one.model.state_dict()[name], other.model.state_dict()[name])


def test_each_part_of_a_sum_has_its_own_file(trunk_file: Path) -> None:
    name = "fcn8s_resnet18+fcn8s_mobilenet_v2"
    start = make_start(name, SOURCE, weights=[str(trunk_file), "none"])
    assert start.spec.architecture == name
    plain = make_start("fcn8s_resnet18", SOURCE, weights=[str(trunk_file)])
    mine = start.model.state_dict()
    for key, value in plain.model.trunk.state_dict().items():
        assert torch.equal(mine[f"part0.trunk.{key}"], value)
    with pytest.raises(UsageError, match="2 trunk"):
        make_start(name, SOURCE, weights=[str(trunk_file)])


def test_what_does_not_fit_is_named(trunk_file: Path, parent: Path) -> None:
    with pytest.raises(UsageError, match="score_widht"):
        make_start("fcn8s_resnet18", SOURCE, options={"score_widht": 4})
    with pytest.raises(CheckpointError, match="nearest is 'fcn8s_resnet"):
        make_start("fcn8s_resnet17", SOURCE)
    with pytest.raises(CheckpointError, match=r"resnet18.*layer|layer.*resnet"):
        make_start("fcn8s_resnet34", SOURCE, weights=[str(trunk_file)])
    with pytest.raises(CheckpointError, match="architecture 'fcn8s_mobilenet_v2'"):
        open_start(parent, SOURCE, "fcn8s_resnet18")
    assert open_start(parent, SOURCE, "fcn8s_mobilenet_v2").spec.parent
    with pytest.raises(CheckpointError, match=r"gone.*does not exist"):
        open_start(parent.with_name("gone.safetensors"), SOURCE)


def write_plain(path: Path, name: str, **card: Any) -> Path:
    start = make_start(name, SOURCE)
    save_checkpoint(path, start.model, msgspec.structs.replace(start.spec, **card))
    return path.with_suffix(".safetensors")


def test_a_sum_is_bound_by_the_terms_of_all_its_parts(tmp_path: Path) -> None:
    name = "fcn8s_resnet18"
    one = write_plain(tmp_path / "one", name, licence="BSD", data_terms="research only")
    two = write_plain(tmp_path / "two", name, licence="BSD", data_terms="not commercial")
    spec = open_sum([one, two], SOURCE).spec
    assert (spec.licence, spec.data_terms) == ("BSD", "research only; not commercial")


def test_what_cannot_be_summed_is_refused(tmp_path: Path) -> None:
    name = "fcn8s_resnet18"
    plain = write_plain(tmp_path / "plain", name)
    odd = make_start(name, SOURCE)
    odd.model.feed_with((122.7, 116.7, 104.0), (1.0, 1.0, 1.0))
    card = msgspec.structs.replace(odd.spec, mean=odd.model.mean, std=odd.model.std)
    save_checkpoint(tmp_path / "caffe", odd.model, card)
    united = with_classes(
        create_model(name, 3), ("ground", "a", "b"), SOURCE.class_keys, {"disc": ("a", "b")}
    )
    keys = {"class_keys": SOURCE.class_keys, "class_names": SOURCE.class_names}
    save_checkpoint(tmp_path / "united", united, make_model_card(united, name="united", **keys))
    joined = open_sum([plain, plain], SOURCE)
    save_checkpoint(tmp_path / "sum", joined.model, joined.spec)
    for file, what in (("caffe", "pixels otherwise"), ("united", "united classes"), ("sum", "a sum itself")):
        with pytest.raises(CheckpointError, match=rf"{file}.*{what}"):
            open_sum([plain, tmp_path / f"{file}.safetensors"], SOURCE)


@pytest.mark.parametrize(
    ("name", "options", "lacking"),
    [
        ("fcn_resnet50", {}, "backbone.conv1.weight"),
        ("fcn8s_vgg11", {"padding": "paper", "fc_channels": 8}, "conv1_1.weight"),
        ("fcn8s_resnet18", {"merged": "0,1+2"}, "conv1.weight"),
    ],
)
def test_weights_that_do_not_fit_a_network_without_a_trunk_are_named(
    tmp_path: Path, name: str, options: dict[str, str | int], lacking: str
) -> None:
    save_file({"features.0.weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=lacking):
        make_start(name, SOURCE, options=options, weights=[str(tmp_path / "w.safetensors")])


@pytest.mark.parametrize(
    "name", ["fcn8s_vgg11", "fcn8s_resnet18+fcn8s_resnet18", "lraspp_mobilenet_v3_large"]
)
def test_only_a_network_on_its_trunk_starts_from_the_deeplab_weights(tmp_path: Path, name: str) -> None:
    state = DeepLabMobileNetV2(21).state_dict()
    renamed = {f"backbone.{k[6:]}" if k.startswith("trunk.") else f"head.{k}": v for k, v in state.items()}
    save_file(renamed, tmp_path / "deeplab.safetensors")
    assert open_start(tmp_path / "deeplab.safetensors", SOURCE, "fcn8s_mobilenet_v2").model.classes == 2
    with pytest.raises(CheckpointError, match="cannot start from the weights of DeepLab"):
        open_start(tmp_path / "deeplab.safetensors", SOURCE, name)


def test_weights_of_classes_are_taken_back_from_every_row_of_a_united_class() -> None:
    keys = ("ground", "a", "b")
    plain = create_model("fcn8s_resnet18", 3).eval()
    united = with_classes(plain, keys, SOURCE.class_keys, {"disc": ("a", "b")})
    weights = torch.tensor([1.0, 5.0])
    x = torch.rand(1, 3, 65, 65)
    with torch.inference_mode():
        before = united.scores(x)
        take_back_weights(united, weights, 1.0)
        after = united.scores(x)
    expected = before - weights.log().view(1, 2, 1, 1)
    torch.testing.assert_close(after, expected)
