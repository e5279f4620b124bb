"""Teaching the network what was labelled: one run at a time, on the device thread, better or rolled back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import FcnStudioError, ReadOnlyError, StorageError, TrainingError
from fcn_studio.jobs import JobHandle, Priority
from fcn_studio.project.sample_source import ProjectSource
from fcn_studio.session.events import Level, Notice, Phase, SessionEvents, TrainingStatus
from fcn_studio.session.predicting import CheckpointEntry
from fcn_studio.session.shelf import ShelfDesk
from fcn_studio.session.workers import Workers

if TYPE_CHECKING:
    from fcn_studio.training.settings import Recipe

DEFAULT_RECIPE = "fine_tune"
MOST_NAMED = 3
RUNNING = (Phase.PREPARING, Phase.RUNNING, Phase.STOPPING)


class TeachingDesk:
    """Starts and stops fine-tuning, and puts the result on the shelf if it is not worse than its parent."""

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        shelf: ShelfDesk,
        find_reason: Callable[[], str | None],
        make_source: Callable[[], Callable[[], ProjectSource]],
        on_loaded: Callable[[], None],
    ) -> None:
        self._events = events
        self._workers = workers
        self._shelf = shelf
        self._find_reason = find_reason
        self._make_source = make_source
        self._on_loaded = on_loaded  # torch is there
        self._handle: JobHandle | None = None
        self._run = 0
        self._recipe = DEFAULT_RECIPE
        self._left_out: list[str] = []  # why, a sentence each; not told yet
        self._cut_short = False  # by the person, before the run was through
        self.status = TrainingStatus()

    @property
    def is_running(self) -> bool:
        return self.status.phase in RUNNING

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """What "Fine-tune" can do, the default first; each has a name, a title and a description."""
        from fcn_studio.training.recipe import recipes

        return tuple(sorted(recipes(), key=lambda recipe: recipe.name != DEFAULT_RECIPE))

    @property
    def recipe(self) -> Recipe:
        """What the next run does."""
        return next(recipe for recipe in self.recipes if recipe.name == self._recipe)

    def explain(self, recipe: Recipe) -> str:
        """A recipe in words: what it is for, and its numbers, in some short lines."""
        from fcn_studio.training.describe import describe

        return "\n".join((recipe.description, *(f"• {line}" for line in describe(recipe))))

    def choose_recipe(self, name: str) -> None:
        """Let the next run do something else. Raises UsageError for a name that is not known."""
        from fcn_studio.training.recipe import recipe

        self._recipe = recipe(name).name
        self._set(self.status)

    def blocked_reason(self) -> str | None:
        """Why "Fine-tune" cannot be pressed now, as a short sentence; None when it can."""
        return "It is running." if self.is_running else self._find_reason()

    def start(self, *, device: str = "auto", seed: int = 0, steps: int | None = None) -> None:
        """Teach the active checkpoint what is labelled in this project.

        `steps`: on labelled images (more come where there are images without labels); None = the default run.
        """
        parent = self._shelf.active
        reason = self.blocked_reason()
        if parent is None or reason is not None:
            self._events.notice.emit(Notice(Level.INFO, reason or "There is no checkpoint to start from."))
            return
        try:
            out_path = self._shelf.next_path()
        except StorageError as error:
            action = "choose_store" if isinstance(error, ReadOnlyError) else None
            self._events.notice.emit(Notice(Level.ERROR, error.user_message, action))
            return
        self._run += 1
        run_number = self._run
        self._left_out, self._cut_short = [], False
        read_source, run_folder = self._make_source(), self._shelf.run_folder
        recipe = self.recipe if steps is None else self.recipe.with_changes(steps=steps)
        self._set(TrainingStatus(Phase.PREPARING, message="Gathering labels and loading PyTorch …"))

        def run(cancel: CancelToken) -> Any:
            return _fine_tune_steps(parent, read_source, out_path, run_folder, recipe, device, seed, cancel)

        self._handle = self._workers.device.submit(
            "fine-tune",
            Priority.TRAINING,
            run,
            on_progress=lambda event: self._on_event(run_number, event),
            on_done=lambda result: self._on_done(run_number, result),
            on_failed=lambda error: self._on_failed(run_number, error),
            on_cancelled=lambda: self._on_cancelled(run_number),
            label="training",
        )

    def stop(self) -> None:
        """End the run soon and keep its best network so far."""
        if self._handle is not None and self.is_running:
            self._handle.request_stop()
            self._set(replace(self.status, phase=Phase.STOPPING, message="Finishing with the best so far …"))

    def abandon(self) -> None:
        """End the run without a result, because its project is being left; what came of the last goes too."""
        if self._handle is not None and self.is_running:
            self._run += 1
            self._handle.cancel()
        if self.status != TrainingStatus():
            self._set(TrainingStatus())

    def request_warm_up(self) -> None:
        """Import torch on the device thread, so that the first "Fine-tune" need not wait for it."""

        def warm_up(_cancel: CancelToken) -> None:
            from fcn_studio.training.fine_tune import warm_up as load

            load()

        self._workers.device.submit(
            "warm-up",
            Priority.BATCH,
            warm_up,
            lambda _nothing: self._on_loaded(),
            label="loading PyTorch",
        )

    # --- back on the session's thread -------------------------------------------------------------------

    def _on_event(self, run_number: int, event: Any) -> None:
        from fcn_studio.training.events import Finished, LeftOut, Resumed, StepDone, Validated
        from fcn_studio.training.loop import STOPPED

        if run_number != self._run:
            return
        status = self.status
        if isinstance(event, LeftOut):
            self._left_out.append(event.why)
        elif isinstance(event, Resumed):
            text = f"This training was cut off: it goes on after step {event.step} of {event.steps}."
            self._events.notice.emit(Notice(Level.INFO, text))
        elif isinstance(event, StepDone):
            if status.phase is Phase.PREPARING:  # what is lost later is told in the end
                self._tell_left_out()
            phase = Phase.STOPPING if status.phase is Phase.STOPPING else Phase.RUNNING
            losses = (*status.losses, (event.step, event.loss))
            left = event.seconds_left
            status = replace(
                status, phase=phase, step=event.step, steps=event.steps, seconds_left=left, losses=losses
            )
            status = replace(status, message="" if phase is Phase.RUNNING else status.message)
        elif isinstance(event, Validated) and event.miou is not None:
            status = replace(status, scores=(*status.scores, (event.step, event.miou)))
        elif isinstance(event, Finished):
            self._cut_short = event.reason == STOPPED
        self._set(status)

    def _on_done(self, run_number: int, result: Any) -> None:
        if run_number != self._run:
            return
        self._tell_left_out()
        level, text, adopted_id = Level.WARNING, result.reason, None
        if result.accepted and result.checkpoint_path is not None:  # first: "done" makes people ask for it
            if self._cut_short and result.candidate_miou is None:
                # Nobody knows whether so few steps made it better: it must not replace its parent.
                self._shelf.refresh()
                level, text = Level.INFO, self._describe_unproved(result.checkpoint_path.stem)
            else:
                self._shelf.adopt(result.checkpoint_path)
                level, adopted_id = Level.SUCCESS, result.checkpoint_path.stem
        status = replace(self.status, phase=Phase.DONE, seconds_left=None)
        self._set(replace(status, message=text, adopted_id=adopted_id))
        self._events.notice.emit(Notice(level, text))

    def _describe_unproved(self, name: str) -> str:
        status = self.status
        return (
            f"Stopped at step {status.step} of {status.steps}, not measured: the earlier network stays. "
            f"Fine-tune to the end, or choose “{name}” under Prediction to use it as it is."
        )

    def _on_failed(self, run_number: int, error: BaseException) -> None:
        if run_number != self._run:
            return
        text = str(error) if isinstance(error, FcnStudioError) else f"Training failed: {error}"
        self._set(replace(self.status, phase=Phase.FAILED, seconds_left=None, message=text))
        self._events.notice.emit(Notice(Level.ERROR, " ".join([text, list_some(self._left_out)]).strip()))

    def _tell_left_out(self) -> None:
        """One notice for all that cannot be read; it is told once."""
        if self._left_out:
            what = (
                "A labelled image is"
                if len(self._left_out) == 1
                else f"{len(self._left_out)} labelled images are"
            )
            text = f"{what} left out of this training. {list_some(self._left_out)}"
            self._events.notice.emit(Notice(Level.WARNING, text))
        self._left_out = []

    def _on_cancelled(self, run_number: int) -> None:
        if run_number == self._run:
            self._set(TrainingStatus())

    def _set(self, status: TrainingStatus) -> None:
        self.status = status
        self._events.training_changed.emit(status)


def list_some(sentences: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    rest = len(sentences) - MOST_NAMED
    return " ".join([*sentences[:MOST_NAMED], *([f"And {rest} more."] if rest > 0 else [])])


def _fine_tune_steps(
    parent: CheckpointEntry,
    read_source: Callable[[], ProjectSource],
    out_path: Path,
    run_folder: Path,
    recipe: Recipe,
    device: str,
    seed: int,
    cancel: CancelToken,
) -> Any:
    """The generator that the device thread runs; imports torch only now."""
    from fcn_studio.training.events import LeftOut
    from fcn_studio.training.fine_tune import fine_tune

    source = read_source()
    yield None
    for why in source.notices:
        yield LeftOut("", why)
    if source.notices and not source.names("train"):
        raise TrainingError("None of the labelled images can be read: mend them first.")
    return (
        yield from fine_tune(
            parent.path,
            source,
            out_path,
            recipe=recipe,
            device=device,
            seed=seed,
            run_folder=run_folder,
            cancel=cancel,
        )
    )
