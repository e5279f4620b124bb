"""Recipes: numbers that can be, words of a command line, epochs and stages, the registry."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fcn_studio.core.errors import UsageError
from fcn_studio.training.recipe import MODERN, parse_changes, recipe, recipes, register
from fcn_studio.training.settings import Recipe


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"flip": 2.0}, "flip is 2.0: use a number from 0 to 1"),
        ({"optimizer": "adam"}, "adamw, sgd"),
        ({"precision": "float16"}, "auto, float32, bfloat16"),
        ({"hard_share": 0.0}, "hard_share"),
        ({"steps": 0}, "at least 1"),
        ({"head_rate": -1.0}, "head_rate is -1.0: use a number of at least 0"),
        ({"scale_range": (2.0, 0.5)}, "scale_range"),
        ({"scale_range": (0.5, math.inf)}, "scale_range"),
        ({"distill_scales": ()}, "distill_scales"),
        ({"distill_scales": (1.0, 0.0)}, "distill_scales"),
        ({"distill_scales": (math.nan,)}, "distill_scales"),
        ({"distill_flips": 0}, "distill_flips is 0: use 1, or 2"),
        ({"distill_confidence": math.nan}, "distill_confidence is nan: use a number from 0 to 1"),
        ({"distill_sharpness": -1.0}, "distill_sharpness"),
        ({"distill_clear_px": -1}, "distill_clear_px"),
        ({"learnt_share": math.nan}, "learnt_share"),
        ({"kept_share": 2.0}, "kept_share"),
        ({"tie": -0.1}, "tie"),
        ({"replay": 1.0}, "replay is 1: use less"),
        ({"frozen_stride": -8}, "frozen_stride"),
        ({"save_every_s": math.nan}, "save_every_s is nan: use a number of at least 0"),
        ({"steps_per_image": -5}, "steps_per_image"),
    ],
)
def test_impossible_numbers_are_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        MODERN.with_changes(**changes)


def test_words_become_numbers_of_their_kind() -> None:
    words = ("crop_px=353", "scale_range=[0.5, 2]", "balance=none", "trunk_rate=1e-3", "start_counts=false")
    assert parse_changes(words) == {
        "crop_px": 353, "scale_range": (0.5, 2.0), "balance": "none", "trunk_rate": 1e-3,
        "start_counts": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "word", ["crop=3", "balance=false", "steps=1.5", "flip=x", "scale_range=3", "name=x", "title=x", "flip"]
)
def test_wrong_words_are_said(word: str) -> None:
    with pytest.raises(UsageError, match=word.partition("=")[0]):
        parse_changes((word,))


def test_epochs_are_as_many_crops_as_images() -> None:
    plan = Recipe(name="x", steps=1, batch=8)
    assert plan.for_epochs(150, 367).steps == 6882
    assert plan.for_epochs(0.001, 5).steps == 1
    for epochs in (math.nan, math.inf):
        with pytest.raises(UsageError, match="epochs is"):
            plan.for_epochs(epochs, 5)


def test_a_name_is_registered_once_and_the_nearest_is_told() -> None:
    with pytest.raises(ValueError, match="modern"):
        register(MODERN)
    with pytest.raises(UsageError, match="nearest is 'modern'"):
        recipe("moderm")
    assert recipe("modern") is MODERN


def test_every_recipe_can_be_shown_to_people() -> None:
    names = [entry.name for entry in recipes()]
    assert names == sorted(names)
    for entry in recipes():
        assert entry.title
        assert entry.description.endswith(".")
        assert len(entry.description) < 130


def test_the_paper_s_numbers_are_the_paper_s() -> None:
    """fcn-reference 2.1 and 2.2."""
    paper, heavy = recipe("paper"), recipe("paper-heavy")
    for entry in (paper, heavy):
        assert (entry.optimizer, entry.schedule, entry.bias_rate) == ("sgd", "constant", 2.0)
        assert (entry.weight_decay, entry.crop_px, entry.balance) == (5e-4, 0, "none")
        assert (entry.flip, entry.color, entry.focus, entry.clip_norm, entry.ema_decay) == (0, 0, 0, 0, 0)
        assert entry.trunk_rate == entry.head_rate == entry.skip_rate
        assert entry.warm_up_steps == 0
        assert entry.source
    assert (paper.batch, paper.momentum, paper.reduction, paper.head_rate) == (20, 0.9, "mean", 1e-4)
    assert (heavy.batch, heavy.momentum, heavy.reduction, heavy.head_rate) == (1, 0.99, "sum", 1e-10)
