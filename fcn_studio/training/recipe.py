"""The recipes by name, and recipes from words of a command line; free of torch."""

from __future__ import annotations

import difflib
import json
from dataclasses import fields
from typing import Any

from fcn_studio.core.errors import UsageError
from fcn_studio.training.settings import CHOICES, WORDS, Recipe

__all__ = [
    "FINE_TUNE",
    "MODERN",
    "PAPER",
    "PAPER_HEAVY",
    "Recipe",
    "parse_changes",
    "recipe",
    "recipes",
    "register",
]

_recipes: dict[str, Recipe] = {}


def register(recipe: Recipe) -> Recipe:
    """Add a recipe under its name. Raises ValueError for a name in use."""
    if recipe.name in _recipes:
        raise ValueError(f"the recipe {recipe.name!r} is registered already")
    _recipes[recipe.name] = recipe
    return recipe


def recipe(name: str) -> Recipe:
    """The recipe of this name. Raises UsageError and says the nearest known one."""
    if name not in _recipes:
        near = difflib.get_close_matches(name, _recipes, n=1, cutoff=0.0)[0]
        raise UsageError(f"There is no recipe {name!r}: the nearest is {near!r}.")
    return _recipes[name]


def recipes() -> tuple[Recipe, ...]:
    """All registered recipes by name; ``title`` and ``description`` are for people."""
    return tuple(_recipes[name] for name in sorted(_recipes))


def parse_changes(words: tuple[str, ...]) -> dict[str, Any]:
    """["crop_px=353", "scale_range=[0.5,2]"] to values of a Recipe's types. Raises UsageError."""
    types = {
        field.name: type(getattr(MODERN, field.name))
        for field in fields(Recipe)
        if field.name not in ("name", *WORDS)
    }
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in types:
            near = difflib.get_close_matches(name, types, n=1, cutoff=0.6)
            cure = f"the nearest is {near[0]!r}" if near else f"use one of {', '.join(sorted(types))}"
            raise UsageError(f"The recipe has no number {name!r}: {cure}.")
        found[name] = _parse(types[name], name, text)
    return found


def _parse(wanted: type, name: str, text: str) -> Any:
    """One number; text only where it is one of the choices. Raises UsageError."""
    if name in CHOICES:
        if text not in CHOICES[name]:
            raise UsageError(f"{name} is {text!r}: use one of {', '.join(CHOICES[name])}.")
        return text
    try:
        value = json.loads(text)
        if wanted is tuple:
            return tuple(map(float, value))
        if wanted is int and value != int(value):
            raise ValueError(text)
        return wanted(value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{name}={text} is no number of a recipe: write for example crop_px=353.") from None


# Chosen on CamVid's validation split; figures and the learning curve: docs/benchmarks.md.
MODERN = register(
    Recipe(
        name="modern",
        title="Modern",
        description="AdamW, varied crops and light, rare classes weighted, a mean of the last weights kept.",
        steps=2000,
        batch=4,
        crops_at_once=4,
        crop_px=449,
        whole_share_end=0.1,
        scale_range=(0.5, 1.6),
        paste=0.5,
        color=0.4,
        gamma=0.8,
        temperature=0.15,
        blur=0.2,
        noise=0.04,
        trunk_rate=3e-4,
        head_rate=1.5e-3,
        skip_rate=1.5e-3,
        weight_decay=0.01,
        schedule="poly",
        warm_up_steps=100,
        precision="auto",
        balance="log",
        weights_back=0.75,
        lovasz=1.0,
        patience=8,
    )
)

_PAPER = Recipe(
    name="paper",
    title="As in the paper",
    description="Stochastic gradient descent on 20 whole images at once at one rate, without any variation.",
    source=(
        "Long, Shelhamer, Darrell, CVPR 2015, section 4.3: batch 20, momentum 0.9, rate 1e-4 for FCN-VGG16, "
        "decay 5e-4, doubled rate for biases, at least 175 epochs; normalised loss and no decay of biases as "
        "in the released voc-fcn-alexnet solver."
    ),
    steps=10_000,
    batch=20,
    crops_at_once=1,
    crop_px=0,
    scale_range=(1.0, 1.0),
    flip=0.0,
    focus=0.0,
    color=0.0,
    optimizer="sgd",
    momentum=0.9,
    skip_rate=1e-4,
    head_rate=1e-4,
    trunk_rate=1e-4,
    bias_rate=2.0,
    weight_decay=5e-4,
    schedule="constant",
    warm_up_steps=0,
    clip_norm=0.0,
    ema_decay=0.0,
    norm="frozen",
    balance="none",
    validate_every=500,
)
PAPER = register(_PAPER)
PAPER_HEAVY = register(
    _PAPER.with_changes(
        name="paper-heavy",
        title="As in the released networks",
        description="One whole image a step, loss summed over its pixels, momentum 0.99, a rate of 1e-10.",
        source=(
            "Shelhamer, Long, Darrell, TPAMI 2017, and the released voc-fcn32s solver: batch 1, momentum "
            "0.99, normalize false, rate 1e-10 (a hundredth of it for 16s, again for 8s), decay 5e-4, "
            "100000 steps."
        ),
        steps=100_000,
        batch=1,
        momentum=0.99,
        skip_rate=1e-10,
        head_rate=1e-10,
        trunk_rate=1e-10,
        reduction="sum",
        validate_every=4000,
    )
)

# Chosen on a photograph with an unknown class painted on it; figures: docs/benchmarks.md.
FINE_TUNE = register(
    Recipe(
        name="fine_tune",
        title="Fine-tune",
        description="A minute on a few labelled images, keeping what the network knew of everything else.",
        steps=60,
        steps_per_image=15,
        batch=1,
        crops_at_once=1,
        crop_px=513,
        skip_rate=3e-3,
        head_rate=5e-4,
        trunk_rate=1e-4,
        warm_up_steps=5,
        ema_decay=0.9,
        norm="frozen",
        precision="auto",
        scale_range=(0.85, 1.18),
        color=0.05,
        focus=0.7,
        replay=0.3,
        anywhere=0.3,
        distill=2.0,
        distill_confidence=0.0,
        distill_sharpness=5.0,
        distill_clear_px=32,
        validate_every=10,
        validate_images=12,
        tie=0.02,
        learnt_share=0.97,
        kept_share=0.93,
    )
)
