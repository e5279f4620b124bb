"""The training loop: a generator of events that the command line, the tests and the device thread iterate."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, InputError, TrainingError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.average import Average
from fcn_studio.training.basis import NOTHING, Basis
from fcn_studio.training.batches import Batch, BatchMaker
from fcn_studio.training.crops import choose_crops
from fcn_studio.training.deck import Deck
from fcn_studio.training.depthwise import speed_up_depthwise
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Finished, Paused, Progress, StepDone, TrainEvent, Validated
from fcn_studio.training.loss import class_weights
from fcn_studio.training.objective import Objective, Whole
from fcn_studio.training.optimizer import make_optimizer, set_training_mode
from fcn_studio.training.randomness import PrivateRandom
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.schedule import set_rates
from fcn_studio.training.settings import Recipe
from fcn_studio.training.unweigh import take_back_weights

Validate = Callable[[FcnNetwork, int], Generator[None, None, Validated]]
"""(network, step) to a generator that pauses after every image and returns the figures."""
MeasureProgress = Callable[[FcnNetwork], Generator[None, None, Progress]]
"""Network to a generator that pauses after every image and returns what it has learnt and kept."""


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: the network to use (the best validated mean of weights, else the last one).

    basis: how much `best_miou` rests on, where there is one.
    """

    model: FcnNetwork
    best_miou: float | None
    steps: int
    seconds: float
    reason: str
    basis: Basis = NOTHING


