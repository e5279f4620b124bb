"""`fcn-studio train`: train a network on a labelled folder or project; resumable."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from fcn_studio.cli.console import (
    FiniteRange,
    fail,
    handles_errors,
    ignore_option,
    note,
    print_json,
    progress,
)
from fcn_studio.core.cancel import CancelToken

_OPTIONS = ("upsampling", "score_width", "padding", "fc_channels")
"""Those of `create_model` that a person chooses; which classes are merged, the classes say."""


@click.command(help="Train a network on DATASET (a labelled folder or a project) and write it to --out.")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint to write.")
@click.option(
    "--start",
    "starts",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Checkpoint or DeepLab weights to start from; several: a network with the mean of their scores.",
)
@click.option("--architecture", help="A new network of this name (see `fcn-studio models`).")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Of the new network: {', '.join(_OPTIONS)}.",
)
@click.option(
    "--zoom",
    type=FiniteRange(0.25, 8),
    help="Enlarge pictures for the network, for things a few pixels thin.",
)
@click.option(
    "--weights",
    multiple=True,
    help="File for the new network's trunk, pretrained, or none; one for each part of a+b.",
)
@click.option("--stages", is_flag=True, help="Train the new network's coarser heads first: 32s, 16s, 8s.")
@click.option(
    "--recipe",
    "recipe_name",
    default="modern",
    show_default=True,
    help="See --list-recipes.",
)
@click.option(
    "--list-recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _option, asked: _list_recipes(context) if asked else None,
    help="Say what each recipe does, and end.",
)
@click.option("--steps", type=click.IntRange(1), help="Steps instead of the recipe's.")
@click.option(
    "--epochs",
    type=FiniteRange(0, 1e6, min_open=True),
    help="Instead of steps: how often the train list is shown.",
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Another number of the recipe.")
@click.option("--distill", type=float, help="Weight of what the start or teacher says where labels lack.")
@click.option("--classes", help="Validate on the mean over these class keys (a,b,...).")
@ignore_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, metavar="NUMBER", show_default=True)
@click.option("--run-folder", type=click.Path(path_type=Path), help="Keep config, state and log here.")
@click.option("--resume", is_flag=True, help="Go on with the run in --run-folder.")
@click.option("--overwrite", is_flag=True, help="Replace the checkpoint at --out (and a finished run's log).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@handles_errors
def train(
    dataset: Path,
    out: Path,
    starts: tuple[Path, ...],
    architecture: str | None,
    options: tuple[str, ...],
    zoom: float | None,
    weights: tuple[str, ...],
    stages: bool,
    recipe_name: str,
    steps: int | None,
    epochs: float | None,
    changes: tuple[str, ...],
    distill: float | None,
    classes: str | None,
    ignored: tuple[int, ...],
    device: str,
    seed: int,
    run_folder: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    from fcn_studio.cli.results import require_place
    from fcn_studio.cli.sources import colors_of, only_ignored, parse_classes, tell_passed_over
    from fcn_studio.core.errors import Cancelled, UsageError
    from fcn_studio.project.sources import open_source

    if resume and run_folder is None:
        raise UsageError("--resume needs the run to go on with: name it with --run-folder.")
    chosen = _choose_recipe(recipe_name, {"steps": steps, "epochs": epochs, "distill": distill}, changes)
    source = open_source(dataset, only_ignored(ignored))
    tell_passed_over(source, "train", "val")
    if epochs is not None:
        chosen = chosen.for_epochs(epochs, len(source.names("train")))
    only = parse_classes(source, classes)
    names = _stages_of(architecture, starts) if stages else ()
    require_place(out, names, run_folder, resume=resume, overwrite=overwrite)
    from fcn_studio.training.start import with_zoom  # torch comes last: what is wrong is told before

    begin = _open_start(source, starts, names[0] if names else architecture, options, weights, seed)
    begin = begin if zoom is None else with_zoom(begin, zoom)
    made = "fcn-studio " + shlex.join(sys.argv[1:])
    with stops_on_interrupt() as cancel:
        run = _runner(names)(
            begin, source, out, chosen, device=device, seed=seed, run_folder=run_folder, resume=resume,
            only=only, class_colors=colors_of(source), made=made, cancel=cancel,
        )  # fmt: skip
        try:
            outcome, left_out = _follow(run, chosen.steps * max(1, len(names)))
        except Cancelled:
            raise KeyboardInterrupt from None
    _tell(outcome, out, left_out, as_json)
    if cancel.stop_requested:
        raise KeyboardInterrupt


def _choose_recipe(name: str, wanted: dict[str, Any], changes: tuple[str, ...]) -> Any:
    """The recipe of this name with the numbers that were given; "epochs" are for later."""
    from fcn_studio.core.errors import UsageError
    from fcn_studio.training.recipe import parse_changes, recipe

    given = {key: value for key, value in wanted.items() if value is not None}
    if {"steps", "epochs"} <= given.keys():
        raise UsageError("--steps and --epochs say the same: give one of them.")
    changed = parse_changes(changes)
    for option, number in (("steps", "steps"), ("epochs", "steps"), ("distill", "distill")):
        if option in given and number in changed:
            raise UsageError(f"--{option} and --set {number} say the same: give one of them.")
    given.pop("epochs", None)
    return recipe(name).with_changes(**given, **changed)


def _tell(outcome: Any, out: Path, left_out: list[str], as_json: bool) -> None:
    from fcn_studio.cli.sources import count_images
    from fcn_studio.models.spec import checkpoint_paths

    weights_path = checkpoint_paths(out)[0]
    if left_out:
        note(f"{count_images(len(left_out))} could not be read: left out, see above.")
    if as_json:
        print_json(
            {
                "checkpoint": str(weights_path),
                "steps": outcome.steps,
                "seconds": round(outcome.seconds, 1),
                "validation_miou": outcome.best_miou,
                "validation_images": outcome.basis.images,
                "validation_strokes": outcome.basis.strokes,
                "left_out": left_out,
                "reason": outcome.reason,
            }
        )
        return
    score = "not measured"
    if outcome.best_miou is not None:
        score = f"{100 * outcome.best_miou:.1f} mIoU on {outcome.basis.describe('validation')}"
    steps = f"{outcome.steps} step{'' if outcome.steps == 1 else 's'}"
    note(f"{weights_path}: {steps} in {outcome.seconds:.0f} s, {score} ({outcome.reason}).")


def _list_recipes(context: click.Context) -> None:
    from fcn_studio.training.describe import describe
    from fcn_studio.training.recipe import recipes

    for entry in recipes():
        click.echo(f"{entry.name}: {entry.description}")
        for line in (*describe(entry), *([f"source: {entry.source}"] if entry.source else [])):
            click.echo(click.wrap_text(line, 100, "    ", "      "))
    context.exit()


def _stages_of(architecture: str | None, starts: tuple[Path, ...]) -> tuple[str, ...]:
    from fcn_studio.core.errors import UsageError
    from fcn_studio.training.stages import stage_names

    if architecture is None or starts:
        raise UsageError("--stages is for a new network: name it with --architecture, without --start.")
    return stage_names(architecture)


def _runner(names: tuple[str, ...]) -> Callable[..., Any]:
    """What makes the run's generator: in stages where their names are given."""
    from fcn_studio.training.dataset import train_dataset
    from fcn_studio.training.stages import train_stages

    return partial(train_stages, names=names) if names else train_dataset


