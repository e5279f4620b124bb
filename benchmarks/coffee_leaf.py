"""How much a few labelled leaves teach: the embedded model against an ImageNet trunk and a random start.

    python benchmarks/coffee_leaf.py FOLDER --weights FOLDER [--steps 200] [--split val] [--plot FILE.png]

Trains each start on 10, 20 and 40 leaves of the data set with the same recipe and seed, and evaluates it on
the split (choose on "val"; "test" is read once, at the end). Prints mean IoU, the symptom's IoU and minutes;
results that are there (--out) are not computed again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.ports import Sample, SampleSource
from fcn_studio.core.resources import resource_path
from fcn_studio.inference.engine import make_engine
from fcn_studio.inference.evaluate import evaluate
from fcn_studio.inference.predictor import Predictor
from fcn_studio.project.sources import open_source
from fcn_studio.training.dataset import train_dataset
from fcn_studio.training.recipe import MODERN, Recipe
from fcn_studio.training.start import Start, make_start, open_start
from fcn_studio.training.validate import spread

LITE0 = "efficientnet_lite0_imagenet.safetensors"
COUNTS = (10, 20, 40)


class FewImages:
    """A data set of which only so many training images are known, evenly spread over its list."""

    def __init__(self, source: SampleSource, count: int) -> None:
        self._source = source
        self._count = count
        self.class_keys, self.class_names = source.class_keys, source.class_names

    def names(self, split: str) -> tuple[str, ...]:
        if split == "train":
            return spread(self._source.names("train"), self._count)
        return ()  # nothing to choose by: the last network is taken

    def read(self, name: str) -> Sample:
        return self._source.read(name)


def make_starts(weights: Path) -> dict[str, Callable[[SampleSource], Start]]:
    """What a run can begin with."""
    embedded = resource_path("models", "embedded.safetensors")
    return {
        "embedded model": lambda source: open_start(embedded, source),
        "ImageNet trunk": lambda source: make_start(
            "fcn8s_tf_efficientnet_lite0", source, weights=[str(weights / LITE0)]
        ),
        "from scratch": lambda source: make_start("fcn8s_tf_efficientnet_lite0", source),
    }


def make_recipe(steps: int) -> Recipe:
    """The same for every start: the modern one, with the small numbers that a short run wants."""
    return MODERN.with_changes(
        steps=steps, crop_px=321, whole_share_end=0.0, warm_up_steps=steps // 10, ema_decay=0.97,
        weights_back=0.0,
    )  # fmt: skip


def train(start: Start, source: SampleSource, recipe: Recipe, out: Path) -> float:
    """Train into ``out``; returns minutes."""
    run = train_dataset(start, source, out, recipe, cancel=CancelToken())
    while True:
        try:
            next(run)
        except StopIteration as end:
            return float(end.value.seconds) / 60


def measure(checkpoint: Path, source: SampleSource, split: str) -> dict[str, float]:
    """Mean IoU and the IoU of the symptom on a split, percent."""
    engine = make_engine(checkpoint, "cpu")
    walk = evaluate(source, source.names(split), Predictor(engine))
    while True:
        try:
            next(walk)
        except StopIteration as end:
            metrics = end.value.compute_metrics(source.class_keys)
            break
    engine.close()
    return {"miou": 100 * metrics.mean_iou, "symptom": 100 * (metrics.per_class_iou["symptom"] or 0.0)}


def plot(found: dict[str, dict[int, dict[str, float]]], path: Path) -> None:
    """Mean IoU over the number of leaves, one line a start."""
    colors = {"embedded model": "#0072b2", "ImageNet trunk": "#d55e00", "from scratch": "#666666"}
    scale, size, left, top, right, bottom = 2, (720, 420), 60, 24, 160, 60
    image = Image.new("RGB", (size[0] * scale, size[1] * scale), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13 * scale)
    values = [figures["miou"] for line in found.values() for figures in line.values()]
    low, high = 5 * int(min(values) / 5), 5 * int(max(values) / 5 + 1)

    def place(count: int, value: float) -> tuple[float, float]:
        across = left + (size[0] - left - right) * COUNTS.index(count) / (len(COUNTS) - 1)
        down = top + (size[1] - top - bottom) * (high - value) / (high - low)
        return across * scale, down * scale

    for value in range(low, high + 1, 5):
        (x0, y), (x1, _) = place(COUNTS[0], value), place(COUNTS[-1], value)
        draw.line([(x0, y), (x1, y)], "#dddddd", scale)
        draw.text((x0 - 12 * scale, y), str(value), "#333333", font, anchor="rm")
    for count in COUNTS:
        x, y = place(count, low)
        draw.text((x, y + 8 * scale), str(count), "#333333", font, anchor="mt")
    draw.text(
        (place(COUNTS[1], low)[0], (size[1] - 24) * scale), "labelled leaves", "#333333", font, anchor="mt"
    )
    draw.text((8 * scale, 4 * scale), "mIoU, %", "#333333", font)
    for name, line in found.items():
        points = [place(count, line[count]["miou"]) for count in COUNTS if count in line]
        draw.line(points, colors[name], 3 * scale)
        for x, y in points:
            draw.ellipse([x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale], colors[name])
        draw.text((points[-1][0] + 12 * scale, points[-1][1]), name, colors[name], font, anchor="lm")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("leaves", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, default=Path("out/coffee_leaf"))
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    source = open_source(asked.leaves, None)
    asked.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[int, dict[str, float]]] = {}
    print(f"{'start':16} {'leaves':>6} {'mIoU':>6} {'symptom':>8} {'minutes':>8}")
    for name, begin in make_starts(asked.weights).items():
        for count in COUNTS:
            stem = f"{name.lower().replace(' ', '_')}_{count}_{asked.steps}"
            checkpoint = asked.out / f"{stem}.safetensors"
            trained = checkpoint.with_suffix(".minutes")
            if not trained.exists():
                few = FewImages(source, count)
                minutes = train(begin(few), few, make_recipe(asked.steps), checkpoint)
                trained.write_text(json.dumps(minutes))
            result = checkpoint.with_suffix(f".{asked.split}")
            if not result.exists():
                result.write_text(json.dumps(measure(checkpoint, source, asked.split)))
            figures = {**json.loads(result.read_text()), "minutes": json.loads(trained.read_text())}
            found.setdefault(name, {})[count] = figures
            columns = f"{figures['miou']:6.1f} {figures['symptom']:8.1f} {figures['minutes']:8.1f}"
            print(f"{name:16} {count:6} {columns}", flush=True)
    if asked.plot is not None:
        plot(found, asked.plot)


if __name__ == "__main__":
    main()
