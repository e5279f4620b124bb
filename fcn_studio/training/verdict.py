"""What a run is judged by: looks at its network, the best one kept, and when it is enough."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.training.events import Paused, Progress, TrainEvent, Validated
from fcn_studio.training.settings import Recipe

Validate = Callable[[FcnNetwork, int], Generator[None, None, Validated]]
"""(network, step) to a generator that pauses after every image and returns the figures."""
MeasureProgress = Callable[[FcnNetwork], Generator[None, None, Progress]]
"""Network to a generator that pauses after every image and returns what it has learnt and kept."""

NOTHING, START, VALIDATION, PROGRESS = "", "start", "validation", "progress"
"""What of a look is still to be made."""


class Log(Protocol):
    """Takes one line of a run's log, with a step's numbers by name."""

    def __call__(self, **entry: Any) -> None: ...


class Verdict:
    """Judges one run. ``best``: the best validated network so far, with its figures.

    ``due``: what of a look is still to be made. A finding is taken in, and what is due then, before the next
    pause: a look that is closed at any of them is gone on with by the next one, from the stored state too.
    """

    def __init__(
        self, recipe: Recipe, validate: Validate | None, progress: MeasureProgress | None, log: Log
    ) -> None:
        self._recipe = recipe
        self._validate = validate
        self._progress = progress
        self._log = log
        self.due = NOTHING
        self.best: dict[str, Any] | None = None
        self._times_learnt = 0
        self._since_best = 0

    @property
    def best_miou(self) -> float | None:
        return self.best["miou"] if self.best else None

    def look(self, answering: Callable[[], FcnNetwork], step: int) -> Generator[TrainEvent, None, str]:
        """Make what is due of a look at the network after ``step``; a reason to end, or an empty text."""
        recipe = self._recipe
        if self.due in (START, VALIDATION):
            yield from self._measure(answering, step)
        if self.due == PROGRESS and recipe.patience and self._since_best >= recipe.patience:
            self.due = NOTHING
            return "no longer better"
        if self.due == PROGRESS and self._progress is not None and recipe.learnt_share:
            found = yield from _pausing(self._progress(answering()))
            enough = found.learnt >= recipe.learnt_share and found.kept >= recipe.kept_share
            self._times_learnt = self._times_learnt + 1 if enough else 0
            self._log(step=step, learnt=round(found.learnt, 4), kept=round(found.kept, 4))
        self.due = NOTHING
        return "learnt" if self._times_learnt >= 2 else ""

    def _measure(self, answering: Callable[[], FcnNetwork], step: int) -> Generator[TrainEvent, None, None]:
        then = NOTHING if self.due == START else PROGRESS
        if self._validate is None:
            self.due = then
            return
        model = answering()
        found = yield from _pausing(self._validate(model, step))
        top = self.best["top"] if self.best else -1.0
        better = found.miou >= top - self._recipe.tie
        if better:
            state = copy.deepcopy(model.state_dict())
            self.best = {"miou": found.miou, "top": max(top, found.miou), "model": state}
        if self.due == VALIDATION:
            self._since_best = 0 if better else self._since_best + 1
        self.due = then
        self._log(step=found.step, miou=found.miou, per_class=found.per_class)
        yield replace(found, best=better)

    @property
    def state(self) -> dict[str, Any]:
        """Tensors and plain values, for the run's stored state."""
        return {
            "best": self.best,
            "due": self.due,
            "_since_best": self._since_best,
            "_times_learnt": self._times_learnt,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a stored ``state``. Raises KeyError for one that is not."""
        self.best = state["best"]
        self._since_best, self._times_learnt = state["_since_best"], state["_times_learnt"]
        self.due = state.get("due", NOTHING)  # an earlier version stored none


_Found = TypeVar("_Found")


def _pausing(walk: Generator[None, None, _Found]) -> Generator[TrainEvent, None, _Found]:
    """Hand on every pause of ``walk`` as an event without news, so that urgent work gets its turn."""
    while True:
        try:
            next(walk)
        except StopIteration as end:
            found: _Found = end.value
            return found
        yield Paused()
