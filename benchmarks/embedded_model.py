"""The embedded model beside the teacher it comes from: regions, borders, the other classes, size and time.

    python benchmarks/embedded_model.py [--data FOLDER] [--teacher ONNX] [--model CHECKPOINT] [--json FILE]

Both predict the images of the validation list with the free choice of all 21 classes; void does not count.
The teacher gets the picture filled up with grey to 16 k + 1 at the right and the bottom, and its scores are
enlarged with aligned corners. "Other classes" are the labelled pixels of the 14 classes that are neither
background, an animal nor a person: the share that is right, and of those on which the teacher is right the
share that the model gets right, too. Ends with 1 where a bar of the project is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from fcn_studio.core.boundary import compute_boundary_f
from fcn_studio.core.confusion import ConfusionMatrix
from fcn_studio.core.resources import resource_path
from fcn_studio.inference.engine import Engine, make_engine
from fcn_studio.inference.evaluate import make_channel_lut
from fcn_studio.inference.graphs import find_graph
from fcn_studio.inference.predictor import Predictor
from fcn_studio.models.spec import ModelSpec, checkpoint_paths
from fcn_studio.project.sources import open_source

SEVEN = ("background", "cat", "cow", "dog", "horse", "person", "sheep")
SHARED = Path(__file__).resolve().parents[2] / "shared"
TIMED_HW = (375, 500)
THREADS = 2


class OnnxEngine:
    """The teacher's graph behind the engine protocol, so that one predictor serves both."""

    name = "OpenVINO f32, cpu"

    def __init__(self, graph: Path, class_keys: Sequence[str]) -> None:
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS}
        compiled = openvino.Core().compile_model(str(graph), "CPU", settings)
        self._request = compiled.create_infer_request()
        keys = tuple(class_keys)
        self.spec = ModelSpec(
            name="teacher", architecture="deeplabv3", class_keys=keys, class_names=keys, stride=16
        )

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        self._request.infer([np.ascontiguousarray(x)])
        return np.array(self._request.get_output_tensor(0).data[0])

    def close(self) -> None:
        self._request = None


@dataclass
class Measured:
    """What is counted of one network."""

    matrix: ConfusionMatrix
    boundary: list[float] = field(default_factory=list)
    others_right: int = 0

    def add(self, labels: NDArray[np.uint8], classes: NDArray[np.uint8], others: NDArray[np.bool_]) -> None:
        self.matrix.add(labels, classes)
        score = compute_boundary_f(labels, classes)
        if score is not None:
            self.boundary.append(score)
        self.others_right += int((classes == labels)[others].sum())

    def figures(self, keys: Sequence[str], others: int) -> dict[str, Any]:
        """Percent."""
        all_classes = self.matrix.compute_metrics(keys)
        seven = self.matrix.compute_metrics(keys, SEVEN)
        iou = {key: None if v is None else 100 * v for key, v in all_classes.per_class_iou.items()}
        return {
            "mean_iou_of_7": 100 * seven.mean_iou,
            "boundary_f": 100 * statistics.fmean(self.boundary),
            "other_classes_right": 100 * self.others_right / others,
            "pixel_accuracy": 100 * all_classes.pixel_accuracy,
            "per_class_iou": iou,
        }


def measure(data: Path, split: str, teacher: Engine, model: Engine) -> dict[str, Any]:
    """Both on one split of a labelled folder with VOC's class keys."""
    source = open_source(data, None)
    keys = source.class_keys
    networks = {"teacher": Predictor(teacher), "model": Predictor(model)}
    found = {name: Measured(ConfusionMatrix(len(keys))) for name in networks}
    others_of = np.array([key not in SEVEN for key in keys] + [False] * (256 - len(keys)))
    others = kept = taught = 0
    names = source.names(split)
    for name in names:
        sample = source.read(name)
        is_other = others_of[sample.labels]
        right = {}
        for word, predictor in networks.items():
            lut = make_channel_lut(predictor.spec.class_keys, keys)
            classes = lut[predictor.predict(sample.pixels).channels]
            found[word].add(sample.labels, classes, is_other)
            right[word] = (classes == sample.labels) & is_other
        others += int(is_other.sum())
        taught += int(right["teacher"].sum())
        kept += int((right["teacher"] & right["model"]).sum())
    figures = {word: measured.figures(keys, others) for word, measured in found.items()}
    return {"images": len(names), **figures, "kept_of_teacher_right": 100 * kept / taught}