def _open_start(
    source: Any,
    starts: tuple[Path, ...],
    architecture: str | None,
    options: tuple[str, ...],
    weights: tuple[str, ...],
    seed: int,
) -> Any:
    """What the run begins with: a new network where one is named, else a checkpoint, or several."""
    from fcn_studio.cli.models import fetch_pretrained
    from fcn_studio.core.errors import UsageError
    from fcn_studio.core.resources import resource_path
    from fcn_studio.training.start import make_start, open_start, open_sum

    if not starts and architecture is not None:
        return make_start(
            architecture,
            source,
            options=_parse_options(options),
            weights=fetch_pretrained(weights, architecture),
            seed=seed,
        )
    if options or weights:
        raise UsageError("--option and --weights are for a new network: name one with --architecture.")
    if len(starts) > 1:
        if architecture is not None:
            raise UsageError("A sum has the architectures of its starts: leave --architecture out.")
        return open_sum(starts, source)
    start = starts[0] if starts else resource_path("models", "embedded.safetensors")
    return open_start(start, source, architecture)


def _parse_options(words: tuple[str, ...]) -> dict[str, str | int]:
    """["score_width=96", "upsampling=unpool"] to values; whole numbers become int."""
    from fcn_studio.core.errors import UsageError

    pairs = [word.partition("=") for word in words]
    for name, _, _ in pairs:
        if name not in _OPTIONS:
            raise UsageError(f"A network has no option {name!r}: use one of {', '.join(_OPTIONS)}.")
    return {name: int(text) if text.isdecimal() else text for name, _, text in pairs}


def _follow(run: Any, steps: int) -> tuple[Any, list[str]]:
    """Iterate the run and move the bar; returns the run's outcome and the images that were left out."""
    from fcn_studio.training.events import LeftOut, Prepared, StageBegun, StepDone, Validated

    at = 0
    left_out: list[str] = []
    with progress(steps, "Training") as bar:
        while True:
            try:
                event = next(run)
            except StopIteration as end:
                return end.value, left_out
            if isinstance(event, LeftOut):
                if event.name not in left_out:  # every stage reads all of them
                    left_out.append(event.name)
                    fail(event.why)
            elif isinstance(event, StageBegun):
                note(f"stage {event.number} of {event.count}: {event.architecture}")
                at = 0
            elif isinstance(event, Prepared):
                bar.describe(f"Reading samples {event.done}/{event.total}")
            elif isinstance(event, StepDone):
                bar.advance(event.step - at)
                bar.describe(f"Training, loss {event.loss:.3f}")
                at = event.step
            elif isinstance(event, Validated):
                note(f"step {event.step}: {100 * event.miou:.2f} mIoU{' (best)' if event.best else ''}")


@contextmanager
def stops_on_interrupt() -> Iterator[CancelToken]:
    """The first Ctrl+C asks the run to finish with the best so far, the second breaks it off."""
    cancel = CancelToken()

    def on_interrupt(_number: int, _frame: object) -> None:
        if cancel.stop_requested:
            raise KeyboardInterrupt
        note("Finishing with the best network so far; press Ctrl+C again to break off.")
        cancel.request_stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
