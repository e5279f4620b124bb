"""A run that is closed or cancelled at any event goes on as if it had never been."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, TrainingError
from fcn_studio.models.checkpoint import make_card as make_model_card
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import create_model
from fcn_studio.training.deck import Deck
from fcn_studio.training.events import Paused, Progress, StepDone, TrainEvent, Validated
from fcn_studio.training.fine_tune import fine_tune
from fcn_studio.training.loop import Outcome, Training
from fcn_studio.training.recipe import FINE_TUNE
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.settings import Recipe

from .conftest import TINY, Samples, finish, make_sample

PLAIN = TINY.with_changes(steps=2, validate_every=2, color=0.1, ema_decay=0.9)
IMPATIENT = TINY.with_changes(steps=9, validate_every=1, patience=1, start_counts=False)
QUICK_TO_LEARN = TINY.with_changes(steps=9, validate_every=1, learnt_share=0.5, start_counts=False)


def _restless() -> FcnNetwork:
    """A network with all that a run must remember: BatchNorm statistics and dropout."""
    torch.manual_seed(0)
    network = create_model("fcn8s_mobilenet_v2", 2, score_width=4)
    network.head.score16.look.append(nn.Dropout(0.5))
    return network


MODEL = _restless()


def _validate(model: FcnNetwork, step: int) -> Generator[None, None, Validated]:
    """Falls with every step, and tells one network from another."""
    yield
    yield
    share = float(torch.cat([value.flatten() for value in model.parameters()]).double().sum() % 1.0)
    return Validated(step, (1.0 + share) / (2.0 + step))


def _progress(model: FcnNetwork) -> Generator[None, None, Progress]:
    yield
    return Progress(1.0, 1.0)


def _training(recipe: Recipe, folder: Path) -> Training:
    source = Samples(("ground", "disc"), make_sample("a"), make_sample("b", seed=1))
    deck = Deck(source, source.names("train"), 1000)
    list(deck.prepare())
    card = make_model_card(MODEL, name="tiny", class_keys=("ground", "disc"), class_names=("a", "b"))
    run = RunFolder(folder)
    if not run.has_state:
        run.begin({})
    training = Training(
        MODEL, card, deck, recipe, seed=7, validate=_validate, progress=_progress, run=run
    )  # fmt: skip
    if run.has_state:
        training.resume()
    else:
        training.check_start()
    return training


def _told(events: list[TrainEvent]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, StepDone):
            found.append((event.step, event.loss))
        elif isinstance(event, Validated):
            found.append((event.step, event.miou, event.best))
    return found


def _closed(recipe: Recipe, folder: Path, count: int) -> list[TrainEvent]:
    walk = _training(recipe, folder).run(CancelToken())
    events = [next(walk) for _ in range(count)]
    walk.close()
    return events


def _cancelled(recipe: Recipe, folder: Path, count: int) -> list[TrainEvent]:
    cancel = CancelToken()
    events: list[TrainEvent] = []
    walk = _training(recipe, folder).run(cancel)

    def listen(event: TrainEvent) -> None:
        events.append(event)
        if len(events) == count:
            cancel.cancel()

    with pytest.raises(Cancelled):
        finish(walk, listen)
    return events


def _assert_same(found: Outcome, expected: Outcome) -> None:
    assert (found.reason, found.steps, found.best_miou) == (
        expected.reason, expected.steps, expected.best_miou,
    )  # fmt: skip
    weights = expected.model.state_dict()
    assert any("running_mean" in name for name in weights)
    assert all(torch.equal(value, weights[name]) for name, value in found.model.state_dict().items())


def _assert_same_state(folder: Path, whole: Path) -> None:
    states = [RunFolder(path).load_state() for path in (folder, whole)]
    assert torch.equal(states[0]["random"], states[1]["random"])
    for key in ("model", "average"):
        assert all(torch.equal(value, states[1][key][name]) for name, value in states[0][key].items())


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [(PLAIN, "all steps"), (IMPATIENT, "no longer better"), (QUICK_TO_LEARN, "learnt")],
)
def test_closed_at_any_event_it_ends_as_if_it_had_not_been(
    recipe: Recipe, reason: str, tmp_path: Path
) -> None:
    """Weights, losses, validations made, the best one, the reason: all the same, nothing twice."""
    whole, expected = finish(_training(recipe, tmp_path / "whole").run(CancelToken()))
    assert expected.reason == reason
    assert sum(isinstance(event, Paused) for event in whole) > 4  # in steps and in looks
    for count in range(1, len(whole) + 1):
        folder = tmp_path / f"closed-{count}"
        before = _closed(recipe, folder, count)
        torch.rand(5)  # the world goes on meanwhile
        after, found = finish(_training(recipe, folder).run(CancelToken()))
        assert _told(before + after) == _told(whole), count
        _assert_same(found, expected)
        _assert_same_state(folder, tmp_path / "whole")


def test_cancelled_at_any_event_it_goes_on_exactly(tmp_path: Path) -> None:
    whole, expected = finish(_training(PLAIN, tmp_path / "whole").run(CancelToken()))
    for count in range(1, len(whole)):
        folder = tmp_path / f"cancelled-{count}"
        before = _cancelled(PLAIN, folder, count)
        after, found = finish(_training(PLAIN, folder).run(CancelToken()))
        assert _told(before + after) == _told(whole), count
        _assert_same(found, expected)
        _assert_same_state(folder, tmp_path / "whole")


def test_a_run_that_was_asked_to_stop_goes_on_where_that_is_wanted(tmp_path: Path) -> None:
    def run(cancel: CancelToken, **how: bool) -> Outcome:
        training = _training(PLAIN, tmp_path)
        if training.step:
            training.resume(**how)
        walk = training.run(cancel)
        outcome: Outcome = finish(
            walk, lambda event: cancel.request_stop() if isinstance(event, StepDone) else None
        )[1]
        return outcome

    stopped = run(CancelToken())
    assert (stopped.steps, stopped.reason) == (1, "stopped")
    again = run(CancelToken(), after_stop=False)
    assert (again.reason, again.best_miou) == ("stopped", stopped.best_miou)
    _assert_same(again, stopped)
    assert run(CancelToken()).steps == 2


def test_a_fine_tuning_that_was_stopped_before_its_first_step_or_failed_is_over(
    parent: Path, tmp_path: Path
) -> None:
    """Gone on with, it would change nothing once more, or fail at the same step."""
    source, run, cancel = Samples(("ground", "sky"), make_sample()), tmp_path / "run", CancelToken()
    wild = FINE_TUNE.with_changes(
        crop_px=81, save_every_s=0.0, head_rate=1e30, trunk_rate=1e30, skip_rate=1e30
    )  # fmt: skip
    how: dict[str, Any] = {"recipe": wild, "device": "cpu", "run_folder": run}
    cancel.request_stop()
    finish(fine_tune(parent, source, tmp_path / "child", cancel=cancel, **how))
    assert not (run / "state.pt").exists()
    with pytest.raises(TrainingError, match="no longer a number"):
        finish(fine_tune(parent, source, tmp_path / "child", cancel=CancelToken(), **how))
    assert not (run / "state.pt").exists()
