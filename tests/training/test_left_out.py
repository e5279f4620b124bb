"""Files that vanish or break while a run still needs them: left out, told once, and the rest is learnt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import TrainingError
from fcn_studio.project.dataset_source import DatasetSource
from fcn_studio.project.sources import open_source
from fcn_studio.training import deck as deck_room
from fcn_studio.training.basis import Basis
from fcn_studio.training.dataset import train_dataset
from fcn_studio.training.events import LeftOut, StepDone, Validated
from fcn_studio.training.fine_tune import fine_tune
from fcn_studio.training.recipe import FINE_TUNE
from fcn_studio.training.settings import Recipe
from fcn_studio.training.start import make_start

from .conftest import TINY, finish, make_sample


@pytest.fixture(autouse=True)
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last sample stays in memory."""
    monkeypatch.setattr(deck_room, "CACHE_BYTES", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four labelled pictures, the last two for validation."""
    root = tmp_path / "discs"
    for word in ("images", "masks"):
        (root / word).mkdir(parents=True)
    for index in range(4):
        sample = make_sample(hw=(40, 48), seed=index)
        Image.fromarray(sample.pixels).save(root / "images" / f"p{index}.png")
        Image.fromarray(sample.labels).save(root / "masks" / f"p{index}.png")
    (root / "classes.json").write_text('[{"index": 0, "name": "ground"}, {"index": 1, "name": "sky"}]')
    (root / "train.txt").write_text("p0\np1\n")
    (root / "val.txt").write_text("p2\np3\n")
    return root


def _vanish(folder: Path, name: str) -> None:
    (folder / "images" / f"{name}.png").unlink(missing_ok=True)


def _break_mask(folder: Path, name: str) -> None:
    (folder / "masks" / f"{name}.png").write_bytes(b"no mask")


def _grow(folder: Path, name: str) -> None:
    for word in ("images", "masks"):
        path = folder / word / f"{name}.png"
        Image.open(path).resize((60, 60)).save(path)


def _train(folder: Path, recipe: Recipe) -> Any:
    source = open_source(folder)
    start = make_start("fcn8s_mobilenet_v2", source)
    return train_dataset(start, source, folder / "new", recipe, device="cpu", cancel=CancelToken())


def _after_step(step: int, call: Callable[[], None]) -> Callable[[object], None]:
    return lambda event: call() if isinstance(event, StepDone) and event.step == step else None


def _told(events: list[Any]) -> list[str]:
    return [event.name for event in events if isinstance(event, LeftOut)]


@pytest.mark.parametrize("spoil", [_vanish, _break_mask, _grow])
def test_a_sample_that_is_lost_in_the_middle_is_left_out_and_told_once(
    folder: Path, spoil: Callable[[Path, str], None]
) -> None:
    recipe = TINY.with_changes(steps=6, validate_every=3, paste=0.5)
    events, outcome = finish(_train(folder, recipe), _after_step(1, lambda: spoil(folder, "p0")))
    assert _told(events) == ["p0"]
    assert "p0" in next(event.why for event in events if isinstance(event, LeftOut))
    assert (outcome.steps, outcome.basis) == (6, Basis(images=2))


def test_the_last_sample_with_labels_ends_the_run_with_a_sentence_and_its_name(folder: Path) -> None:
    nothing = Image.new("L", (48, 40), 255)
    nothing.save(folder / "masks" / "p1.png")
    events: list[Any] = []

    def keep(event: object) -> None:
        events.append(event)
        _after_step(1, lambda: _vanish(folder, "p0"))(event)

    with pytest.raises(TrainingError, match="No label is left to learn from: mend what cannot be read"):
        finish(_train(folder, TINY.with_changes(steps=50, validate_every=50)), keep)
    assert _told(events) == ["p0"]


def test_what_is_measured_on_may_be_lost_too_until_nothing_is_left(folder: Path) -> None:
    recipe = TINY.with_changes(steps=4)
    events, outcome = finish(_train(folder, recipe), _after_step(1, lambda: _vanish(folder, "p2")))
    assert _told(events) == ["p2"]
    assert [event.step for event in events if isinstance(event, Validated)] == [2, 4]
    assert outcome.basis == Basis(images=1)
    walk = _train(folder, recipe)
    with pytest.raises(TrainingError, match="Nothing that is held out can be read any more"):
        finish(walk, _after_step(1, lambda: _vanish(folder, "p3")))


def test_a_fine_tuning_goes_on_and_compares_on_the_same_images(parent: Path, folder: Path) -> None:
    """One is lost before the start is asked about it, one between the two networks that are compared."""
    source = open_source(folder)
    assert isinstance(source, DatasetSource)
    recipe = FINE_TUNE.with_changes(crop_px=33, steps=2, steps_per_image=0, learnt_share=0.0)
    measured: list[str] = []

    class Watched(DatasetSource):
        def read(self, name: str):  # type: ignore[no-untyped-def]
            measured.append(name)
            if measured.count("p0") == 2:
                _vanish(folder, "p0")
            if measured[-3:] == ["p2", "p3", "p2"]:  # the parent is done, the candidate is at work
                _vanish(folder, "p3")
            return super().read(name)

    walk = fine_tune(
        parent, Watched(source.files), folder / "child", recipe=recipe.with_changes(validate_every=9),
        device="cpu", cancel=CancelToken(),
    )  # fmt: skip
    events, result = finish(walk)
    assert _told(events) == ["p0", "p3"]
    assert (result.steps, result.basis) == (2, Basis(images=1))
    assert result.parent_miou is not None
    assert measured[-2:] == ["p2", "p2"]
