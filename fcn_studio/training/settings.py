"""All numbers of a training run in one frozen value; free of torch."""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from fcn_studio.core.errors import UsageError

CHOICES = {
    "optimizer": ("adamw", "sgd"),
    "schedule": ("cosine", "poly", "constant"),
    "reduction": ("mean", "sum"),
    "balance": ("sqrt", "log", "median", "none"),
    "precision": ("auto", "float32", "bfloat16"),
    "norm": ("trained", "frozen"),
}
WORDS = ("title", "description", "source")
"""Fields for people, which change nothing."""
_SHARES = (
    "flip", "focus", "replay", "anywhere", "paste", "blur", "hard_share", "whole_share_end", "momentum",
    "ema_decay", "weights_back", "distill_confidence", "learnt_share", "kept_share",
)  # fmt: skip
_AMOUNTS = (
    "skip_rate", "head_rate", "trunk_rate", "bias_rate", "weight_decay", "clip_norm", "warm_up_steps",
    "lovasz", "distill", "color", "gamma", "temperature", "noise", "validate_images", "patience",
    "stage_rate", "steps_per_image", "distill_sharpness", "distill_clear_px", "tie", "frozen_stride",
    "save_every_s",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What a run does. Shares and probabilities lie between 0 and 1."""

    name: str
    steps: int
    title: str = ""
    description: str = ""
    """One sentence for people."""
    source: str = ""
    """Where the numbers come from."""

    # --- how much is shown, and how it is cut ---
    steps_per_image: int = 0
    """So many steps more for every image after the first, up to 25 images."""
    batch: int = 8
    """Crops that make one update."""
    crops_at_once: int = 8
    """Crops that go through the network together; a batch larger than this is accumulated, see Objective."""
    crop_px: int = 321
    """Least side of a crop, taken up to the next size that suits the network; 0 = whole images."""
    whole_share_end: float = 0.0
    """Share of the steps, the last ones, that show whole images at their own size instead of crops."""
    scale_range: tuple[float, float] = (0.6, 1.6)
    flip: float = 0.5
    focus: float = 0.5
    """Share of crops drawn round a pixel of a class that is picked evenly; the rest: any labelled pixel."""
    replay: float = 0.0
    """Share of crops drawn from images without labels, where there are any, so that old knowledge stays."""
    anywhere: float = 0.0
    """Share of crops drawn anywhere at all, for distillation where nothing is labelled."""
    paste: float = 0.0
    """Share of crops that get the pixels of a rare class of another image, at the same place and scale."""

    # --- how its light is changed ---
    color: float = 0.25
    """Strength of random brightness, contrast and saturation; hue gets a tenth."""
    gamma: float = 0.0
    """Every picture is raised to a power between 1 / (1 + gamma) and 1 + gamma."""
    temperature: float = 0.0
    """Red is multiplied by e^t and blue by e^-t, t up to this to either side: evening or overcast light."""
    blur: float = 0.0
    """Share of crops that are blurred (Gaussian of 0.3 to 1.2 pixels)."""
    noise: float = 0.0
    """Largest standard deviation of added noise, as a share of the full range."""

    # --- what is learnt how fast ---
    optimizer: str = "adamw"
    momentum: float = 0.9
    """Of "sgd"."""
    skip_rate: float = 5e-4
    head_rate: float = 5e-5
    trunk_rate: float = 1e-5
    bias_rate: float = 1.0
    """Biases learn so many times faster."""
    weight_decay: float = 1e-4
    """Never on biases and the numbers of a BatchNorm."""
    schedule: str = "cosine"
    warm_up_steps: int = 20
    clip_norm: float = 5.0
    """Longest gradient; 0 = no limit."""
    ema_decay: float = 0.998
    """Of the running mean of weights and statistics that is validated and kept; 0 = the last weights."""
    norm: str = "trained"
    """BatchNorm statistics: "trained", or "frozen" at what they are (small batches)."""
    frozen_stride: int = 0
    """The trunk up to the features of this stride stays as it is, which also saves time; 0 = all learns."""
    precision: str = "float32"
    """"bfloat16": trunk and head in it (autocast), upsampling and loss in float32; "auto": where the device
    is made for it, which about halves the time."""

    # --- the loss ---
    reduction: str = "mean"
    """Over the labelled pixels of the batch, or "sum" as in Caffe's normalize: false."""
    balance: str = "sqrt"
    """Weights of the classes from their pixels, see training.loss.class_weights."""
    weights_back: float = 0.0
    """So much of their logarithms is taken from the scores in the end, see training.unweigh; 0 = nothing."""
    start_weighed: bool = False
    """The start was trained with such weights and nothing was taken back; else that much is put on it first,
    so that a short run does not take from it what it never got."""
    hard_share: float = 1.0
    """Only this share of the labelled pixels, the hardest ones, counts; 1 = all."""
    lovasz: float = 0.0
    """Weight of the Lovasz-softmax loss beside the cross-entropy."""
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

    # --- when it is looked at, and when it ends ---
    validate_every: int = 100
    """Steps."""
    validate_images: int = 500
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
    stage_rate: float = 0.01
    """All rates of each stage after the first (32s, then 16s, then 8s), as a share of those before it."""

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is {getattr(self, name)!r}: use one of {', '.join(allowed)}.")
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is {getattr(self, name)}: use a number from 0 to 1.")
        for name in _AMOUNTS:
            if not 0.0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}: use a number of at least 0.")
        if self.steps < 1 or self.batch < 1 or self.crops_at_once < 1 or self.validate_every < 1:
            raise UsageError("Steps, batch, crops_at_once and validate_every must be at least 1.")
        if self.replay == 1.0:
            raise UsageError("replay is 1: use less, or no crop would show a label.")
        if self.crop_px < 0 or self.hard_share == 0.0:
            raise UsageError("The crop size is 0 (whole images) or more, hard_share more than 0.")
        if len(self.scale_range) != 2 or not 0 < self.scale_range[0] <= self.scale_range[1] < math.inf:
            raise UsageError("scale_range is the least and the largest scale: write for example [0.6,1.6].")
        if not self.distill_scales or not all(0 < scale < math.inf for scale in self.distill_scales):
            raise UsageError("distill_scales are one or more sizes above 0: write for example [0.75,1,1.25].")
        if self.distill_flips not in (1, 2):
            raise UsageError(
                f"distill_flips is {self.distill_flips}: use 1, or 2 (the mirrored picture, too)."
            )

    def with_changes(self, **changes: Any) -> Recipe:
        """A copy with other numbers."""
        return replace(self, **changes)

    def for_images(self, count: int, unlabelled: int = 0) -> Recipe:
        """The recipe with the steps that so many labelled images call for, beside some without labels."""
        steps = self.steps + self.steps_per_image * min(max(count - 1, 0), 24)
        return replace(self, steps=round(steps / (1.0 - self.replay)) if unlabelled else steps)

    def for_epochs(self, epochs: float, images: int) -> Recipe:
        """The recipe with as many steps as show ``epochs`` times ``images`` crops. Raises UsageError."""
        if not 0.0 < epochs < math.inf:
            raise UsageError(f"epochs is {epochs}: use a number above 0.")
        return replace(self, steps=max(1, math.ceil(epochs * images / self.batch)))

    def for_stage(self, stage: int) -> Recipe:
        """The recipe of a stage, counted from 0, of a staged training."""
        factor = self.stage_rate**stage
        rates = {name: getattr(self, name) * factor for name in ("skip_rate", "head_rate", "trunk_rate")}
        return replace(self, **rates, start_weighed=self.start_weighed and stage == 0)

    def is_whole(self, step: int) -> bool:
        """Whether the step, counted from 0, shows whole images."""
        return self.crop_px == 0 or step >= round(self.steps * (1.0 - self.whole_share_end))

    def as_dict(self) -> dict[str, Any]:
        """The numbers as plain values, for the run's config file."""
        return {name: value for name, value in asdict(self).items() if name not in WORDS}


def default_numbers() -> dict[str, Any]:
    """What the numbers are that a recipe does not name; for configs written before a number was added."""
    return {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}
