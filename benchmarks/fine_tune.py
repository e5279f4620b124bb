"""Teach the embedded model a cup it never knew from six strokes, and see what it learns, keeps and costs.

    python benchmarks/fine_tune.py [--checkpoint PATH] [--seed N]

Prints one JSON line: share of the painted pixels predicted as "cup" before and after, share of pixels farther
than 50 px from any stroke whose prediction stayed, steps, seconds, the longest pause between two events (how
long a more urgent job would wait), and the losses.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.ports import Sample
from fcn_studio.core.raster import make_capsule
from fcn_studio.core.resources import resource_path
from fcn_studio.inference.engine import make_engine
from fcn_studio.inference.evaluate import make_channel_lut
from fcn_studio.inference.predictor import Predictor
from fcn_studio.io.images import read_image
from fcn_studio.training.events import StepDone
from fcn_studio.training.fine_tune import fine_tune
from fcn_studio.training.recipe import FINE_TUNE

KEYS = ("background", "person", "cat", "diningtable", "cup")
CUP = KEYS.index("cup")
BRUSH_PX = 30
STROKES_XY = (
    ((205, 95), (245, 60), (300, 48), (355, 60)),
    ((190, 130), (195, 170), (210, 205)),
    ((392, 110), (396, 150), (385, 195)),
    ((225, 225), (265, 250), (320, 252)),
    ((340, 245), (370, 220), (385, 200)),
    ((240, 120), (300, 95), (345, 125)),
)


class OneImage:
    """A source with one image, everything else unlabelled."""

    class_keys = class_names = KEYS

    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def names(self, split: str) -> tuple[str, ...]:
        return (self._sample.name,) if split in ("train", "all") else ()

    def read(self, _name: str) -> Sample:
        return self._sample


def paint(shape_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels [H, W]: the strokes are "cup", the rest has no label."""
    labels = np.full(shape_hw, 255, np.uint8)
    for points in STROKES_XY:
        for (x0, y0), (x1, y1) in pairwise(points):
            box, mask = make_capsule((y0, x0), (y1, x1), BRUSH_PX, shape_hw)
            labels[box.slices][mask] = CUP
    return labels


def predict(checkpoint: Path, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index into KEYS for every pixel, 255 where the network says something else."""
    engine = make_engine(checkpoint, "cpu")
    lut = make_channel_lut(engine.spec.class_keys, KEYS)
    try:
        return lut[Predictor(engine).predict(pixels).channels]
    finally:
        engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=resource_path("models", "embedded.safetensors"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pixels = read_image(resource_path("samples", "coffee.jpg")).pixels
    labels = paint(pixels.shape[:2])
    painted, far = labels == CUP, distance_transform_edt(labels == 255) > 50
    before = predict(options.checkpoint, pixels)
    with tempfile.TemporaryDirectory() as folder:
        out, losses, pauses = Path(folder) / "child", [], []
        source = OneImage(Sample("coffee", pixels, labels))
        began = last = time.perf_counter()
        run = fine_tune(
            options.checkpoint,
            source,
            out,
            recipe=FINE_TUNE,
            device="cpu",
            seed=options.seed,
            cancel=CancelToken(),
        )
        while True:
            try:
                event = next(run)
            except StopIteration as end:
                result = end.value
                break
            now = time.perf_counter()
            pauses.append(now - last)
            last = now
            if isinstance(event, StepDone):
                losses.append(round(event.loss, 3))
        seconds = time.perf_counter() - began
        after = predict(out, pixels)
    print(
        json.dumps(
            {
                "painted_pixels": int(painted.sum()),
                "agreement_before": round(float((before[painted] == CUP).mean()), 4),
                "agreement_after": round(float((after[painted] == CUP).mean()), 4),
                "agreement_elsewhere": round(float((before[far] == after[far]).mean()), 4),
                "steps": result.steps,
                "seconds": round(seconds, 1),
                "median_pause_seconds": round(statistics.median(pauses), 3),
                "longest_pause_seconds": round(max(pauses), 3),
                "losses": losses[::5],
            }
        )
    )


if __name__ == "__main__":
    main()
