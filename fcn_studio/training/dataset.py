"""Training on a whole data set: start network, teacher, run folder and loop put together."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import msgspec
import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, TrainingError
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.device import choose_device
from fcn_studio.models.checkpoint import round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec, checkpoint_paths
from fcn_studio.training.checks import require_sound
from fcn_studio.training.deck import Deck
from fcn_studio.training.events import Prepared, TrainEvent
from fcn_studio.training.left_out import Unreadable
from fcn_studio.training.loop import Outcome, Training
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.settings import Recipe, default_numbers
from fcn_studio.training.start import Start, make_teaching
from fcn_studio.training.validate import DIVERGED, Examination, choose_examination
from fcn_studio.training.verdict import Validate

Classes = tuple[str, ...] | None


def train_dataset(
    start: Start,
    source: SampleSource,
    out_path: Path,
    recipe: Recipe,
    *,
    device: str = "auto",
    seed: int = 0,
    run_folder: Path | None = None,
    resume: bool = False,
    only: Classes = None,
    class_colors: tuple[tuple[int, int, int], ...] | None = None,
    made: str = "",
    cancel: CancelToken,
) -> Generator[TrainEvent, None, Outcome]:
    """Train on the "train" images, validate on "val", and write the best network to ``out_path``.

    The file's stem is the network's name. ``only``: class keys over which the validation's mean runs. A run
    with a folder can be resumed, on the CPU exactly; before it has stored a state that is to begin it anew. A
    sample that cannot be read is left out, with an event. Raises TrainingError (also where nothing is left),
    DeviceError, CheckpointError, StorageError, Cancelled.
    """
    where = choose_device(device)
    names = source.names("train")
    if not names:
        raise TrainingError("There is no labelled image to train on: label some, or check the train list.")
    require_sound(start.model, start.spec, source)
    run = _begin(run_folder, resume, start, source, recipe, seed, only)
    unreadable = Unreadable()
    deck = Deck(source, names, start.spec.long_side, start.spec.zoom, unreadable)
    yield from unreadable.told(_prepared(deck.prepare(), len(names), cancel))
    exam = choose_examination(source, recipe.validate_images, unreadable)
    teaching = None
    if recipe.distill > 0:
        teaching = make_teaching(start.teacher or start.model, start.spec, recipe, where)
        yield from unreadable.told(_prepared(teaching.prepare(deck), len(deck.indices), cancel))
    training = Training(
        start.model, start.spec, deck, recipe, seed=seed, device=where, teaching=teaching,
        validate=_validation(exam, start.spec, where, only), run=run,
    )  # fmt: skip
    if run is not None and run.has_state:
        training.resume()
    elif not start.is_new:
        training.check_start()
    outcome = yield from unreadable.told(training.run(cancel))
    if exam is not None and outcome.best_miou is not None:
        outcome = replace(outcome, basis=exam.basis)
    figures = {
        "validation_miou": outcome.best_miou,
        **(outcome.basis.as_figures("validation") if outcome.best_miou is not None else {}),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds),
    }
    colors = class_colors or start.spec.class_colors
    spec = msgspec.structs.replace(
        start.spec, name=checkpoint_paths(out_path)[0].stem, figures=figures, made=made, class_colors=colors
    )
    save_checkpoint(out_path, _as_stored(outcome.model), spec)
    return outcome


def _as_stored(model: FcnNetwork) -> FcnNetwork:
    """The network as its file will hold it. Raises TrainingError where that would be no numbers."""
    model = round_trip(model)
    if not all(bool(torch.isfinite(value).all()) for value in model.state_dict().values()):
        raise TrainingError(DIVERGED)
    return model


def _begin(
    path: Path | None,
    resume: bool,
    start: Start,
    source: SampleSource,
    recipe: Recipe,
    seed: int,
    only: Classes,
) -> RunFolder | None:
    """The run folder with its config, new or found equal; one that was broken off before it stored a state
    begins anew."""
    if path is None:
        return None
    run = RunFolder(path)
    config = {
        "recipe": recipe.as_dict(),
        "seed": seed,
        "class_keys": list(source.class_keys),
        "images": len(source.names("train")),
        "start": start.spec.parent,
        "architecture": start.spec.architecture,
        "options": start.spec.options,
        "zoom": start.spec.zoom,
        "mean_over": None if only is None else sorted(only),  # a best mean of others says nothing
    }
    if resume:
        run.require_same(config, {"recipe": default_numbers()})
    if not (resume and run.has_state):
        run.begin(config)
    return run


def _prepared(
    walk: Generator[int, None, None], total: int, cancel: CancelToken
) -> Generator[TrainEvent, None, None]:
    """Tell how far reading is; before the first step a stop leaves nothing to keep."""
    for done in walk:
        if cancel.cancelled or cancel.stop_requested:
            raise Cancelled
        yield Prepared(done, total)


def _validation(exam: Examination | None, spec: ModelSpec, device: str, only: Classes) -> Validate | None:
    if exam is None:
        return None
    return lambda model, step: exam.validated(model, spec, device, step, only)
