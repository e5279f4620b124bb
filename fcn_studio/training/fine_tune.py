"""Fine-tuning on corrections: a start that knows the classes, a short run, then better or rollback."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import TrainingError
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.device import choose_device
from fcn_studio.models.checkpoint import load_checkpoint, round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec
from fcn_studio.models.surgery import copy_row, with_classes
from fcn_studio.training.basis import NOTHING, Basis
from fcn_studio.training.checks import require_distinct
from fcn_studio.training.deck import Deck
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Paused, Prepared, Resumed, TrainEvent
from fcn_studio.training.left_out import Unreadable
from fcn_studio.training.loop import Outcome, Training
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.settings import Recipe
from fcn_studio.training.start import child_card, make_teaching
from fcn_studio.training.validate import Examination, choose_examination, measure_progress

NEW_CLASS_MARGIN = 2.0
"""So far below its neighbour a new class starts; e^2 : 1 against it."""
FEW_IMAGES = 8
"""Up to here the run also stops when all labels are learnt; with more images only validation decides."""


@dataclass(frozen=True)
class FineTuneResult:
    """How a run ended. mIoU 0..1 on held-out labels, None where nothing is held out; reason: a sentence.

    basis: how many images or strokes the mIoU rests on.
    """

    checkpoint_path: Path | None
    accepted: bool
    parent_miou: float | None
    candidate_miou: float | None
    reason: str
    steps: int
    seconds: float
    basis: Basis = NOTHING


def warm_up() -> None:
    """Load what the first run needs: importing this module has done that; a product starts the threads."""
    torch.ones(64, 64) @ torch.ones(64, 64)


def fine_tune(
    parent_path: Path,
    source: SampleSource,
    out_path: Path,
    *,
    recipe: Recipe,
    device: str = "auto",
    seed: int = 0,
    run_folder: Path | None = None,
    cancel: CancelToken,
) -> Generator[TrainEvent, None, FineTuneResult]:
    """Teach the checkpoint at ``parent_path`` the "train" labels of ``source``; events on the way.

    The result has the classes of ``source``: rows of known class keys are the parent's, new ones start at
    zero. It is written to ``out_path`` unless it is worse than its parent on held-out labels (design 2),
    measured with the predictor of the screen. ``cancel.request_stop()`` ends early with the best so far.
    A run folder whose state was left by an interrupted run of the same labels is gone on with, also where
    only the comparison with the parent is missing.
    A sample that cannot be read is left out, with an event. Raises TrainingError (nothing labelled, or
    nothing of it can be read), CheckpointError, DeviceError, StorageError, Cancelled.
    """
    where = choose_device(device)
    require_distinct(source.class_keys)
    parent, parent_spec = load_checkpoint(parent_path)
    start = with_classes(parent, parent_spec.class_keys, source.class_keys)
    spec = msgspec.structs.replace(child_card(parent_spec, source), made="fine-tuned in FCN Studio")
    names = source.names("train")
    if not names:
        raise TrainingError("Nothing is labelled yet: paint a few strokes first, then fine-tune.")
    others = source.names("unlabelled") if recipe.replay else ()
    unreadable = Unreadable(quiet=others)  # nobody asked for those
    deck = Deck(source, (*names, *others), spec.long_side, spec.zoom, unreadable)
    yield from unreadable.told(_prepared(deck.prepare(), len(names) + len(others), cancel))
    exam = choose_examination(source, recipe.validate_images, unreadable)
    labelled = len({card.name for card in deck.cards} & set(names))
    # A few corrections leave the balance of the classes as the parent has it.
    recipe = recipe.for_images(labelled, len(deck.cards) - labelled).with_changes(weights_back=0.0)
    teaching = make_teaching(start, spec, recipe, where)
    yield from unreadable.told(_prepared(teaching.prepare(deck), len(deck.indices), cancel))
    begin_beside(start, set(source.class_keys) - set(parent_spec.class_keys), source, deck, teaching)
    run = _begin(run_folder, recipe, seed, parent_spec, source, deck)
    training = Training(
        start, spec, deck, recipe, seed=seed, device=where, teaching=teaching,
        validate=(lambda model, step: exam.validated(model, spec, where, step)) if exam else None,
        progress=(lambda model: measure_progress(deck, teaching, model, spec, where))
        if labelled <= FEW_IMAGES else None,
        run=run,
    )  # fmt: skip
    if run is not None and run.has_state:
        yield _go_on(training, run)
    judged = _judge(training.run(cancel), exam, (parent, parent_spec), spec, out_path, source, where, cancel)
    return (yield from unreadable.told(_ending(run, judged)))


def begin_beside(
    model: FcnNetwork, new: set[str], source: SampleSource, deck: Deck, teaching: Teaching
) -> None:
    """Let every new class (by key) start just below the class that the network gives to most of its labels.

    From a zero row the loss would be near 20 and the first steps would shake the whole network: measured,
    half of all other pixels changed class for a while.
    """
    for klass in deck.classes:
        if source.class_keys[klass] not in new:
            continue
        having = deck.pictures(deck.having(klass))
        said = sum(teaching.said_at(index, picture.labels, klass) for index, picture in having)
        if isinstance(said, torch.Tensor) and said.any():
            copy_row(model, int(said.argmax()), klass, NEW_CLASS_MARGIN)


def _ending(
    run: RunFolder | None, walk: Generator[TrainEvent, None, FineTuneResult]
) -> Generator[TrainEvent, None, FineTuneResult]:
    """``walk``, and then the end of its run, also where it cannot go on; broken off it keeps its state."""
    try:
        result = yield from walk
    except TrainingError:
        if run is not None:
            run.end()
        raise
    if run is not None:
        run.end()
    return result


def _judge(
    walk: Generator[TrainEvent, None, Outcome],
    exam: Examination | None,
    parent: tuple[FcnNetwork, ModelSpec],
    spec: ModelSpec,
    out_path: Path,
    source: SampleSource,
    device: str,
    cancel: CancelToken,
) -> Generator[TrainEvent, None, FineTuneResult]:
    """Train by ``walk``, compare what it leaves with its parent, and write it unless it is worse."""
    outcome = yield from walk
    if outcome.steps == 0:
        return FineTuneResult(
            None, False, None, None, "Stopped before the first step: nothing changed.", 0, 0.0
        )
    candidate = round_trip(outcome.model)
    pair = (parent[0].to(device), parent[1]), (candidate, spec)
    scores = yield from _compare(exam, *pair, device, cancel)
    return _choose(scores, exam, outcome, candidate, spec, out_path, _why_unmeasured(source))


def _why_unmeasured(source: SampleSource) -> str:
    if source.names("val"):
        return "nothing that is held out can be read"
    return "too few strokes are there to hold some out"


def _choose(
    scores: tuple[float, float] | None,
    exam: Examination | None,
    outcome: Outcome,
    candidate: FcnNetwork,
    spec: ModelSpec,
    out_path: Path,
    unmeasured: str,
) -> FineTuneResult:
    """Write the candidate unless it is worse; say why."""
    before, after = scores if scores is not None else (None, None)
    basis = exam.basis if exam is not None else NOTHING
    told = basis.describe("held-out")
    if before is not None and after is not None and after < before:
        reason = (
            f"The new network was worse on {told} ({100 * after:.1f} against {100 * before:.1f} mIoU): "
            "the earlier one stays. More strokes, also on what was right, may help."
        )
        return FineTuneResult(None, False, before, after, reason, outcome.steps, outcome.seconds, basis)
    figures = {
        "held_out_miou": after,
        "parent_held_out_miou": before,
        **(basis.as_figures("held_out") if scores is not None else {}),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
    }
    save_checkpoint(out_path, candidate.cpu(), msgspec.structs.replace(spec, figures=figures))
    if after is None or before is None:
        reason = f"The new network is active; not measured yet, because {unmeasured}."
    else:
        doubt = " (few: label more to trust it)" if basis.is_few else ""
        reason = (
            f"The new network is active: {100 * after:.1f} mIoU on {told}{doubt}, before {100 * before:.1f}."
        )
    return FineTuneResult(out_path, True, before, after, reason, outcome.steps, outcome.seconds, basis)


def _compare(
    exam: Examination | None,
    parent: tuple[FcnNetwork, ModelSpec],
    candidate: tuple[FcnNetwork, ModelSpec],
    device: str,
    cancel: CancelToken,
) -> Generator[TrainEvent, None, tuple[float, float] | None]:
    """mIoU of parent and candidate on the same held-out labels, or None without any that can be read."""
    if exam is None or not exam.names:
        return None
    names, found = exam.names, []
    for model, spec in (parent, candidate):
        walk = exam.metrics(model, spec, device)
        while True:
            try:
                next(walk)
            except StopIteration as end:
                found.append(float(end.value.mean_iou))
                break
            cancel.raise_if_cancelled()
            yield Paused()
    if exam.names != names:  # one was lost on the way
        return (yield from _compare(exam, parent, candidate, device, cancel))
    return found[0], found[1]


def _begin(
    path: Path | None, recipe: Recipe, seed: int, parent: ModelSpec, source: SampleSource, deck: Deck
) -> RunFolder | None:
    """The run folder, begun anew unless it holds the state of the same run on the same labels."""
    if path is None:
        return None
    run = RunFolder(path)
    config = {
        "recipe": recipe.as_dict(),
        "seed": seed,
        "parent": parent.id,
        "class_keys": list(source.class_keys),
        "images": [card.name for card in deck.cards],
        "labelled_pixels": deck.counts.tolist(),
    }
    if not (run.has_state and run.is_of(config)):
        run.begin(config)
    return run


def _go_on(training: Training, run: RunFolder) -> Resumed:
    """Take up what an interrupted run left. Raises TrainingError; the next run then begins anew."""
    try:
        training.resume(after_stop=False)
    except TrainingError:
        run.end()
        raise
    return Resumed(training.step, training.recipe.steps)


def _prepared(
    walk: Generator[int, None, None], total: int, cancel: CancelToken
) -> Generator[TrainEvent, None, None]:
    for done in walk:
        cancel.raise_if_cancelled()
        yield Prepared(done, total)
