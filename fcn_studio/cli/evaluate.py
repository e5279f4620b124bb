"""`fcn-studio evaluate`: the four figures of the FCN paper for a checkpoint on labelled images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcn_studio.cli.console import (
    EXIT_FAILED,
    fail,
    handles_errors,
    ignore_option,
    note,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from fcn_studio.core.confusion import ConfusionMatrix, Metrics
    from fcn_studio.inference.evaluate import Evaluated

_HELP = """Measure --model on the images of DATASET (a labelled folder or a project).

Pixel accuracy, mean accuracy, mean IoU and frequency weighted IoU as in the FCN paper, between 0 and 1. The
network chooses among all its classes; void and unlabelled pixels are left out. A class in neither labels nor
predictions has no part in a mean. With --classes the sums and means run over those classes; the network still
chooses among all, and pixels labelled with another class count as mistakes where they are given one of those.
In a project of which single strokes are held out, val counts the pixels of those strokes.

With --boundary also the boundary F-score: of each image, how many border pixels of the prediction have one of
the labels within 2 pixels and the other way round, as F; then the mean over the images. Void lines are filled
from their nearest labels first.
"""


@click.command(help=_HELP)
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="Checkpoint; default: the embedded model.")
@click.option("--split", default="val", show_default=True, help="List of images, or all.")
@click.option("--classes", help="Take the means over these class keys only (a,b,...).")
@ignore_option
@click.option("--boundary", is_flag=True, help="Measure how near borders lie to those of the labels, too.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@partial(handles_errors, interrupted="Interrupted; nothing was measured.")
def evaluate(
    dataset: Path,
    model: Path | None,
    split: str,
    classes: str | None,
    ignored: tuple[int, ...],
    boundary: bool,
    device: str,
    as_json: bool,
) -> None:
    from fcn_studio.cli.sources import (
        count_images,
        keys_with_labels,
        only_ignored,
        parse_classes,
        tell_passed_over,
        unique_names,
    )
    from fcn_studio.core.errors import DatasetError, UsageError
    from fcn_studio.core.resources import resource_path
    from fcn_studio.inference.engine import make_engine
    from fcn_studio.inference.evaluate import evaluate as run_evaluation
    from fcn_studio.inference.predictor import Predictor
    from fcn_studio.project.sources import open_source

    void = only_ignored(ignored)
    source = open_source(dataset, void)
    tell_passed_over(source, split)
    names = source.names(split)
    if not names:
        raise UsageError(f"{dataset} has no labelled images in “{split}”: choose another --split, or all.")
    measured = keys_with_labels(source, void)
    name_of = dict(zip(source.class_keys, unique_names(source), strict=True))
    only = [name_of[key] for key in parse_classes(source, classes) or measured]
    engine = make_engine(model or resource_path("models", "embedded.safetensors"), device)
    try:
        _tell_unknown(engine.spec.class_keys, measured)
        walk = run_evaluation(
            source, names, Predictor(engine), only_held_out=split == "val", boundary=boundary
        )
        matrix, images = _follow(walk, len(names))
    finally:
        engine.close()
    left_out = [image.name for image in images if image.error is not None]
    if len(left_out) == len(images):
        raise DatasetError(f"None of the images of “{split}” can be read: mend them first.")
    labelled = dict(zip(name_of.values(), matrix.counts.sum(axis=1) + matrix.missed, strict=True))
    if not any(labelled[name] for name in only):
        what = f" as {', '.join(only)}" if classes else ""
        raise DatasetError(f"No pixel of “{split}” is labelled{what}: choose another --split, or all.")
    figures = _figures(matrix.compute_metrics(unique_names(source), only), images, boundary)
    if as_json:
        print_json(figures)
    else:
        _print_table(figures)
    if left_out:
        fail(f"{count_images(len(left_out))} could not be read: left out, see above.")
        raise SystemExit(EXIT_FAILED)


def _tell_unknown(known: Sequence[str], wanted: Sequence[str]) -> None:
    """Say which classes of the labels the network lacks. Raises DatasetError where it has none of them."""
    from fcn_studio.core.errors import DatasetError

    unknown = [key for key in wanted if key not in known]
    if wanted and len(unknown) == len(wanted):
        raise DatasetError(
            f"The network knows none of the classes here ({', '.join(unknown)}): its own are "
            f"{', '.join(known)}. Choose a --model that was trained on these."
        )
    if unknown:
        note(
            f"The network does not know {', '.join(unknown)} ({len(unknown)} of {len(wanted)} classes): "
            "their pixels all count as mistakes."
        )


def _follow(
    walk: Generator[Evaluated, None, ConfusionMatrix], total: int
) -> tuple[ConfusionMatrix, list[Evaluated]]:
    """The matrix and what was told of every image; complaints are printed as they come."""
    images: list[Evaluated] = []
    with progress(total, "Evaluating") as bar:
        while True:
            try:
                images.append(next(walk))
            except StopIteration as end:
                return end.value, images
            error = images[-1].error
            if error is not None:
                fail(error.user_message)
            bar.advance()


def _figures(metrics: Metrics, images: Sequence[Evaluated], boundary: bool) -> dict[str, Any]:
    """All that was measured, by the names that --json gives it."""
    left_out = [image.name for image in images if image.error is not None]
    figures: dict[str, Any] = {
        "images": len(images) - len(left_out),
        "left_out": left_out,
        "pixel_accuracy": metrics.pixel_accuracy,
        "mean_accuracy": metrics.mean_accuracy,
        "mean_iou": metrics.mean_iou,
        "frequency_weighted_iou": metrics.frequency_weighted_iou,
        "per_class_iou": metrics.per_class_iou,
    }
    if boundary:
        scores = [image.boundary_f for image in images if image.boundary_f is not None]
        figures["boundary_f"] = sum(scores) / len(scores) if scores else None
    return figures


def _print_table(figures: dict[str, Any]) -> None:
    """The figures for people, in percent."""
    from fcn_studio.cli.sources import count_images

    left_out = len(figures["left_out"])
    click.echo(count_images(figures["images"]) + (f", {left_out} left out" if left_out else ""))
    for name, value in figures.items():
        if isinstance(value, float):
            click.echo(f"{name.replace('_', ' '):24}{100 * value:6.1f} %")
    for name, value in figures["per_class_iou"].items():
        click.echo(f"  {name:22}" + ("not there" if value is None else f"{100 * value:6.1f} %"))
