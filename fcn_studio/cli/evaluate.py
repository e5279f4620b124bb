"""`fcn-studio evaluate`: the four figures of the FCN paper for a checkpoint on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fcn_studio.cli.console import EXIT_FAILED, fail, handles_errors, print_json, progress

_HELP = """Measure --model on the images of DATASET (a labelled folder or a project).

Pixel accuracy, mean accuracy, mean IoU and frequency weighted IoU as in the FCN paper, between 0 and 1. The
network chooses among all its classes; void and unlabelled pixels are left out. A class in neither labels nor
predictions has no part in a mean. With --classes the sums and means run over those classes; the network still
chooses among all, and pixels labelled with another class count as mistakes where they are given one of those.
"""


@click.command(help=_HELP)
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="Checkpoint; default: the embedded model.")
@click.option("--split", default="val", show_default=True, help="List of images, or all.")
@click.option("--classes", help="Take the means over these class keys only (a,b,...).")
@click.option("--ignore", type=click.IntRange(0, 255), help="One more mask value that means no label.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@handles_errors
def evaluate(
    dataset: Path,
    model: Path | None,
    split: str,
    classes: str | None,
    ignore: int | None,
    device: str,
    as_json: bool,
) -> None:
    from fcn_studio.cli.sources import parse_classes, unique_names
    from fcn_studio.core.errors import UsageError
    from fcn_studio.core.resources import resource_path
    from fcn_studio.inference.engine import make_engine
    from fcn_studio.inference.evaluate import evaluate as run_evaluation
    from fcn_studio.inference.predictor import Predictor
    from fcn_studio.project.sources import open_source

    source = open_source(dataset, ignore)
    names = source.names(split)
    if not names:
        raise UsageError(f"{dataset} has no labelled images in “{split}”: choose another --split, or all.")
    chosen = parse_classes(source, classes)
    name_of = dict(zip(source.class_keys, unique_names(source), strict=True))
    only = None if chosen is None else [name_of[key] for key in chosen]
    engine = make_engine(model or resource_path("models", "embedded.safetensors"), device)
    complaints = 0
    try:
        with progress(len(names), "Evaluating") as bar:
            walk = run_evaluation(source, names, Predictor(engine))
            while True:
                try:
                    image = next(walk)
                except StopIteration as end:
                    matrix = end.value
                    break
                if image.error is not None:
                    complaints += 1
                    fail(image.error.user_message)
                bar.advance()
    finally:
        engine.close()
    metrics = matrix.compute_metrics(unique_names(source), only)
    figures = {
        "pixel_accuracy": metrics.pixel_accuracy,
        "mean_accuracy": metrics.mean_accuracy,
        "mean_iou": metrics.mean_iou,
        "frequency_weighted_iou": metrics.frequency_weighted_iou,
        "per_class_iou": metrics.per_class_iou,
    }
    if as_json:
        print_json(figures)
    else:
        _print_table(figures, len(names) - complaints)
    if complaints:
        raise SystemExit(EXIT_FAILED)


def _print_table(figures: dict[str, Any], images: int) -> None:
    """The figures for people, in percent."""
    click.echo(f"{images} images")
    for name, value in figures.items():
        if isinstance(value, float):
            click.echo(f"{name.replace('_', ' '):24}{100 * value:6.1f} %")
    for name, value in figures["per_class_iou"].items():
        click.echo(f"  {name:22}" + ("not there" if value is None else f"{100 * value:6.1f} %"))
