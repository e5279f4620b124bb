"""The training loop: a generator of events that the command line, the tests and the device thread iterate."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, InputError, TrainingError
from fcn_studio.models.checkpoint import round_trip
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.average import Average
from fcn_studio.training.basis import NOTHING, Basis
from fcn_studio.training.batches import Batch, BatchMaker
from fcn_studio.training.crops import choose_crops
from fcn_studio.training.deck import Deck
from fcn_studio.training.depthwise import speed_up_depthwise
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Finished, Paused, StepDone, TrainEvent
from fcn_studio.training.loss import class_weights
from fcn_studio.training.objective import Objective, Whole
from fcn_studio.training.optimizer import make_optimizer, set_training_mode
from fcn_studio.training.randomness import PrivateRandom
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.schedule import set_rates
from fcn_studio.training.settings import Recipe
from fcn_studio.training.unweigh import take_back_weights
from fcn_studio.training.verdict import START, VALIDATION, MeasureProgress, Validate, Verdict

STOPPED = "stopped"
"""The reason of a run that ended because it was asked to."""


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
        self._run = run
        self._verdict = Verdict(recipe, validate, progress, self._log)
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
        self._seconds = 0.0
        self._reason = ""

    def run(self, cancel: CancelToken) -> Generator[TrainEvent, None, Outcome]:
        """Train until the steps are done, a stop is asked for, or nothing gets better.

        Raises Cancelled (after storing the state) when the token is cancelled, TrainingError when the loss
        stops being a number. The state is also stored when the generator is closed, at whichever event.
        """
        started = time.monotonic() - self._seconds
        try:
            yield from self._go_on(cancel, started)
        except (Cancelled, GeneratorExit):
            self._seconds = time.monotonic() - started
            self._save()  # whole: a half-made step is undone, what is left of a look is still due
            raise
        self._seconds = time.monotonic() - started
        self._save()
        best = self._verdict.best_miou
        yield Finished(self._step, self._seconds, self._reason, best)
        return Outcome(self._result(), best, self._step, self._seconds, self._reason)

    def _go_on(self, cancel: CancelToken, started: float) -> Generator[TrainEvent, None, None]:
        """Steps and looks until there is a reason to end; ``started``: on the monotonic clock."""
        recipe, saved = self.recipe, time.monotonic()
        while not self._reason:
            cancel.raise_if_cancelled()
            if self._verdict.due:
                self._reason = yield from self._verdict.look(self._answering, self._step)
            elif self._step >= recipe.steps:
                self._reason = "all steps"
            elif cancel.stop_requested:
                self._reason = STOPPED
            else:
                loss = yield from self._make_step()
                if self._step % recipe.validate_every == 0 or self._step == recipe.steps:
                    self._verdict.due = VALIDATION
                self._seconds = time.monotonic() - started
                left = self._seconds / self._step * (recipe.steps - self._step)
                self._log(step=self._step, loss=round(loss, 5))
                yield StepDone(self._step, recipe.steps, loss, left)
            if time.monotonic() - saved > recipe.save_every_s:
                self._save()
                saved = time.monotonic()

    def check_start(self) -> None:
        """Let the run begin with measuring its start, so that one that only spoils it gives that back."""
        if self._step == 0 and self.recipe.start_counts:
            self._verdict.due = START

    def _make_step(self) -> Generator[TrainEvent, None, float]:
        """One update; pauses between the passes that make up its batch. Returns the loss.

        Closed at a pause it leaves all as it was before.
        """
        recipe, model = self.recipe, self._model
        set_rates(self._optimizer, self._step, recipe)
        set_training_mode(model, recipe)
        random = self._random.state
        batches = self._draw(recipe.is_whole(self._step))
        all_of_it = Whole.of(batches)
        statistics = [value.clone() for value in model.buffers()] if len(batches) > 1 else []
        total = 0.0
        for number, batch in enumerate(batches):
            if number:
                try:
                    yield Paused()
                except GeneratorExit:
                    self._undo(random, statistics)
                    raise
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

    @torch.no_grad()
    def _undo(self, random: Tensor, statistics: list[Tensor]) -> None:
        """Take back what the first passes of a step change: draws, gradients, statistics of BatchNorm."""
        self._random.state = random
        self._optimizer.zero_grad(set_to_none=True)
        for value, before in zip(self._model.buffers(), statistics, strict=True):
            value.copy_(before)

    def _draw(self, whole: bool) -> list[Batch]:
        """The passes of a batch; drawn again where the deck finds that a sample cannot be read any more."""
        while True:
            with self._random.lent(), contextlib.suppress(InputError):
                crops = choose_crops(self._deck, self.recipe, None if whole else self._maker.side_px)
                return [self._maker.make(part, whole) for part in self._maker.split(crops, whole)]

    def _result(self) -> FcnNetwork:
        model = self._answering()
        if self._verdict.best is not None:
            model.load_state_dict(self._verdict.best["model"])
        return model

    def _answering(self) -> FcnNetwork:
        """The mean of the weights as it is measured and given away: rounded as its file will hold it."""
        model, share = copy.deepcopy(self._average.model), self.recipe.weights_back
        if share:
            take_back_weights(model, self._weights, share)
        return round_trip(model)

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
                "reason": self._reason,
                "_step": self._step,
                "_seconds": self._seconds,
                **self._verdict.state,
            }
        )

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self._step

    def resume(self, *, after_stop: bool = True) -> None:
        """Go on from the state in the run folder, exactly as if it had never stopped (on the CPU).

        A run that had ended just ends again; so does, unless ``after_stop``, one that was asked to stop.
        """
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
            self._step, self._seconds = state["_step"], state["_seconds"]
            self._verdict.restore(state)
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                "The stored state belongs to another network: start the run anew (without --resume)."
            ) from error

        reason = state.get("reason", "")  # an earlier version stored none
        goes_on = reason == STOPPED and (after_stop or self._step == 0)
        self._reason = "" if goes_on else reason