class Training:
    """One run over a prepared deck; owns a deep copy of the network and its own random numbers."""

    def __init__(
        self,
        model: FcnNetwork,
        spec: ModelSpec,
        deck: Deck,
        recipe: Recipe,
        *,
        seed: int = 0,
        device: str = "cpu",
        teaching: Teaching | None = None,
        validate: Validate | None = None,
        progress: MeasureProgress | None = None,
        run: RunFolder | None = None,
    ) -> None:
        self.recipe = recipe
        self._deck = deck
        self._validate = validate
        self._progress = progress
        self._run = run
        self._model = copy.deepcopy(model).to(device)
        counts, present = (torch.from_numpy(numbers) for numbers in (deck.counts, deck.present))
        self._weights = class_weights(counts, present, recipe.balance)
        if recipe.weights_back and not recipe.start_weighed:  # put on what is taken back in the end
            take_back_weights(self._model, self._weights, -recipe.weights_back)
        self._average = Average(self._model, recipe.ema_decay)
        if device == "cpu":
            speed_up_depthwise(self._model)
        self._optimizer = make_optimizer(self._model, recipe)
        self._random = PrivateRandom(seed)
        self._objective = Objective(recipe, self._weights, device)
        self._maker = BatchMaker(deck, recipe, spec, teaching)
        self._step = 0
        self._best: dict[str, Any] | None = None
        self._times_learnt = 0
        self._since_best = 0
        self._seconds = 0.0

    def run(self, cancel: CancelToken) -> Generator[TrainEvent, None, Outcome]:
        """Train until the steps are done, a stop is asked for, or nothing gets better.

        Raises Cancelled (after storing the state) when the token is cancelled, TrainingError when the loss
        stops being a number. The state is also stored when the generator is closed.
        """
        started, saved = time.monotonic() - self._seconds, time.monotonic()
        reason = "all steps"
        try:
            while self._step < self.recipe.steps:
                cancel.raise_if_cancelled()
                if cancel.stop_requested:
                    reason = "stopped"
                    break
                loss = yield from self._make_step()
                self._seconds = time.monotonic() - started
                left = self._seconds / self._step * (self.recipe.steps - self._step)
                self._log(step=self._step, loss=round(loss, 5))
                yield StepDone(self._step, self.recipe.steps, loss, left)
                if self._step % self.recipe.validate_every == 0 or self._step == self.recipe.steps:
                    reason = (yield from self._look()) or reason
                    if reason != "all steps":
                        break
                if time.monotonic() - saved > self.recipe.save_every_s:
                    self._save()
                    saved = time.monotonic()
        except (Cancelled, GeneratorExit):
            self._save()  # raised between two steps only, so that the state is whole
            raise
        self._seconds = time.monotonic() - started
        self._save()
        best = self._best["miou"] if self._best else None
        yield Finished(self._step, self._seconds, reason, best)
        return Outcome(self._result(), best, self._step, self._seconds, reason)

    def check_start(self) -> Generator[TrainEvent, None, None]:
        """Measure the untrained network, so that a run that only spoils it gives back the start."""
        if self._validate is not None and self._step == 0 and self.recipe.start_counts:
            yield from self._measure(self._validate)

    def _make_step(self) -> Generator[TrainEvent, None, float]:
        """One update; pauses between the passes that make up its batch. Returns the loss."""
        recipe, model = self.recipe, self._model
        set_rates(self._optimizer, self._step, recipe)
        set_training_mode(model, recipe)
        batches = self._draw(recipe.is_whole(self._step))
        all_of_it = Whole.of(batches)
        total = 0.0
        for number, batch in enumerate(batches):
            if number:
                yield Paused()
            with self._random.lent():  # dropout draws, too
                loss = self._objective(model, batch, all_of_it)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        if not total < float("inf"):  # also true for NaN
            raise TrainingError("The loss is no longer a number: train again with a lower rate.")
        if recipe.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._average.update(model, self._step)
        self._step += 1
        return total

    def _draw(self, whole: bool) -> list[Batch]:
        """The passes of a batch; drawn again where the deck finds that a sample cannot be read any more."""
        while True:
            with self._random.lent(), contextlib.suppress(InputError):
                crops = choose_crops(self._deck, self.recipe, None if whole else self._maker.side_px)
                return [self._maker.make(part, whole) for part in self._maker.split(crops, whole)]

    def _look(self) -> Generator[TrainEvent, None, str]:
        """Validate and look at what is learnt; returns a reason to end, or an empty text."""
        recipe = self.recipe
        if self._validate is not None:
            better = yield from self._measure(self._validate)
            self._since_best = 0 if better else self._since_best + 1
            if recipe.patience and self._since_best >= recipe.patience:
                return "no longer better"
        if self._progress is not None and recipe.learnt_share:
            found = yield from _pausing(self._progress(self._answering()))
            enough = found.learnt >= recipe.learnt_share and found.kept >= recipe.kept_share
            self._times_learnt = self._times_learnt + 1 if enough else 0
            self._log(step=self._step, learnt=round(found.learnt, 4), kept=round(found.kept, 4))
            if self._times_learnt >= 2:
                return "learnt"
        return ""

    def _measure(self, validate: Validate) -> Generator[TrainEvent, None, bool]:
        model = self._answering()
        found = yield from _pausing(validate(model, self._step))
        top = self._best["top"] if self._best else -1.0
        better = found.miou >= top - self.recipe.tie
        if better:
            state = copy.deepcopy(model.state_dict())
            self._best = {"miou": found.miou, "top": max(top, found.miou), "model": state}
        self._log(step=found.step, miou=found.miou, per_class=found.per_class)
        yield replace(found, best=better)
        return better

    def _result(self) -> FcnNetwork:
        model = copy.deepcopy(self._answering())
        if self._best is not None:
            model.load_state_dict(self._best["model"])
        return model

    def _answering(self) -> FcnNetwork:
        """The mean of the weights as it is measured and given away."""
        model, share = self._average.model, self.recipe.weights_back
        if share:
            model = copy.deepcopy(model)
            take_back_weights(model, self._weights, share)
        return model

    def _log(self, **entry: Any) -> None:
        if self._run is not None:
            self._run.log(**entry)

    def _save(self) -> None:
        if self._run is None:
            return
        self._run.save_state(
            {
                "model": self._model.state_dict(),
                "average": self._average.model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "random": self._random.state,
                "best": self._best,
                **{name: getattr(self, name) for name in _COUNTERS},
            }
        )

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self._step

    def resume(self) -> None:
        """Go on from the state in the run folder, exactly as if it had never stopped (on the CPU)."""
        if self._run is None or not self._run.has_state:
            raise TrainingError(
                "There is no stored state to go on from: start the run anew without --resume."
            )
        state = self._run.load_state()
        try:
            self._model.load_state_dict(state["model"])
            self._average.model.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._random.state = state["random"]
            self._best = state["best"]
            for name in _COUNTERS:
                setattr(self, name, state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                "The stored state belongs to another network: start the run anew (without --resume)."
            ) from error


_COUNTERS = ("_step", "_since_best", "_times_learnt", "_seconds")
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
