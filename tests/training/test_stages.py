"""Staged training: each network starts as the one before it, at a hundredth of its rates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, CheckpointError, TrainingError, UsageError
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.spec import read_card
from fcn_studio.training.events import StageBegun, StepDone
from fcn_studio.training.recipe import recipe
from fcn_studio.training.stages import grow_start, stage_names, stage_path, train_stages
from fcn_studio.training.start import make_start

from .conftest import TINY, Samples, finish, make_sample

SOURCE = Samples(("ground", "disc"), make_sample("a"), make_sample("val", seed=1))
NAMES = ("fcn16s_mobilenet_v2", "fcn8s_mobilenet_v2")
QUICK = TINY.with_changes(steps=2, batch=1, validate_every=2)


def _run(folder: Path, each=None, numbers=QUICK, **more):  # type: ignore[no-untyped-def]
    start = make_start(NAMES[0], SOURCE)
    cancel = CancelToken()
    walk = train_stages(
        start, SOURCE, folder / "out.safetensors", numbers, names=NAMES, device="cpu", cancel=cancel, **more
    )
    return finish(walk, (lambda event: each(event, cancel)) if each else None)


def test_the_stages_lead_from_the_coarsest_head() -> None:
    assert stage_names("fcn8s_vgg16") == ("fcn32s_vgg16", "fcn16s_vgg16", "fcn8s_vgg16")
    assert stage_names("fcn8s_mobilenet_v2") == NAMES  # its trunk ends at stride 16
    for name in ("fcn32s_vgg16", "fcn8s_vgg16+fcn8s_resnet18", "lraspp", "fcn8s_atonce_vgg16"):
        with pytest.raises(UsageError, match="cannot be trained in stages"):
            stage_names(name)


def test_rates_fall_to_a_hundredth_with_every_stage() -> None:
    heavy = recipe("paper-heavy")
    assert [heavy.for_stage(stage).trunk_rate for stage in range(3)] == pytest.approx([1e-10, 1e-12, 1e-14])
    assert heavy.for_stage(1).head_rate == pytest.approx(1e-12)
    assert heavy.for_stage(1).skip_rate == pytest.approx(1e-12)


def test_each_network_starts_as_the_one_before_it(tmp_path: Path) -> None:
    events, outcome = _run(tmp_path)
    assert [(e.architecture, e.number, e.count) for e in events if isinstance(e, StageBegun)] == [
        (NAMES[0], 1, 2), (NAMES[1], 2, 2),
    ]  # fmt: skip
    assert sum(isinstance(e, StepDone) for e in events) == 4
    assert outcome.model.name == NAMES[1]
    first = stage_path(tmp_path / "out.safetensors", NAMES[0])
    assert first.name == "out-fcn16s.safetensors"
    coarse, card = load_checkpoint(first)
    grown = grow_start(first, SOURCE)
    assert grown.spec.architecture == NAMES[1]
    assert grown.spec.stride == 8
    assert grown.spec.parent == card.id
    x = torch.randn(1, 3, 65, 81)
    with torch.no_grad():
        assert torch.allclose(grown.model(x), coarse(x), atol=1e-5)
        assert float(coarse(x).std()) > 0  # it has learnt something to start from
    assert all(p.requires_grad for p in grown.model.parameters())
    assert read_card(tmp_path / "out.safetensors").parent == card.id


def test_what_the_weights_of_the_classes_taught_is_taken_back_once_over_all_stages(tmp_path: Path) -> None:
    plain, lowered = tmp_path / "plain", tmp_path / "lowered"
    numbers = QUICK.with_changes(balance="log", start_counts=False, start_weighed=True)
    _run(plain, numbers=numbers)
    _run(lowered, numbers=numbers.with_changes(weights_back=0.75))
    x = torch.randn(1, 3, 65, 81)
    apart = []
    for name in ("out-fcn16s.safetensors", "out.safetensors"):
        with torch.no_grad():
            scores = [load_checkpoint(folder / name)[0](x) for folder in (plain, lowered)]
        apart.append(float((scores[0] - scores[1]).abs().max()))
    assert apart[0] > 0.05
    assert apart[1] == pytest.approx(apart[0], rel=0.1)


def test_an_interrupted_stage_is_gone_on_with_and_a_finished_one_kept(tmp_path: Path) -> None:
    _run(tmp_path / "whole", run_folder=tmp_path / "whole" / "run")
    steps: list[int] = []

    class Enough(Exception):
        pass

    def break_off(event: object, _cancel: CancelToken) -> None:
        if isinstance(event, StepDone):
            steps.append(event.step)
            if len(steps) == 3:  # the first step of the second stage
                raise Enough

    with pytest.raises(Enough):
        _run(tmp_path / "cut", break_off, run_folder=tmp_path / "cut" / "run")
    events, _ = _run(tmp_path / "cut", run_folder=tmp_path / "cut" / "run", resume=True)
    assert [e.step for e in events if isinstance(e, StepDone)] == [2]
    ids = [read_card(tmp_path / word / "out.safetensors").id for word in ("whole", "cut")]
    assert ids[0] == ids[1]


def test_a_stage_that_stored_no_state_yet_begins_anew_from_the_one_before_it(tmp_path: Path) -> None:
    """Killed in its first minute: its config is there, nothing else."""
    _run(tmp_path / "whole", run_folder=tmp_path / "whole" / "run")
    _run(tmp_path / "cut", run_folder=tmp_path / "cut" / "run")
    cut = tmp_path / "cut"
    (cut / "run" / NAMES[1] / "state.pt").unlink()
    (cut / "out.safetensors").unlink()
    events, _ = _run(cut, run_folder=cut / "run", resume=True)
    assert [e.step for e in events if isinstance(e, StepDone)] == [1, 2]  # of the second stage alone
    ids = [read_card(tmp_path / word / "out.safetensors").id for word in ("whole", "cut")]
    assert ids[0] == ids[1]
    (cut / "run" / NAMES[1] / "state.pt").unlink()
    with pytest.raises(TrainingError, match="another recipe"):  # still only as it was begun
        _run(cut, run_folder=cut / "run", resume=True, numbers=QUICK.with_changes(steps=3))


def test_a_stage_that_cannot_be_built_is_refused_before_the_first_begins(tmp_path: Path) -> None:
    names = stage_names("fcn8s_alexnet")
    start = make_start(names[0], SOURCE, options={"padding": "paper", "fc_channels": 8})
    walk = train_stages(start, SOURCE, tmp_path / "out", QUICK, names=names, cancel=CancelToken())
    with pytest.raises(CheckpointError, match="no fcn16s_alexnet with padding='paper'"):
        next(walk)


def test_a_stop_leaves_the_network_of_its_stage(tmp_path: Path) -> None:
    def stop(event: object, cancel: CancelToken) -> None:
        if isinstance(event, StepDone):
            cancel.request_stop()

    _, outcome = _run(tmp_path, stop)
    assert outcome.reason == "stopped"
    card = read_card(tmp_path / "out.safetensors")
    assert (card.architecture, card.name) == (NAMES[0], "out")


def test_a_stop_while_a_later_stage_reads_leaves_the_network_before_it(tmp_path: Path) -> None:
    def stop(event: object, cancel: CancelToken) -> None:
        if isinstance(event, StageBegun) and event.number == 2:
            cancel.request_stop()

    with pytest.raises(Cancelled):
        _run(tmp_path, stop)
    first = read_card(stage_path(tmp_path / "out.safetensors", NAMES[0]))
    assert read_card(tmp_path / "out.safetensors").id == first.id
    _run(tmp_path, numbers=QUICK.with_changes(steps=3))
    finished = read_card(tmp_path / "out.safetensors").id
    with pytest.raises(Cancelled):
        _run(tmp_path, stop)
    assert read_card(tmp_path / "out.safetensors").id == finished  # never replaces what is there
