"""`fcn-studio predict`: images and folders of images to masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fcn_studio.cli import console
from fcn_studio.core.errors import FcnStudioError

if TYPE_CHECKING:
    from fcn_studio.inference.batch import Outcome
    from fcn_studio.inference.engine import Engine


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    "out_dir",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the masks; made if it is not there.",
)
@click.option(
    "--model",
    "model_path",
    metavar="CKPT",
    type=click.Path(path_type=Path),
    help="Checkpoint (.safetensors with its .json beside it); without it the embedded network.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the network runs.",
)
@click.option(
    "--overlay", is_flag=True, help="Also write NAME.overlay.png: the image with its classes over it."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON document.")
@console.handles_errors
def predict(
    paths: tuple[Path, ...],
    out_dir: Path,
    model_path: Path | None,
    device: str,
    overlay: bool,
    as_json: bool,
) -> None:
    """Write a mask for every image among PATHs: files, or folders with everything in them.

    For cat.jpg that is DIR/cat.png, an indexed PNG of class indices, as large as the image as displayed.
    Folders keep their inner structure. Two images of one name take their full file name: cat.jpg.png.
    Masks of an earlier run in DIR are replaced, images that were named never.

    Exit code 1 when an input could not be done (it is named; the others are done), 130 after Ctrl+C (what was
    finished is kept).
    """
    # Imported here so that `fcn-studio --help` does not wait for numpy.
    from fcn_studio.core.resources import resource_path
    from fcn_studio.inference.batch import predict_files
    from fcn_studio.inference.engine import make_engine
    from fcn_studio.inference.outputs import plan_outputs
    from fcn_studio.inference.predictor import Predictor
    from fcn_studio.io.atomic import make_folder

    plan = plan_outputs(paths, out_dir)
    engine = make_engine(model_path or resource_path("models", "embedded.safetensors"), device)
    make_folder(out_dir)
    report = _Report()
    for path, error in plan.problems:
        report.add_failure(path, error)
    steps = predict_files(plan.outputs, Predictor(engine), with_overlay=overlay)
    try:
        with console.progress(len(plan.outputs), "Predicting") as bar:
            for outcome in steps:
                report.add(outcome)
                bar.advance()
    finally:
        # Also after Ctrl+C: files that were being written are finished, and what is done is reported.
        steps.close()
        engine.close()
        if as_json:
            console.print_json(report.to_json(engine, out_dir))
    report.summarize(out_dir)
    if report.failures:
        raise SystemExit(console.EXIT_FAILED)


class _Report:
    """What was done: complaints go to stderr at once, the rest is kept for the end."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []
        self.failures = 0

    def add_failure(self, path: Path, error: FcnStudioError) -> None:
        console.fail(error.user_message)
        self.images.append({"image": str(path), "error": error.user_message})
        self.failures += 1

    def add(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.add_failure(outcome.image, outcome.error)
            return
        if outcome.notice:
            console.note(outcome.notice)
        self.images.append(
            {
                "image": str(outcome.image),
                "mask": str(outcome.mask),
                "overlay": None if outcome.overlay is None else str(outcome.overlay),
                "height": outcome.height,
                "width": outcome.width,
                "classes": {name: round(share, 6) for name, share in outcome.shares.items()},
                "seconds": round(outcome.seconds, 4),
                "notice": outcome.notice,
            }
        )

    def to_json(self, engine: Engine, out_dir: Path) -> dict[str, Any]:
        return {
            "checkpoint": engine.spec.id,
            "engine": engine.name,
            "classes": list(engine.spec.class_names),
            "out": str(out_dir),
            "failed": self.failures,
            "images": self.images,
        }

    def summarize(self, out_dir: Path) -> None:
        done = len(self.images) - self.failures
        masks = f"{done} mask{'' if done == 1 else 's'}"
        not_done = f", {self.failures} not done" if self.failures else ""
        console.summarize(f"{masks} in {out_dir}{not_done}")
