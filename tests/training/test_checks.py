"""What would spoil a run is said before anything runs, with the key that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import CheckpointError, FcnStudioError, TrainingError
from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.training.dataset import train_dataset
from fcn_studio.training.fine_tune import fine_tune
from fcn_studio.training.recipe import FINE_TUNE
from fcn_studio.training.start import Start, make_start

from .conftest import TINY, Samples, finish, make_card, make_network, make_sample

KEYS = ("ground", "disc")


def _refused(start: Start, source: Samples, folder: Path) -> FcnStudioError:
    with pytest.raises(FcnStudioError) as caught:
        next(
            train_dataset(
                start,
                source,
                folder / "out",
                TINY,
                device="cpu",
                run_folder=folder / "run",
                cancel=CancelToken(),
            )
        )
    assert not list(folder.iterdir())
    return caught.value


def test_a_class_listed_twice(tmp_path: Path, parent: Path) -> None:
    twice = Samples(("ground", "disc", "ground"), make_sample())
    with pytest.raises(TrainingError, match=r"class_keys: 'ground' is listed twice"):
        make_start("fcn8s_mobilenet_v2", twice)
    with pytest.raises(TrainingError, match=r"class_keys: 'ground' is listed twice"):
        finish(fine_tune(parent, twice, tmp_path / "child", recipe=FINE_TUNE, cancel=CancelToken()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    model = make_network(2)
    with torch.no_grad():
        model.trunk.block3.depthwise.bias[2] = bad
    error = _refused(Start(model, make_card(*KEYS)), Samples(KEYS, make_sample()), tmp_path)
    assert "trunk.block3.depthwise.bias" in str(error)
    save_checkpoint(tmp_path / "bad", model, make_card(*KEYS))
    with pytest.raises(
        CheckpointError, match=r"bad\.safetensors: the weight 'trunk\.block3\.depthwise\.bias'"
    ):
        finish(
            fine_tune(
                tmp_path / "bad", Samples(KEYS, make_sample()), tmp_path / "child", recipe=FINE_TUNE,
                cancel=CancelToken(),
            )
        )  # fmt: skip


def test_other_classes_than_the_labels(tmp_path: Path) -> None:
    error = _refused(Start(make_network(3), make_card("a", "b", "c")), Samples(KEYS, make_sample()), tmp_path)
    assert isinstance(error, TrainingError)
    assert "class_keys: the network has 3 classes (a, b, c), the labels have 2" in str(error)


@pytest.mark.parametrize(
    ("key", "value"),
    [("mean", (0.0, 0.0, 0.0)), ("std", (1.0, 1.0, 1.0)), ("stride", 16), ("pad_remainder", 0)],
)
def test_a_card_that_prepares_pictures_otherwise(tmp_path: Path, key: str, value: object) -> None:
    card = make_card(*KEYS, **{key: value})
    error = _refused(Start(make_network(2), card), Samples(KEYS, make_sample()), tmp_path)
    assert isinstance(error, CheckpointError)
    assert str(error).startswith(f"{key}: the card of tiny says")
