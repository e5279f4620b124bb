"""Fine-tuning teaches what was painted, keeps the rest, and is taken back when it is worse."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, ImageReadError, TrainingError
from fcn_studio.core.ports import Sample
from fcn_studio.inference.predictor import Predictor
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.models.spec import read_card
from fcn_studio.training.basis import Basis
from fcn_studio.training.events import Finished, LeftOut, Resumed, StepDone, Validated
from fcn_studio.training.fine_tune import fine_tune
from fcn_studio.training.recipe import FINE_TUNE
from fcn_studio.training.settings import Recipe

from .conftest import UNLABELLED, Samples, finish, make_sample

QUICK = FINE_TUNE.with_changes(crop_px=81, steps=40, validate_every=10)


def _painted(name: str = "a", hw: tuple[int, int] = (64, 80), seed: int = 0) -> Sample:
    """A stroke of "cup" (channel 2) on the bright disc, nothing else."""
    sample = make_sample(name, hw, seed)
    labels = np.full(hw, UNLABELLED, np.uint8)
    middle_y, middle_x = hw[0] // 2, hw[1] // 2
    labels[middle_y - 3 : middle_y + 3, middle_x - 10 : middle_x + 10] = 2
    return replace(sample, labels=labels)


KEYS = ("ground", "sky", "cup")
ENDLESS = """
import sys
from pathlib import Path
from fcn_studio.training.events import StepDone
from tests.training.conftest import Samples
from tests.training.test_fine_tune import KEYS, QUICK, _painted, _tune

parent, folder = Path(sys.argv[1]), Path(sys.argv[2])
recipe = QUICK.with_changes(steps=10_000, save_every_s=0.0)
for event in _tune(parent, Samples(KEYS, _painted()), folder / "child", recipe, run_folder=folder / "run"):
    if isinstance(event, StepDone):
        print(event.step, flush=True)
