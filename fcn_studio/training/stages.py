"""Staged training: 32s, then 16s from it, then 8s from that, each at a hundredth of the rates before it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, UsageError
from fcn_studio.core.ports import SampleSource
from fcn_studio.models.checkpoint import load_checkpoint, save_checkpoint
from fcn_studio.models.growth import grow_head
from fcn_studio.models.heads import HEADS
from fcn_studio.models.registry import architectures, create_model, heads_of, trunks
from fcn_studio.models.spec import checkpoint_paths
from fcn_studio.training.dataset import train_dataset
from fcn_studio.training.events import StageBegun, TrainEvent
from fcn_studio.training.loop import STOPPED, Outcome
from fcn_studio.training.randomness import PrivateRandom
from fcn_studio.training.run_folder import CONFIG
from fcn_studio.training.settings import Recipe
from fcn_studio.training.start import Start, child_card


def stage_names(architecture: str) -> tuple[str, ...]:
    """The networks on the way to ``architecture``, coarsest first, itself last.

    Raises UsageError for one that has no coarser head (the head names the finest stride).
    """
    head, _, trunk = architecture.partition("_")
    known = {entry.name: heads_of(entry) for entry in trunks()}
    heads = [name for name in known.get(trunk, tuple(HEADS)) if HEADS[name] >= HEADS.get(head, 64)]
    is_one_piece = architecture in architectures() and trunk not in known
    if "+" in architecture or is_one_piece or len(heads) < 2:
        raise UsageError(
            f"{architecture} cannot be trained in stages: choose a network like fcn8s_vgg16, whose head has "
            "coarser ones before it."
        )
    return tuple(f"{name}_{trunk}" for name in heads)


def train_stages(
    start: Start,
    source: SampleSource,
    out_path: Path,
    recipe: Recipe,
    *,
    names: tuple[str, ...],
    seed: int = 0,
    run_folder: Path | None = None,
    resume: bool = False,
    cancel: CancelToken,
    **more: Any,
) -> Generator[TrainEvent, None, Outcome]:
    """Train ``start``, a network of ``names[0]``, then each network grown from the one before it.

    Every stage has its own folder in ``run_folder``, and its result lies beside ``out_path`` with the head's
    name behind a hyphen; the last one, or the one that was stopped, at ``out_path`` (where it was stopped as
    it read its samples, the one before it, if nothing lies there). ``more`` and the errors are those of
    ``train_dataset``; a network that cannot be built is refused before the first stage.
    """
    _require_buildable(names[1:], start, seed)
    for number, name in enumerate(names):
        last = number == len(names) - 1
        path = out_path if last else stage_path(out_path, name)
        folder = None if run_folder is None else run_folder / name
        yield StageBegun(name, number + 1, len(names))
        if resume and not last and run_folder is not None and _has_begun(run_folder / names[number + 1]):
            start = grow_start(path, source, seed)
            continue
        try:
            outcome = yield from train_dataset(
                start, source, path, recipe.for_stage(number), seed=seed, run_folder=folder,
                resume=resume and folder is not None and _has_begun(folder), cancel=cancel, **more,
            )  # fmt: skip
        except Cancelled:
            if number and cancel.stop_requested and not checkpoint_paths(out_path)[0].exists():
                _give(stage_path(out_path, names[number - 1]), out_path)
            raise
        if outcome.reason == STOPPED and not last:
            _give(path, out_path)
            return outcome
        if not last:
            start = grow_start(path, source, seed)
    return outcome


def _give(path: Path, out_path: Path) -> None:
    """Write the network of an earlier stage as the result, under the result's name."""
    model, spec = load_checkpoint(path)
    name = checkpoint_paths(out_path)[0].stem
    save_checkpoint(out_path, model, msgspec.structs.replace(spec, name=name))


def stage_path(out_path: Path, architecture: str) -> Path:
    """Where the network of an earlier stage is written: ``camvid.safetensors`` to ``camvid-fcn32s...``."""
    suffix = out_path.suffix if out_path.suffix in (".safetensors", ".json") else ""
    stem = out_path.name.removesuffix(suffix)
    return out_path.with_name(f"{stem}-{architecture.partition('_')[0]}{suffix}")


def grow_start(path: Path, source: SampleSource, seed: int = 0) -> Start:
    """The checkpoint with a head one stride finer, which begins with its scores carried there (see
    ``grow_head``): the new skip's are zero, and what a head has before them is random, by ``seed``."""
    model, spec = load_checkpoint(path)
    with PrivateRandom(seed).lent():
        grown = grow_head(model)
    card = msgspec.structs.replace(
        child_card(spec, source), name=grown.name, architecture=grown.name, **grown.card_geometry()
    )
    return Start(grown, card)


def _require_buildable(names: Sequence[str], start: Start, seed: int) -> None:
    """Raise CheckpointError where one of the networks does not go with the options of ``start``."""
    with torch.device("meta"), PrivateRandom(seed).lent():  # without memory or time for its weights
        for name in names:
            create_model(name, start.model.classes, **start.model.options)  # type: ignore[arg-type]


def _has_begun(folder: Path) -> bool:
    return (folder / CONFIG).is_file()
