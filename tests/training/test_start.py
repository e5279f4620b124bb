"""What a run begins with: a new network, its trunk from a file, or a checkpoint; and what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fcn_studio.core.errors import CheckpointError, UsageError
from fcn_studio.models.registry import create_model
from fcn_studio.training.deck import Deck
from fcn_studio.training.start import make_start, open_start

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
    start = make_start("fcn8s_mobilenet_v2", SOURCE, zoom=1.5)
    assert start.spec.zoom == 1.5
    name = SOURCE.names("train")[0]
    sample = SOURCE.read(name)
    picture = Deck(SOURCE, [name], start.spec.long_side, start.spec.zoom).picture(0)
    height, width = sample.labels.shape
    assert picture.hw == (round(1.5 * height), round(1.5 * width))
    assert set(picture.labels.unique().tolist()) == set(np.unique(sample.labels).tolist())
    assert tuple(picture.pixels.shape[1:]) == picture.hw


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