def time_model(model: Engine, repeats: int) -> dict[str, float]:
    """Milliseconds for a photograph of 500 x 375: the network alone, and with all that makes labels of it."""
    predictor = Predictor(model)
    pixels = np.random.default_rng(0).integers(0, 256, (*TIMED_HW, 3)).astype(np.uint8)
    x = np.zeros((1, 3, *model.spec.padded_hw(TIMED_HW)), np.float32)
    times: dict[str, list[float]] = {"network_ms": [], "prediction_ms": []}
    for _ in range(repeats + 2):
        began = time.perf_counter()
        model.scores(x)
        times["network_ms"].append(time.perf_counter() - began)
        began = time.perf_counter()
        predictor.predict(pixels)
        times["prediction_ms"].append(time.perf_counter() - began)
    return {word: 1000 * statistics.median(values[2:]) for word, values in times.items()}


def judge(figures: dict[str, Any]) -> dict[str, tuple[float, float, bool]]:
    """Bar by bar: (measured, bar, held). The model is to be above the first and at or beyond the others."""
    teacher, model = figures["teacher"], figures["model"]
    return {
        "mean IoU of 7 classes above": _above(model["mean_iou_of_7"], teacher["mean_iou_of_7"]),
        "boundary F at least": _least(model["boundary_f"], teacher["boundary_f"] + 10),
        "other classes right at least": _least(model["other_classes_right"], teacher["other_classes_right"]),
        "kept where the teacher is right": _least(figures["kept_of_teacher_right"], 90.0),
        "megabytes of the larger file at most": _most(max(figures["file_bytes"].values()) / 1e6, 12.0),
        "network, ms at most": _most(figures["network_ms"], 40.0),
    }


def _above(value: float, bar: float) -> tuple[float, float, bool]:
    return value, bar, value > bar


def _least(value: float, bar: float) -> tuple[float, float, bool]:
    return value, bar, value >= bar


def _most(value: float, bar: float) -> tuple[float, float, bool]:
    return value, bar, value <= bar


def print_report(figures: dict[str, Any]) -> bool:
    """The tables; whether every bar holds."""
    teacher, model = figures["teacher"], figures["model"]
    print(f"{figures['images']} images; percent\n{'IoU':20}{'teacher':>9}{'model':>9}")
    for key, value in teacher["per_class_iou"].items():
        if value is not None or model["per_class_iou"][key] is not None:
            print(f"{key:20}{value or 0:9.1f}{model['per_class_iou'][key] or 0:9.1f}")
    for key in ("mean_iou_of_7", "boundary_f", "other_classes_right", "pixel_accuracy"):
        print(f"{key:20}{teacher[key]:9.2f}{model[key]:9.2f}")
    print(f"whole prediction {figures['prediction_ms']:.1f} ms")
    bars = judge(figures)
    for word, (value, bar, held) in bars.items():
        print(f"{'holds ' if held else 'MISSED'}  {word}: {value:.2f} (bar {bar:.2f})")
    return all(held for _, _, held in bars.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "voc_animals")
    parser.add_argument("--split", default="val")
    parser.add_argument("--teacher", type=Path, default=SHARED / "weights" / "deeplabv3_mnv2_voc21.onnx")
    parser.add_argument("--model", type=Path, default=resource_path("models", "embedded.safetensors"))
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for path in (options.data, options.teacher):
        if not path.exists():
            print(f"{path} is missing: name it with --data or --teacher.", file=sys.stderr)
            return 2
    model = make_engine(options.model, "cpu", threads=THREADS)
    try:
        teacher = OnnxEngine(options.teacher, model.spec.class_keys)
        figures = measure(options.data, options.split, teacher, model)
        figures |= time_model(model, options.repeats)
    finally:
        model.close()
    graph = find_graph(options.model)
    files = [checkpoint_paths(options.model)[0], *([graph] if graph else [])]
    figures["file_bytes"] = {path.name: path.stat().st_size for path in files}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if print_report(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
