"""`train` for new networks: trunk from a file, options, epochs, stages, recipes; what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import save_file

from fcn_studio.cli.main import cli
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import read_card

torch.set_num_threads(1)
SMALL = (
    "--set", "crop_px=33", "--set", "batch=2", "--set", "crops_at_once=2", "--set", "validate_every=50",
    "--device", "cpu", "--json",
)  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four pictures with a bright square, the last one for validation."""
    root = tmp_path / "squares"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    labels = np.zeros((40, 48), np.uint8)
    labels[10:30, 12:36] = 1
    labels[10:12] = 11
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 60, (40, 48, 3)).astype(np.uint8)
        pixels[labels == 1] += 150
        Image.fromarray(pixels).save(root / "images" / f"p{index}.png")
        Image.fromarray(labels).save(root / "masks" / f"p{index}.png")
    classes = [{"index": 0, "name": "ground"}, {"index": 1, "name": "square"}]
    (root / "classes.json").write_text(json.dumps(classes))
    (root / "train.txt").write_text("p0\np1\np2\n")
    (root / "val.txt").write_text("p3\n")
    return root


def _train(dataset: Path, out: Path, *words: object) -> Result:
    every = ["train", dataset, "--out", out, "--ignore", 11, *words]
    return CliRunner().invoke(cli, [str(word) for word in every])


def test_a_new_network_begins_with_the_trunk_of_a_file(dataset: Path, tmp_path: Path) -> None:
    torch.manual_seed(2)
    trunk = create_model("fcn32s_resnet18", 2).trunk.state_dict()
    save_file({name: value.contiguous() for name, value in trunk.items()}, tmp_path / "trunk.safetensors")
    out = tmp_path / "new"
    done = _train(
        dataset, out, "--architecture", "fcn8s_resnet18", "--option", "score_width=4", "--weights",
        tmp_path / "trunk.safetensors", "--epochs", 1.5, "--set", "precision=bfloat16", *SMALL,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 3  # 1.5 x 3 images by 2
    card = read_card(out)
    assert (card.architecture, card.options) == ("fcn8s_resnet18", {"score_width": 4})
    assert card.class_keys == ("ground", "square")
    assert (card.pad_multiple, card.pad_remainder, card.stride) == (32, 1, 8)
    model, _ = load_checkpoint(out)
    name = next(iter(trunk))
    learnt, given = model.trunk.state_dict()[name], trunk[name]
    assert 0 < float((learnt - given).abs().max()) < 0.01  # three small steps away from the file


def test_stages_end_with_the_network_that_was_asked_for(dataset: Path, tmp_path: Path) -> None:
    done = _train(
        dataset, tmp_path / "out", "--architecture", "fcn8s_mobilenet_v2", "--stages", "--steps", 1, *SMALL
    )
    assert done.exit_code == 0, done.stderr
    assert "stage 2 of 2: fcn8s_mobilenet_v2" in done.stderr
    assert read_card(tmp_path / "out-fcn16s").architecture == "fcn16s_mobilenet_v2"
    assert read_card(tmp_path / "out").architecture == "fcn8s_mobilenet_v2"
    for suffix in (".safetensors", ".json"):
        (tmp_path / f"out{suffix}").unlink()
    again = _train(
        dataset, tmp_path / "out", "--architecture", "fcn8s_mobilenet_v2", "--stages", "--steps", 1, *SMALL
    )
    assert again.exit_code == 2
    assert "out-fcn16s.safetensors is there already" in again.stderr


def test_recipes_are_listed_with_what_they_do() -> None:
    done = CliRunner().invoke(cli, ["train", "--list-recipes"])
    assert done.exit_code == 0
    for word in ("paper-heavy: ", "modern: ", "momentum 0.99", "CVPR 2015"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--architecture", "fcn8s_vgg17"], 1, "nearest is 'fcn8s_vgg1"),
        (["--architecture", "fcn8s_resnet18", "--option", "upsamplign=unpool"], 2, "upsamplign"),
        (["--architecture", "fcn8s_resnet18", "--weights", "{out}.pth"], 1, "out.pth"),
        (["--weights", "x.pth"], 2, "--architecture"),
        (["--stages"], 2, "--architecture"),
        (["--epochs", "nan"], 2, "'nan' is no number"),
        (["--epochs", "inf"], 2, "inf is not in the range"),
        (["--zoom", "nan"], 2, "'nan' is no number"),
        (
            ["--architecture", "fcn8s_resnet18", "--option", "merged=3"],
            2,
            "no option 'merged': use one of up",
        ),
        (["--architecture", "fcn32s_resnet18", "--stages"], 2, "stages"),
        (["--steps", "3", "--epochs", "2"], 2, "give one of them"),
        (["--steps", "1", "--set", "steps=3"], 2, "--steps and --set steps say the same"),
        (["--epochs", "1", "--set", "steps=3"], 2, "--epochs and --set steps say the same"),
        (["--set", "balance=squared"], 2, "sqrt, log, median, none"),
        (["--set", "hard_share=2"], 2, "from 0 to 1"),
    ],
)
def test_wrong_words_are_named(
    dataset: Path, tmp_path: Path, words: list[str], code: int, complaint: str
) -> None:
    done = _train(dataset, tmp_path / "out", *(word.format(out=tmp_path / "out") for word in words))
    assert done.exit_code == code, done.output
    assert complaint in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out.safetensors").exists()
