"""What a training run tells while it goes on; frozen values for panels, commands and tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Prepared:
    """Samples read so far, before the first step."""

    done: int
    total: int


@dataclass(frozen=True)
class LeftOut:
    """A sample that cannot be read has no part in the run; ``why``: a sentence with its file and the cure."""

    name: str
    why: str


@dataclass(frozen=True)
class StageBegun:
    """The next network of a staged training, ``number`` from 1 of ``count``."""

    architecture: str
    number: int
    count: int


@dataclass(frozen=True)
class Resumed:
    """An interrupted run goes on after this step of so many."""

    step: int
    steps: int


@dataclass(frozen=True)
class Paused:
    """No news: a place where more urgent work may go first."""


@dataclass(frozen=True)
class StepDone:
    """One update was made. ``loss`` is that of this step; ``seconds_left`` an estimate for the rest."""

    step: int
    steps: int
    loss: float
    seconds_left: float


@dataclass(frozen=True)
class Validated:
    """Held-out labels were predicted: mean IoU 0..1 and IoU by class key (None = class absent)."""

    step: int
    miou: float
    per_class: dict[str, float | None] = field(default_factory=dict)
    best: bool = False


@dataclass(frozen=True)
class Finished:
    """The run ended: ``reason`` is "all steps", "stopped", "no longer better" or "learnt"."""

    step: int
    seconds: float
    reason: str
    best_miou: float | None


@dataclass(frozen=True)
class Progress:
    """How far a run on few images is: share of the labels learnt (of the worst class), and share of the rest,
    away from corrections, that is still predicted as the start model does."""

    learnt: float
    kept: float


TrainEvent = Prepared | LeftOut | StageBegun | Resumed | Paused | StepDone | Validated | Finished
