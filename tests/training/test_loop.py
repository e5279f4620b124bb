"""The loop: exact resume, own random numbers, clean ends, the best network kept."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, TrainingError
from fcn_studio.models.checkpoint import make_card as make_model_card
from fcn_studio.models.checkpoint import round_trip
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import create_model
from fcn_studio.training.deck import Deck
from fcn_studio.training.events import Finished, StepDone, Validated
from fcn_studio.training.loop import Training
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.settings import Recipe

from .conftest import TINY, Samples, finish, make_network, make_sample


def _training(recipe: Recipe = TINY, **more) -> Training:  # type: ignore[no-untyped-def]
    source = Samples(("ground", "disc"), make_sample("a"), make_sample("b", seed=1))
    deck = Deck(source, source.names("train"), 1000)
    list(deck.prepare())
    model = more.pop("model", None) or make_network(2)
    card = make_model_card(model, name="tiny", class_keys=("ground", "disc"), class_names=("a", "b"))
    return Training(model, card, deck, recipe, seed=7, **more)


def _restless() -> FcnNetwork:
    """A network with all that a run must remember: BatchNorm statistics and dropout."""
    network = create_model("fcn8s_mobilenet_v2", 2, score_width=4)
    network.head.score16.look.append(nn.Dropout(0.5))
    return network


def _run_folder(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.begin({})
    return run


def test_a_run_that_was_interrupted_goes_on_exactly(tmp_path: Path) -> None:
    _, whole = finish(_training().run(CancelToken()))
    cancel = CancelToken()

    def cancel_after_two(event: object) -> None:
        if isinstance(event, StepDone) and event.step == 2:
            cancel.cancel()

    run = _run_folder(tmp_path / "run")
    with pytest.raises(Cancelled):
        finish(_training(run=run).run(cancel), cancel_after_two)
    torch.rand(5)  # the world goes on meanwhile
    again = _training(run=run)
    again.resume()
    events, resumed = finish(again.run(CancelToken()))
    assert [e.step for e in events if isinstance(e, StepDone)] == [3, 4]
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())


def test_statistics_dropout_and_changes_of_light_are_gone_on_with_exactly(tmp_path: Path) -> None:
    recipe = TINY.with_changes(
        optimizer="sgd", schedule="poly", gamma=0.3, temperature=0.1, blur=0.5, noise=0.02, paste=0.5,
        lovasz=0.5, hard_share=0.5, whole_share_end=0.5, ema_decay=0.9,
    )  # fmt: skip
    torch.manual_seed(0)
    model = _restless()
    _, whole = finish(_training(recipe, model=model).run(CancelToken()))
    run = _run_folder(tmp_path / "run")
    walk = _training(recipe, model=model, run=run).run(CancelToken())
    next(event for event in walk if isinstance(event, StepDone) and event.step == 2)
    walk.close()
    torch.rand(5)
    again = _training(recipe, model=model, run=run)
    again.resume()
    _, resumed = finish(again.run(CancelToken()))
    expected = whole.model.state_dict()
    assert any("running_mean" in name for name in expected)
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())
    assert not all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_bfloat16_is_for_the_network_and_the_loss_stays_float32() -> None:
    """Nearly the same losses as in float32, and weights that are still float32."""
    seen: list[torch.dtype] = []

    def look(_layer: nn.Module, _given: object, scores: torch.Tensor) -> None:
        seen.append(scores.dtype)

    losses = []
    for precision in ("float32", "bfloat16"):
        training = _training(TINY.with_changes(precision=precision))
        training._model.head.project.register_forward_hook(look)
        events, outcome = finish(training.run(CancelToken()))
        losses.append([event.loss for event in events if isinstance(event, StepDone)])
        assert {value.dtype for value in outcome.model.state_dict().values()} == {torch.float32}
    assert set(seen[: len(seen) // 2]) == {torch.float32}
    assert set(seen[len(seen) // 2 :]) == {torch.bfloat16}
    assert losses[0] == pytest.approx(losses[1], rel=0.03)
    assert losses[0] != losses[1]


@pytest.mark.parametrize(("able", "dtype"), [({}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16)])
def test_auto_precision_is_bfloat16_only_on_a_device_made_for_it(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    seen: list[torch.dtype] = []
    training = _training(TINY.with_changes(precision="auto", steps=1))
    training._model.head.project.register_forward_hook(lambda _layer, _given, out: seen.append(out.dtype))
    finish(training.run(CancelToken()))
    assert set(seen) == {dtype}


def test_a_summed_loss_is_the_mean_times_the_labelled_pixels() -> None:
    recipe = TINY.with_changes(crop_px=0, batch=1, steps=1, color=0.0, flip=0.0, focus=1.0)
    found = [
        finish(_training(recipe.with_changes(reduction=word)).run(CancelToken()))[0][0].loss
        for word in ("mean", "sum")
    ]
    assert found[1] == pytest.approx(found[0] * 64 * 80, rel=1e-4)


def test_the_lovasz_loss_comes_on_top() -> None:
    plain, more = (
        finish(_training(TINY.with_changes(steps=1, crops_at_once=2, lovasz=weight)).run(CancelToken()))[0][
            0
        ].loss
        for weight in (0.0, 1.0)
    )
    assert 0.05 < more - plain <= 1.0


@pytest.mark.parametrize("architecture", ["fcn8s_mobilenet_v2", "fcn8s_resnet18+fcn8s_mobilenet_v2"])
def test_what_the_weights_of_the_classes_taught_is_taken_back_in_the_end(architecture: str) -> None:
    """Each score is lower by that share of the logarithm of its class's weight, everywhere, and no other."""
    torch.manual_seed(0)
    network = create_model(architecture, 2, score_width=4).eval()
    recipe = TINY.with_changes(steps=2, balance="log", start_weighed=True)
    trainings = [_training(recipe.with_changes(weights_back=share), model=network) for share in (0.0, 0.75)]
    results = [finish(training.run(CancelToken()))[1].model for training in trainings]
    x = torch.rand(1, 3, 97, 97)
    with torch.inference_mode():
        plain, lowered = (model(x) for model in results)
    by = 0.75 * trainings[0]._weights.log()
    assert by.max() - by.min() > 0.1
    # to what float16 holds of a bias: the networks are rounded as a file holds them
    assert torch.allclose(plain - lowered, by.view(1, -1, 1, 1).expand_as(plain), atol=2e-3)


