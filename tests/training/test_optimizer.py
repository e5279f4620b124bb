"""What learns, how fast, and what stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fcn_studio.core.errors import TrainingError
from fcn_studio.models.registry import create_model
from fcn_studio.training.average import Average
from fcn_studio.training.optimizer import make_optimizer, set_training_mode
from fcn_studio.training.schedule import rate_factor, set_rates

from .conftest import TINY, make_network


def _rates(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> set[tuple[float, float]]:
    """(rate, decay) that these parameters have; (0, 0) for those that do not learn."""
    by_id = {
        id(p): (group["peak"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }
    return {by_id.get(id(p), (0.0, 0.0)) for p in parameters}


def test_each_part_has_its_rate_and_biases_have_theirs() -> None:
    model = make_network(2)
    recipe = TINY.with_changes(
        optimizer="sgd", momentum=0.99, head_rate=3.0, skip_rate=2.0, trunk_rate=1.0, bias_rate=2.0,
        weight_decay=0.5,
    )  # fmt: skip
    optimizer = make_optimizer(model, recipe)
    assert isinstance(optimizer, torch.optim.SGD)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.99}
    assert _rates(optimizer, model.trunk_parameters()) == {(1.0, 0.5), (2.0, 0.0)}
    assert _rates(optimizer, model.skip_parameters()) == {(2.0, 0.5), (4.0, 0.0)}
    assert _rates(optimizer, model.head_parameters()) == {(3.0, 0.5), (6.0, 0.0)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


def test_without_a_rate_nothing_of_a_part_learns() -> None:
    model = make_network(2)
    optimizer = make_optimizer(model, TINY.with_changes(trunk_rate=0.0))
    assert _rates(optimizer, model.trunk_parameters()) == {(0.0, 0.0)}
    assert not any(p.requires_grad for p in model.trunk_parameters())
    with pytest.raises(TrainingError, match="trunk_rate"):
        make_optimizer(model, TINY.with_changes(trunk_rate=0.0, head_rate=0.0, skip_rate=0.0))


def test_what_a_network_froze_itself_stays_frozen() -> None:
    model = make_network(2)
    mine = model.head_parameters()[0].requires_grad_(False)
    optimizer = make_optimizer(model, TINY)
    assert not mine.requires_grad
    assert _rates(optimizer, [mine]) == {(0.0, 0.0)}


def test_the_trunk_up_to_a_stride_can_stay_as_it_is() -> None:
    model = make_network(2)
    make_optimizer(model, TINY.with_changes(frozen_stride=8))
    frozen = {name.split(".")[0] for name, p in model.trunk.named_parameters() if not p.requires_grad}
    learning = {name.split(".")[0] for name, p in model.trunk.named_parameters() if p.requires_grad}
    # The map of stride 8 is the expanded input of block 6: the rest of that block comes after it.
    assert frozen == {"conv0", *(f"block{i}" for i in range(7))}
    assert learning == {f"block{i}" for i in range(6, 17)}
    with pytest.raises(TrainingError, match="stride 4, 8, 16"):
        make_optimizer(model, TINY.with_changes(frozen_stride=2))


def _with_norm() -> nn.Module:
    return create_model("fcn8s_mobilenet_v2", 2, score_width=4)


def test_frozen_statistics_stay_frozen_after_train() -> None:
    model = _with_norm()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    set_training_mode(model, TINY.with_changes(norm="frozen"))
    assert model.training
    assert not any(norm.training for norm in norms)
    before = [norm.running_mean.clone() for norm in norms if norm.running_mean is not None]
    model(torch.randn(1, 3, 33, 33))
    assert all(torch.equal(a, b.running_mean) for a, b in zip(before, norms, strict=True))  # type: ignore[arg-type]
    set_training_mode(model, TINY)
    assert all(norm.training for norm in norms)
    norms[0].requires_grad_(False)
    set_training_mode(model, TINY)
    assert [norm.training for norm in norms] == [False] + [True] * (len(norms) - 1)


@torch.no_grad()
def test_the_running_mean_takes_in_weights_and_statistics() -> None:
    model = _with_norm()
    average = Average(model, decay=0.75)  # type: ignore[arg-type]
    start = {name: value.clone() for name, value in model.state_dict().items()}
    for value in model.state_dict().values():
        value += 4
    average.update(model, step=100)
    for name, value in average.model.state_dict().items():
        moved = 1.0 if value.is_floating_point() else 4  # counters are taken as they are
        assert torch.allclose(value, start[name] + moved, atol=1e-5), name
    none = Average(model, decay=0.0)  # type: ignore[arg-type]
    for value in model.state_dict().values():
        value += 4
    none.update(model, step=0)
    assert all(torch.equal(v, model.state_dict()[name]) for name, v in none.model.state_dict().items())


def test_rates_follow_the_schedule() -> None:
    recipe = TINY.with_changes(steps=110, warm_up_steps=10)
    ways = {
        word: [rate_factor(step, recipe.with_changes(schedule=word)) for step in (0, 4, 10, 60, 110)]
        for word in ("cosine", "poly", "constant")
    }
    assert ways["cosine"] == pytest.approx([0.1, 0.5, 1.0, 0.505, 0.01])
    assert ways["poly"] == pytest.approx([0.1, 0.5, 1.0, 0.5**0.9, 0.0])
    assert ways["constant"] == pytest.approx([0.1, 0.5, 1.0, 1.0, 1.0])
    optimizer = make_optimizer(make_network(2), recipe.with_changes(head_rate=2.0))
    set_rates(optimizer, 4, recipe)
    assert {group["lr"] for group in optimizer.param_groups if group["peak"] == 2.0} == {1.0}
