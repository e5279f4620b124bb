"""Training on a whole data set: start network, teacher, run folder and loop put together."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import TrainingError
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.device import choose_device
from fcn_studio.models.checkpoint import load_checkpoint, round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import ModelSpec, checkpoint_paths
from fcn_studio.models.surgery import VOC_KEYS, make_fcn_from_deeplab, read_deeplab, with_classes
from fcn_studio.training.deck import Deck
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Prepared, TrainEvent
from fcn_studio.training.loop import Outcome, Training
from fcn_studio.training.recipe import Recipe
from fcn_studio.training.run_folder import RunFolder
from fcn_studio.training.validate import Examination, choose_examination


@dataclass(frozen=True)
class Start:
    """A network to begin with, its card, and what it distils from on places without labels (or None)."""

    model: FcnNetwork
    spec: ModelSpec
    teacher: torch.nn.Module | None = None


def open_start(path: Path, source: SampleSource, architecture: str) -> Start:
    """The start of a run with the classes of ``source``: from a checkpoint of FCN Studio, or from the DeepLab
    weights, which then also teach. Rows of known class keys are kept. Raises CheckpointError."""
    names = {"class_keys": source.class_keys, "class_names": source.class_names, "class_colors": None}
    if checkpoint_paths(path)[1].exists():
        model, spec = load_checkpoint(path)
        colors = dict(zip(spec.class_keys, spec.class_colors or (), strict=False))
        if all(key in colors for key in source.class_keys):
            names["class_colors"] = tuple(colors[key] for key in source.class_keys)
        model = with_classes(model, spec.class_keys, source.class_keys)
        spec = msgspec.structs.replace(spec, **names, parent=spec.id, figures={}, made="")
        return Start(model, spec)
    teacher = read_deeplab(path)
    model = make_fcn_from_deeplab(create_model(architecture, len(VOC_KEYS)), teacher)
    model = with_classes(model.eval(), VOC_KEYS, source.class_keys)
    spec = ModelSpec(name=architecture, architecture=architecture, stride=model.stride, **names)
    return Start(model, spec, teacher if source.class_keys == VOC_KEYS else None)


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
    only: tuple[str, ...] | None = None,
    made: str = "",
    cancel: CancelToken,
) -> Generator[TrainEvent, None, Outcome]:
    """Train on the "train" images, validate on "val", and write the best network to ``out_path``.

    ``only``: class keys over which the validation's mean runs. A run with a folder can be resumed, on the CPU
    exactly. Raises TrainingError, DeviceError, CheckpointError, StorageError, Cancelled, the source's errors.
    """
    where = choose_device(device)
    names = source.names("train")
    if not names:
        raise TrainingError("There is no labelled image to train on: label some, or check the train list.")
    run = RunFolder(run_folder) if run_folder is not None else None
    config = {
        "recipe": recipe.as_dict(),
        "seed": seed,
        "class_keys": list(source.class_keys),
        "images": len(names),
        "start": start.spec.parent,
    }
    if run is not None:
        run.require_same(config) if resume else run.begin(config)
    deck = Deck(source, names, start.spec.long_side)
    total = len(names) * (2 if recipe.distill > 0 else 1)
    for done in deck.prepare():
        yield Prepared(done, total)
    teaching = None
    if recipe.distill > 0:
        teaching = make_teaching(start.teacher or start.model, start.spec, recipe, where)
        for done in teaching.prepare(deck):
            yield Prepared(len(names) + done, total)
    exam = choose_examination(source, recipe.validate_images)
    training = Training(
        start.model, start.spec, deck, recipe, seed=seed, device=where, teaching=teaching,
        validate=_validation(exam, start.spec, where, only), run=run,
    )  # fmt: skip
    if resume:
        training.resume()
    else:
        yield from training.check_start()
    outcome = yield from training.run(cancel)
    figures = {
        "validation_miou": outcome.best_miou,
        "steps": outcome.steps,
        "seconds": round(outcome.seconds),
    }
    spec = msgspec.structs.replace(start.spec, figures=figures, made=made)
    save_checkpoint(out_path, round_trip(outcome.model), spec)
    return outcome


def make_teaching(teacher: torch.nn.Module, spec: ModelSpec, recipe: Recipe, device: str) -> Teaching:
    """A Teaching that asks ``teacher`` (a module with ``scores`` and ``stride``) about whole pictures."""
    mean, std = (torch.tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (spec.mean, spec.std))
    teacher = teacher.eval().to(device)

    def scores_of(pixels: Tensor) -> Tensor:
        height, width = spec.padded_hw((pixels.shape[1], pixels.shape[2]))
        x = torch.nn.functional.pad(
            (pixels.float() - mean) / std, (0, width - pixels.shape[2], 0, height - pixels.shape[1])
        )
        x = x[None].to(device).contiguous(memory_format=torch.channels_last)
        return teacher.scores(x)[0]  # type: ignore[operator]

    return Teaching(scores_of, teacher.stride, recipe.distill_confidence, recipe.distill_clear_px)  # type: ignore[arg-type]


def _validation(exam: Examination | None, spec: ModelSpec, device: str, only: tuple[str, ...] | None):  # type: ignore[no-untyped-def]
    if exam is None:
        return None
    return lambda model, step: exam.validated(model, spec, device, step, only)