def test_a_brief_run_takes_nothing_from_its_start_that_it_did_not_put_on() -> None:
    """So a network whose weights were taken back, trained on for a moment, does not lose that share twice."""
    recipe = TINY.with_changes(steps=1, balance="log", weights_back=0.75)
    recipe = recipe.with_changes(head_rate=1e-12, skip_rate=1e-12, trunk_rate=0.0)
    start = round_trip(make_network(2))
    _, outcome = finish(_training(recipe, model=start).run(CancelToken()))
    x = torch.rand(1, 3, 65, 65)
    with torch.inference_mode():
        assert torch.allclose(outcome.model(x), start(x), atol=2e-3)  # a bias in float16 and back


def test_a_run_begun_before_a_number_was_added_can_be_gone_on_with(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.begin({"recipe": {"name": "tiny", "steps": 4}, "seed": 1})
    known = {"name": "tiny", "steps": 4, "lovasz": 0.0}
    run.require_same({"recipe": known, "seed": 1}, {"recipe": {"lovasz": 0.0, "batch": 8}})
    with pytest.raises(TrainingError, match=r"another recipe \(lovasz\)"):
        run.require_same({"recipe": known | {"lovasz": 0.5}, "seed": 1}, {"recipe": {"lovasz": 0.0}})


def test_closing_the_generator_stores_the_state(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    walk = _training(run=run).run(CancelToken())
    next(event for event in walk if isinstance(event, StepDone))
    walk.close()
    assert run.load_state()["_step"] == 1


def test_global_random_numbers_and_the_given_network_stay_as_they_are() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    states = []
    training = _training()
    torch.manual_seed(3)
    finish(training.run(CancelToken()), lambda _: states.append(torch.get_rng_state()))
    assert all(torch.equal(state, states[0]) for state in states)
    assert torch.equal(torch.rand(4), expected)
    assert torch.is_grad_enabled()


def test_between_two_events_no_context_is_open() -> None:
    def look(_event: object) -> None:
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()

    finish(_training(validate=_scores([0.5, 0.6])).run(CancelToken()), look)


def test_the_loss_falls() -> None:
    recipe = replace(TINY, steps=25, head_rate=1e-3, trunk_rate=1e-4, skip_rate=1e-3, validate_every=100)
    events, outcome = finish(_training(recipe).run(CancelToken()))
    losses = [event.loss for event in events if isinstance(event, StepDone)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert isinstance(events[-1], Finished)
    assert outcome.reason == "all steps"
    assert all(e.seconds_left >= 0 for e in events if isinstance(e, StepDone))


def _scores(values: list[float]):  # type: ignore[no-untyped-def]
    """A validation that says these figures one after the other."""
    left = iter(values)

    def validate(model: FcnNetwork, step: int) -> Generator[None, None, Validated]:
        assert not model.training
        yield
        return Validated(step, next(left))

    return validate


def test_the_best_validated_network_is_kept() -> None:
    recipe = replace(TINY, steps=6)
    one = finish(
        _training(replace(recipe, validate_every=4), validate=_scores([0.9, 0.1])).run(CancelToken())
    )
    two = finish(
        _training(replace(recipe, validate_every=4), validate=_scores([0.1, 0.9])).run(CancelToken())
    )
    assert one[1].best_miou == two[1].best_miou == 0.9
    assert [e.best for e in one[0] if isinstance(e, Validated)] == [True, False]
    name = "head.score.weight"
    assert not torch.equal(one[1].model.state_dict()[name], two[1].model.state_dict()[name])


def test_what_is_measured_is_what_a_file_will_hold() -> None:
    def look(model: FcnNetwork, step: int) -> Generator[None, None, Validated]:
        assert all(torch.equal(p, p.half().float()) for p in model.parameters())
        yield
        return Validated(step, 0.5)

    _, outcome = finish(_training(validate=look).run(CancelToken()))
    assert all(torch.equal(p, p.half().float()) for p in outcome.model.parameters())
    assert outcome.best_miou == 0.5


def test_a_stop_keeps_the_best_so_far() -> None:
    cancel = CancelToken()
    _, outcome = finish(
        _training(replace(TINY, steps=50), validate=_scores([0.4] * 50)).run(cancel),
        lambda event: cancel.request_stop() if isinstance(event, Validated) else None,
    )
    assert outcome.reason == "stopped"
    assert outcome.steps == 2
    assert outcome.best_miou == 0.4


def test_patience_ends_a_run_that_gets_no_better() -> None:
    recipe = replace(TINY, steps=50, patience=2)
    _, outcome = finish(_training(recipe, validate=_scores([0.5, 0.4, 0.3, 0.9])).run(CancelToken()))
    assert outcome.reason == "no longer better"
    assert outcome.steps == 6


def test_a_loss_that_is_no_number_is_an_error_and_not_stored(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    recipe = replace(TINY, steps=40, head_rate=1e30, trunk_rate=1e30, skip_rate=1e30, clip_norm=1e30)
    with pytest.raises(TrainingError, match="no longer a number"):
        finish(_training(recipe, run=run).run(CancelToken()))
    assert not run.has_state


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_batch_has_one_loss_however_it_is_cut(at_once: int) -> None:
    whole = finish(_training(replace(TINY, batch=3, crops_at_once=3)).run(CancelToken()))[0]
    parts = finish(_training(replace(TINY, batch=3, crops_at_once=at_once)).run(CancelToken()))[0]
    first = [next(e.loss for e in events if isinstance(e, StepDone)) for events in (whole, parts)]
    assert first[1] == pytest.approx(first[0], rel=1e-4)


def test_a_broken_state_is_said(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    with pytest.raises(TrainingError, match="no stored state"):
        _training(run=run).resume()
    (tmp_path / "state.pt").write_bytes(b"rubbish")
    with pytest.raises(TrainingError, match="is broken"):
        _training(run=run).resume()
    run.save_state({"model": {}})
    with pytest.raises(TrainingError, match="another network"):
        _training(run=run).resume()
    run.begin({"seed": 1})
    with pytest.raises(TrainingError, match="another seed"):
        run.require_same({"seed": 2})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_it_trains_on_cuda() -> None:
    _, outcome = finish(_training(device="cuda").run(CancelToken()))
    assert outcome.steps == 4
