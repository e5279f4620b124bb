"""What a run begins with: a new network, its trunk from a file, or a checkpoint; and what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fcn_studio.core.errors import CheckpointError, UsageError
from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.training.deck import Deck
from fcn_studio.training.start import make_start, open_start, open_sum, with_zoom

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