"""


def _tune(parent: Path, source: Samples, out: Path, recipe: Recipe = QUICK, **more):  # type: ignore[no-untyped-def]
    cancel = more.pop("cancel", CancelToken())
    return fine_tune(parent, source, out, recipe=recipe, device="cpu", cancel=cancel, **more)


def test_a_class_the_network_never_knew_is_learnt_from_a_stroke(parent: Path, tmp_path: Path) -> None:
    sample = _painted()
    events, result = finish(_tune(parent, Samples(KEYS, sample), tmp_path / "child"))
    assert result.accepted
    assert result.checkpoint_path == tmp_path / "child"
    assert (result.parent_miou, result.candidate_miou) == (None, None)
    assert "not measured yet" in result.reason
    found = Predictor(TorchEngine.open(tmp_path / "child")).predict(sample.pixels)
    assert found.class_keys == KEYS
    assert (found.channels == 2)[sample.labels == 2].mean() > 0.9
    card, old = read_card(tmp_path / "child"), read_card(parent)
    assert card.parent == old.id != card.id
    assert card.figures["steps"] == result.steps
    losses = [e.loss for e in events if isinstance(e, StepDone)]
    assert losses[-1] < 0.5 * losses[0] < 10
    assert isinstance(events[-1], Finished)


def test_what_was_right_before_is_measured_and_better_wins(parent: Path, tmp_path: Path) -> None:
    val = replace(_painted("val", seed=5))
    events, result = finish(_tune(parent, Samples(KEYS, _painted(), val), tmp_path / "child"))
    assert result.accepted
    assert result.parent_miou == 0.0  # the parent lacks the class
    assert result.candidate_miou is not None
    assert result.candidate_miou > 0.5
    assert any(isinstance(e, Validated) for e in events)


def _source(parent: Path, better: bool) -> Samples:
    """Labels to learn, and held-out ones by which the learner is better, or worse, than its parent."""
    sample = make_sample()
    said = Predictor(TorchEngine.open(parent)).predict(sample.pixels).channels
    learnt, held_out = (sample.labels, sample.labels) if better else ((1 - said).astype(np.uint8), said)
    val = replace(sample, name="val", labels=held_out)
    return Samples(("ground", "sky"), replace(sample, labels=learnt), val)


def test_a_worse_candidate_is_rolled_back(parent: Path, tmp_path: Path) -> None:
    """The labels to learn contradict those it is measured on."""
    recipe = QUICK.with_changes(steps=20, validate_every=20, distill=0.0, balance="none")
    _, result = finish(_tune(parent, _source(parent, better=False), tmp_path / "child", recipe))
    assert not result.accepted
    assert result.checkpoint_path is None
    assert result.parent_miou == pytest.approx(1.0)
    assert result.candidate_miou is not None
    assert result.candidate_miou < 1.0
    assert "worse on 1 held-out image " in result.reason
    assert not list(tmp_path.glob("child*"))


def test_held_out_strokes_are_measured_but_not_learnt(parent: Path, tmp_path: Path) -> None:
    sample = _painted()
    labels, held_out = sample.labels.copy(), np.zeros(sample.labels.shape, bool)
    labels[2:6, 2:40] = 0
    labels[50:54, 2:40] = 2
    held_out[50:54] = True
    source = Samples(KEYS, replace(sample, labels=labels, held_out=held_out, held_out_strokes=1))
    recipe = QUICK.with_changes(steps=10)
    _, result = finish(_tune(parent, source, tmp_path / "child", recipe))
    assert result.parent_miou == 0.0
    assert result.candidate_miou is not None
    assert result.basis == Basis(strokes=1)
    assert "mIoU on 1 held-out stroke (few: label more to trust it)" in result.reason
    assert read_card(tmp_path / "child").figures["held_out_strokes"] == 1


def test_a_figure_that_rests_on_much_is_told_without_a_warning() -> None:
    assert not Basis(images=12).is_few
    assert Basis(images=12).describe("held-out") == "12 held-out images"
    assert [Basis(strokes=count).is_few for count in (1, 4, 5)] == [True, True, False]


def test_a_stop_before_the_first_step_changes_nothing(parent: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.request_stop()
    _, result = finish(_tune(parent, Samples(KEYS, _painted()), tmp_path / "child", cancel=cancel))
    assert not result.accepted
    assert result.steps == 0
    assert not list(tmp_path.glob("child*"))


def test_a_stop_after_some_steps_keeps_what_was_learnt(parent: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    walk = _tune(parent, Samples(KEYS, _painted()), tmp_path / "child", cancel=cancel)
    _, result = finish(walk, lambda e: cancel.request_stop() if isinstance(e, StepDone) else None)
    assert result.accepted
    assert result.steps == 1


def test_a_cancelled_run_leaves_no_checkpoint(parent: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    walk = _tune(parent, Samples(KEYS, _painted()), tmp_path / "child", cancel=cancel)
    with pytest.raises(Cancelled):
        finish(walk, lambda e: cancel.cancel() if isinstance(e, StepDone) else None)
    assert not list(tmp_path.glob("child*"))


def test_an_interrupted_run_is_gone_on_with(parent: Path, tmp_path: Path) -> None:
    recipe = QUICK.with_changes(steps=6, save_every_s=0.0)
    source = Samples(KEYS, _painted())
    walk = _tune(parent, source, tmp_path / "child", recipe, run_folder=tmp_path / "run")
    for event in walk:
        if isinstance(event, StepDone) and event.step == 3:
            break
    walk.close()
    events, result = finish(_tune(parent, source, tmp_path / "child", recipe, run_folder=tmp_path / "run"))
    assert [e for e in events if isinstance(e, Resumed)] == [Resumed(3, 6)]
    assert [e.step for e in events if isinstance(e, StepDone)] == [4, 5, 6]
    assert result.accepted
    once_more, _ = finish(_tune(parent, source, tmp_path / "again", recipe, run_folder=tmp_path / "run"))
    assert sum(isinstance(e, StepDone) for e in once_more) == 6  # a finished run is not gone on with


@pytest.mark.parametrize("better", [True, False])
@pytest.mark.parametrize("stop_at", [3, None])
def test_a_run_broken_off_in_the_comparison_only_compares_again(
    parent: Path, tmp_path: Path, better: bool, stop_at: int | None
) -> None:
    """However it ended, by a stop or by its steps, and however it is judged."""
    source = _source(parent, better)
    recipe = QUICK.with_changes(steps=6, validate_every=6, distill=0.0, balance="none", skip_rate=1e-2)

    def tune(word: str, cancel: CancelToken):  # type: ignore[no-untyped-def]
        run = tmp_path / f"run-{word}"
        return _tune(parent, source, tmp_path / word, recipe, run_folder=run, cancel=cancel)

    def stop(event: object) -> None:
        if isinstance(event, StepDone) and event.step == stop_at:
            cancel.request_stop()

    cancel = CancelToken()
    _, expected = finish(tune("whole", cancel), stop)
    cancel = CancelToken()
    walk = tune("cut", cancel)
    for event in walk:
        stop(event)
        if isinstance(event, Finished):
            break
    next(walk)
    next(walk)  # both networks are measured
    walk.close()
    assert not list(tmp_path.glob("cut*"))
    events, result = finish(tune("cut", CancelToken()))
    assert not any(isinstance(event, StepDone | Validated) for event in events)
    assert (result.accepted, result.steps, result.reason) == (better, stop_at or 6, expected.reason)
    assert (result.parent_miou, result.candidate_miou) == (expected.parent_miou, expected.candidate_miou)
    if better:
        assert read_card(tmp_path / "cut").id == read_card(tmp_path / "whole").id
    assert not (tmp_path / "run-cut" / "state.pt").exists()


def test_a_killed_run_is_gone_on_with(parent: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDLESS, str(parent), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    assert process.stdout is not None
    steps = [int(process.stdout.readline()) for _ in range(4)]  # three of them are stored for sure
    process.kill()
    process.wait(20)
    watchdog.cancel()
    assert steps == [1, 2, 3, 4]
    cancel = CancelToken()
    recipe = QUICK.with_changes(steps=10_000, save_every_s=0.0)
    walk = _tune(parent, Samples(KEYS, _painted()), tmp_path / "child", recipe,
                 run_folder=tmp_path / "run", cancel=cancel)  # fmt: skip
    events, result = finish(walk, lambda e: cancel.request_stop() if isinstance(e, StepDone) else None)
    gone_on = next(e for e in events if isinstance(e, Resumed))
    assert gone_on.step >= 3
    assert result.steps == gone_on.step + 1


def test_a_broken_state_is_told_and_the_next_run_begins_anew(parent: Path, tmp_path: Path) -> None:
    recipe = QUICK.with_changes(steps=3, save_every_s=0.0)
    source, run = Samples(KEYS, _painted()), tmp_path / "run"
    walk = _tune(parent, source, tmp_path / "child", recipe, run_folder=run)
    next(event for event in walk if isinstance(event, StepDone))
    walk.close()
    (run / "state.pt").write_bytes(b"nothing of use")
    with pytest.raises(TrainingError, match="state of the run in run is broken"):
        finish(_tune(parent, source, tmp_path / "child", recipe, run_folder=run))
    events, result = finish(_tune(parent, source, tmp_path / "child", recipe, run_folder=run))
    assert sum(isinstance(e, StepDone) for e in events) == 3
    assert result.accepted


class _Damaged(Samples):
    """Samples of which some cannot be read."""

    def __init__(self, broken: set[str], *samples: Sample) -> None:
        super().__init__(KEYS, *samples)
        self._broken = broken

    def read(self, name: str) -> Sample:
        if name in self._broken:
            raise ImageReadError(f"{name}.png is empty (0 bytes): fetch or save the image again.")
        return super().read(name)


def test_what_cannot_be_read_is_left_out_named_once_and_the_rest_is_learnt(
    parent: Path, tmp_path: Path
) -> None:
    samples = [_painted(name, seed=seed) for seed, name in enumerate(("a", "b", "val1", "val2"))]
    source = _Damaged({"a", "val1"}, *samples)
    recipe = QUICK.with_changes(steps=3, steps_per_image=100)
    events, result = finish(_tune(parent, source, tmp_path / "child", recipe))
    told = [event for event in events if isinstance(event, LeftOut)]
    assert [event.name for event in told] == ["a", "val1"]
    assert told[0].why == "a.png is empty (0 bytes): fetch or save the image again."
    assert (result.accepted, result.basis, result.steps) == (True, Basis(images=1), 3)


def test_where_nothing_held_out_can_be_read_the_network_counts_as_not_measured(
    parent: Path, tmp_path: Path
) -> None:
    source = _Damaged({"val1"}, _painted("a"), _painted("val1", seed=1))
    _, result = finish(_tune(parent, source, tmp_path / "child", QUICK.with_changes(steps=2)))
    assert (result.accepted, result.candidate_miou) == (True, None)
    assert "nothing that is held out can be read" in result.reason


def test_a_run_fails_only_where_nothing_can_be_read(parent: Path, tmp_path: Path) -> None:
    events = []
    walk = _tune(parent, _Damaged({"a", "b"}, _painted("a"), _painted("b")), tmp_path / "child")
    with pytest.raises(TrainingError, match="None of the labelled images can be read"):
        events.extend(walk)
    assert [event.name for event in events if isinstance(event, LeftOut)] == ["a", "b"]


def test_nothing_labelled_is_said(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Nothing is labelled yet"):
        finish(_tune(parent, Samples(KEYS), tmp_path / "child"))


def test_more_images_get_more_steps_up_to_a_limit() -> None:
    assert FINE_TUNE.for_images(1).steps == FINE_TUNE.steps
    assert FINE_TUNE.for_images(3).steps == FINE_TUNE.steps + 2 * FINE_TUNE.steps_per_image
    assert FINE_TUNE.for_images(500).steps == FINE_TUNE.for_images(25).steps
