"""Recipes: all numbers of a training run in one frozen value, registered by name."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fcn_studio.core.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """What a run does. Rates are AdamW's; shares and probabilities lie between 0 and 1."""

    name: str
    steps: int
    steps_per_image: int = 0
    """So many steps more for every image after the first, up to 25 images."""
    batch: int = 8
    """Crops that make one update."""
    crops_at_once: int = 8
    """Crops that go through the network together; a batch larger than this is accumulated."""
    crop_px: int = 321
    """Side of a crop: of the form 16 k + 1, where the score cells fit exactly."""
    skip_rate: float = 5e-4
    head_rate: float = 5e-5
    trunk_rate: float = 1e-5
    warm_up_steps: int = 20
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    ema_decay: float = 0.998
    scale_range: tuple[float, float] = (0.6, 1.6)
    flip: float = 0.5
    color: float = 0.25
    """Strength of random brightness, contrast and saturation; hue gets a tenth."""
    focus: float = 0.5
    """Share of crops drawn round a pixel of a class that is picked evenly; the rest: any labelled pixel."""
    replay: float = 0.0
    """Share of crops drawn from images without labels, where there are any, so that old knowledge stays."""
    anywhere: float = 0.0
    """Share of crops drawn anywhere at all, for distillation where nothing is labelled."""
    balance: bool = True
    """Weigh classes by the square root of their inverse frequency, within 0.5 and 5."""
    distill: float = 0.0
    """Weight of the divergence from the teacher (or the start model)."""
    distill_confidence: float = 0.9
    """Only cells where the teacher is surer than this are distilled."""
    distill_scales: tuple[float, ...] = (1.0,)
    """Sizes at which the teacher looks at a picture; its answers are averaged."""
    distill_flips: int = 1
    """2: the teacher looks at the mirrored picture, too."""
    distill_sharpness: float = 1.0
    """The teacher's scores are multiplied by this: above 1 its choice counts more than its doubts."""
    distill_clear_px: int = 0
    """Nothing is distilled so near to a labelled pixel that contradicts the teacher."""
    validate_every: int = 100
    validate_images: int = 100
    start_counts: bool = True
    """The start is validated, too, and stays when nothing beats it."""
    tie: float = 0.0
    """A validation this little below the best one still counts as best: the later network is taken."""
    patience: int = 0
    """Stop after so many validations without a better one; 0 = never."""
    learnt_share: float = 0.0
    """Stop when this share of the labels is learnt, of the worst class, twice running; 0 = never ..."""
    kept_share: float = 0.0
    """... and this share of everything else is kept."""
    save_every_s: float = 60.0

    def __post_init__(self) -> None:
        if self.crop_px % 16 != 1:
            raise UsageError(f"The crop size {self.crop_px} is not of the form 16 k + 1: try 321.")
        if self.steps < 1 or self.batch < 1 or self.crops_at_once < 1:
            raise UsageError("Steps and batch must be at least 1.")

    def with_changes(self, **changes: Any) -> Recipe:
        """A copy with other numbers."""
        return replace(self, **changes)

    def for_images(self, count: int, unlabelled: int = 0) -> Recipe:
        """The recipe with the steps that so many labelled images call for, beside some without labels."""
        steps = self.steps + self.steps_per_image * min(max(count - 1, 0), 24)
        return replace(self, steps=round(steps / (1.0 - self.replay)) if unlabelled else steps)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the run's config file."""
        return asdict(self)


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


def recipes() -> tuple[str, ...]:
    """All registered names, sorted."""
    return tuple(sorted(_recipes))


def parse_changes(words: tuple[str, ...]) -> dict[str, Any]:
    """["crop_px=353", "scale_range=[0.5,2]"] to values of a Recipe's types. Raises UsageError."""
    types = {
        field.name: type(getattr(MODERN, field.name)) for field in fields(Recipe) if field.name != "name"
    }
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in types:
            raise UsageError(f"The recipe has no number {name!r}: use one of {', '.join(sorted(types))}.")
        try:
            value = json.loads(text)
            found[name] = tuple(map(float, value)) if types[name] is tuple else types[name](value)
        except (ValueError, TypeError):
            raise UsageError(f"{word!r} is no number of a recipe: write for example crop_px=353.") from None
    return found


MODERN = register(Recipe(name="modern", steps=2000, patience=8))

# Chosen on a photograph with an unknown class painted on it; figures: docs/benchmarks.md.
FINE_TUNE = register(
    Recipe(
        name="fine_tune",
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
