"""The real device thread, without Qt, predicts and fine-tunes: latency, throughput, memory, time to cancel.

`python benchmarks/device.py [--device cpu|cuda]... [--repeats N] [--json FILE]`. Without --device: the CPU
and, where torch can use one, the CUDA device. Pictures are the samples that come with the program; what is
taught is a few strokes of a made-up class. Times are from submitting a job to its callback.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fcn_studio.core.ports import QueueDispatcher, Sample
from fcn_studio.core.resources import resource_path
from fcn_studio.inference import engine as engines
from fcn_studio.inference.predictor import Predictor
from fcn_studio.io.images import IMAGE_SUFFIXES, read_image
from fcn_studio.jobs import DeviceThread, Priority

SIZE_HW = (375, 500)
LARGE_HW = (3000, 4000)
PATIENCE_S = 600.0


class Bench:
    """A device thread, its dispatcher, and jobs that are waited for."""

    def __init__(self) -> None:
        self.dispatcher = QueueDispatcher()
        self.thread = DeviceThread(self.dispatcher)

    def run(self, job: Callable[[Any], Any], priority: Priority = Priority.EXACT) -> tuple[Any, float]:
        """(result, seconds from submitting to the callback) of one job; raises what it raised."""
        answers: list[tuple[Any, BaseException | None]] = []
        began = time.perf_counter()
        self.thread.submit(
            object(),
            priority,
            job,
            on_done=lambda result: answers.append((result, None)),
            on_failed=lambda error: answers.append((None, error)),
        )
        self.wait(lambda: bool(answers))
        seconds = time.perf_counter() - began
        result, error = answers[0]
        if error is not None:
            raise error
        return result, seconds

    def wait(self, reached: Callable[[], bool]) -> None:
        """Run callbacks until `reached()`."""
        if not self.dispatcher.run_until(reached, PATIENCE_S):
            raise TimeoutError("the device thread did not answer")

    def cancel(self, job: Callable[[Any], Any], priority: Priority, after_s: float) -> float:
        """Seconds from cancelling a job, `after_s` after its start, to its callback."""
        running, ended = threading.Event(), []

        def started(token: Any) -> Any:
            running.set()
            return job(token)

        handle = self.thread.submit(
            "to cancel", priority, started, lambda _: ended.append(0), on_cancelled=lambda: ended.append(1)
        )
        running.wait(PATIENCE_S)
        self.dispatcher.run_until(lambda: bool(ended), after_s)
        began = time.perf_counter()
        handle.cancel()
        self.wait(lambda: bool(ended))
        return time.perf_counter() - began


class Strokes:
    """A source of training samples: every picture with two stripes of a class that no network knows."""

    class_keys = class_names = ("background", "stripe")

    def __init__(self, pictures: dict[str, np.ndarray]) -> None:
        self._pictures = pictures

    def names(self, split: str) -> tuple[str, ...]:
        return tuple(self._pictures) if split in ("train", "all") else ()

    def read(self, name: str) -> Sample:
        pixels = self._pictures[name]
        height, width = pixels.shape[:2]
        labels = np.full((height, width), 255, np.uint8)
        labels[height // 8 : height // 8 + 20, width // 8 : -width // 8] = 0
        labels[-height // 4 : -height // 4 + 20, width // 8 : -width // 8] = 1
        return Sample(name, pixels, labels)


def read_pictures() -> dict[str, np.ndarray]:
    """The sample photographs, scaled to the size that the design's table uses."""
    from PIL import Image

    files = sorted(p for p in resource_path("samples").iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    turned = (SIZE_HW[1], SIZE_HW[0])
    return {p.name: np.asarray(Image.fromarray(read_image(p).pixels).resize(turned)) for p in files}


def measure_prediction(
    bench: Bench, predictor: Predictor, pixels: np.ndarray, repeats: int
) -> dict[str, float]:
    """Latency one by one, throughput of a full queue, a large picture, and how soon one can be called off."""
    large = np.resize(pixels, (*LARGE_HW, 3))

    def predict(token: Any) -> Any:
        return predictor.predict(pixels, cancel=token)

    _, first_s = bench.run(predict)
    times = [bench.run(predict)[1] for _ in range(repeats)]
    done: list[Any] = []
    began = time.perf_counter()
    for number in range(repeats):
        bench.thread.submit(number, Priority.BATCH, predict, done.append)
    bench.wait(lambda: len(done) == repeats)
    queue_s = time.perf_counter() - began
    large_s = [bench.run(lambda token: predictor.predict(large, cancel=token))[1] for _ in range(3)]
    cancels = [
        bench.cancel(lambda token: predictor.predict(large, cancel=token), Priority.EXACT, 0.02 * n)
        for n in range(1, 6)
    ]
    return {
        "first_ms": 1e3 * first_s,
        "median_ms": 1e3 * float(np.median(times)),
        "p99_ms": 1e3 * float(np.percentile(times, 99)),
        "images_per_s": repeats / queue_s,
        "large_12mp_ms": 1e3 * float(np.median(large_s)),
        "cancel_large_ms": 1e3 * max(cancels),
    }


def measure_training(
    bench: Bench, predictor: Predictor, pictures: dict[str, np.ndarray], device: str, steps: int
) -> dict[str, float]:
    """Fine-tuning: time a step, what a prediction waits meanwhile, and how soon a run can be called off."""
    from fcn_studio.training.events import StepDone
    from fcn_studio.training.fine_tune import fine_tune
    from fcn_studio.training.recipe import recipe

    pixels = next(iter(pictures.values()))
    marks: list[float] = []
    ended: list[Any] = []
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as folder:

        def train(token: Any, wanted: int = steps) -> Iterator[Any]:
            return fine_tune(
                resource_path("models", "embedded.safetensors"),
                Strokes(pictures),
                Path(folder, "taught"),
                recipe=recipe("fine_tune").with_changes(steps=wanted, learnt_share=0.0),
                device=device,
                cancel=token,
            )

        def on_event(event: Any) -> None:
            if isinstance(event, StepDone):
                marks.append(time.perf_counter())

        bench.thread.submit(
            "train", Priority.TRAINING, train, ended.append, ended.append, on_progress=on_event
        )
        bench.wait(lambda: len(marks) > 3 or bool(ended))
        while not ended:
            waits.append(bench.run(lambda token: predictor.predict(pixels, cancel=token))[1])
            bench.dispatcher.run_until(lambda: bool(ended), 0.2)
        if isinstance(ended[0], BaseException):
            raise ended[0]
        cancels = [bench.cancel(lambda token: train(token, 10_000), Priority.TRAINING, 2.0) for _ in range(3)]
    return {
        "step_median_ms": 1e3 * float(np.median(np.diff(marks))),
        "step_max_ms": 1e3 * float(np.max(np.diff(marks))),
        "run_s": marks[-1] - marks[0],
        "predict_meanwhile_median_ms": 1e3 * float(np.median(waits)),
        "predict_meanwhile_max_ms": 1e3 * max(waits),
        "cancel_training_ms": 1e3 * max(cancels),
    }


@contextmanager
def watched_memory(device: str, figures: dict[str, float]) -> Iterator[None]:
    """Add the most memory the process, and the CUDA device, held while the block ran."""
    cuda = None
    if device == "cuda":
        from torch import cuda

        cuda.reset_peak_memory_stats()
    yield
    figures["process_peak_mb"] = peak_memory_mb()
    if cuda is not None:
        figures["cuda_peak_mb"] = cuda.max_memory_allocated() / 2**20


def peak_memory_mb() -> float:
    """Most memory the process has held so far (so a later device never shows less than an earlier one)."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure_device(device: str, repeats: int, steps: int) -> dict[str, Any]:
    """All figures of one device; the engine is made and used on the device thread alone."""
    figures: dict[str, Any] = {}
    pictures = read_pictures()
    bench = Bench()
    try:
        with watched_memory(device, figures):
            checkpoint = resource_path("models", "embedded.safetensors")
            engine, seconds = bench.run(lambda _token: engines.make_engine(checkpoint, device))
            figures |= {"engine": engine.name, "engine_ready_ms": 1e3 * seconds}
            predictor = Predictor(engine)
            figures |= measure_prediction(bench, predictor, next(iter(pictures.values())), repeats)
            if steps:
                figures |= measure_training(bench, predictor, pictures, device, steps)
    finally:
        began = time.perf_counter()
        figures["closed"] = bench.thread.close(10.0)
        figures["close_ms"] = 1e3 * (time.perf_counter() - began)
    return figures


def find_devices() -> list[str]:
    from fcn_studio.inference.device import choose_device

    return ["cpu", "cuda"] if choose_device("auto") == "cuda" else ["cpu"]


def print_table(found: dict[str, dict[str, Any]]) -> None:
    """One row a figure, one column a device."""
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    print(f"{'':28}" + "".join(f"{device:>22}" for device in found))
    for name in names:
        cells = [figures.get(name, "") for figures in found.values()]
        shown = [f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells]
        print(f"{name:28}" + "".join(f"{cell:>22}" for cell in shown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", action="append", choices=["cpu", "cuda"])
    parser.add_argument("--repeats", type=int, default=100, help="predictions a figure (default 100)")
    parser.add_argument("--steps", type=int, default=40, help="steps of the fine-tuning; 0 = none")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    devices = options.device or find_devices()
    found = {device: measure_device(device, options.repeats, options.steps) for device in devices}
    print_table(found)
    report = {"python": platform.python_version(), "machine": platform.machine(), "devices": found}
    if "torch" in sys.modules:
        report["torch"] = sys.modules["torch"].__version__
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
