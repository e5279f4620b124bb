"""Makes the embedded model from the teacher's weights and labelled photographs, from start to end.

    python tools/embedded_model.py DATA TEACHER OUT [--run FOLDER] [--steps N] [--threads N]

DATA: a labelled folder with the 21 classes of PASCAL VOC; TEACHER: deeplabv3_mnv2_voc21.safetensors; OUT:
the checkpoint; its graph for OpenVINO is written beside it. A run that was cut off goes on where it was when
the same command is given again. What it does and what it measures: docs/models.md.
"""

from __future__ import annotations

import argparse
import copy
import io
import math
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fcn_studio.cli.sources import colors_of
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.engine import make_engine
from fcn_studio.inference.evaluate import evaluate
from fcn_studio.inference.export_onnx import export_file
from fcn_studio.inference.predictor import Predictor
from fcn_studio.io.atomic import write_atomic
from fcn_studio.models.checkpoint import make_card, round_trip, save_checkpoint
from fcn_studio.models.embedded import NAME
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.layers import upsample_twice
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import checkpoint_paths, encode_card, read_card
from fcn_studio.models.surgery import VOC_KEYS, make_fcn_from_deeplab, read_deeplab
from fcn_studio.project.sources import open_source
from fcn_studio.training.depthwise import speed_up_depthwise
from tools.embedded_data import Views, make_tensors, read_photographs

Colors = tuple[tuple[int, int, int], ...]

SEVEN = ("background", "cat", "cow", "dog", "horse", "person", "sheep")
SOURCE = (
    "Trunk and deep score: DeepLabv3 MobileNetV2 of google-coral/test_data, commit "
    "104342d2d3480b3e66203073dac24f4e2dbb4c41, as they are; its image pooling became a window. What that "
    "network was trained on is not said: most likely COCO and the training side of PASCAL VOC 2012, so a "
    "score on those pictures proves nothing. The skips were trained with this project on the 437 "
    "photographs of voc_animals train. docs/models.md tells how."
)
DATA_TERMS = (
    "Trained on 437 photographs of PASCAL VOC 2012 from Flickr: the photographers keep their rights, "
    "Flickr's terms of use hold. For research and testing."
)
SAVE_EVERY_S = 120.0


@dataclass(frozen=True)
class Plan:
    """The numbers of a run. Only the skips learn: what decides between classes stays the teacher's.

    edge, inside: weight of a pixel near a border and elsewhere.
    """

    steps: int = 1600
    batch: int = 8
    at_once: int = 4
    side_px: int = 321
    rate: float = 2e-3
    warm_up: int = 20
    decay: float = 1e-4
    mean_decay: float = 0.995
    clip_norm: float = 5.0
    edge: float = 2.4
    inside: float = 0.4

    def factor(self, step: int) -> float:
        """Share of the rate at a step: linear warm-up, then half a cosine to a hundredth."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


class Making:
    """One run: the network that learns, the running mean of its weights, and where both are kept."""

    def __init__(self, teacher: Path, views: Views, plan: Plan, folder: Path) -> None:
        torch.manual_seed(0)
        start = create_model(NAME, len(VOC_KEYS))
        self.model = make_fcn_from_deeplab(start, read_deeplab(teacher)).to(memory_format=torch.channels_last)
        self.mean = copy.deepcopy(self.model).eval().requires_grad_(False)
        speed_up_depthwise(self.model)
        self._views, self._plan, self._state_path = views, plan, folder / "state.pt"
        self.step = 0
        learn = self._what_learns()
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in learn if p.dim() > 1], "weight_decay": plan.decay},
                {"params": [p for p in learn if p.dim() <= 1], "weight_decay": 0.0},
            ],
            lr=0.0,
        )
        folder.mkdir(parents=True, exist_ok=True)
        if self._state_path.exists():
            self._resume()

    def _what_learns(self) -> list[nn.Parameter]:
        """The skips without their scores, which are one row a class and wait, at zero, for fine-tuning."""
        scores = {id(p) for layer in self.model.score_layers() for p in layer.parameters()}
        learn = [p for p in self.model.skip_parameters() if id(p) not in scores]
        self.model.requires_grad_(False)
        for parameter in learn:
            parameter.requires_grad_(True)
        return learn

    def run(self) -> None:
        """Learn until the plan's last step, keeping the state now and then."""
        saved, told, sums = time.monotonic(), time.monotonic(), [0.0, 0.0]
        while self.step < self._plan.steps:
            for index, loss in enumerate(self._learn()):
                sums[index] += loss
            if self.step % 20 == 0:
                now = time.monotonic()
                loss, before = (value / 20 for value in sums)
                pace = (now - told) / 20
                print(
                    f"{self.step:5} loss {loss:.4f}, at the start {before:.4f}; {pace:.2f} s a step",
                    flush=True,
                )
                told, sums = now, [0.0, 0.0]
                if now - saved > SAVE_EVERY_S:
                    self.save()
                    saved = now
        self.save()

    def _learn(self) -> tuple[float, float]:
        """One update; its loss, and what the loss would be without the skips."""
        plan, chance = self._plan, random.Random(self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = plan.rate * plan.factor(self.step)
        total = [0.0, 0.0]
        for _ in range(plan.batch // plan.at_once):
            views = [self._views.draw(chance) for _ in range(plan.at_once)]
            loss, before = self._losses(*make_tensors(views))
            (loss * plan.at_once / plan.batch).backward()
            for index, value in enumerate((loss, before)):
                total[index] += float(value.detach()) * plan.at_once / plan.batch
        learn = [p for group in self._optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(learn, plan.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._follow(min(plan.mean_decay, (1 + self.step) / (10 + self.step)))
        self.step += 1
        return total[0], total[1]

    def _losses(self, x: Tensor, labels: Tensor, weights: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        weights = weights * torch.where(edges, self._plan.edge, self._plan.inside)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                features = self.model.trunk(x)
                before, seen = self.model.head.deep(features)
            scores = self.model.head.sharpen(before.float(), seen, features)
        before = upsample_twice(upsample_twice(before.float()))

        def loss_of(at_4: Tensor) -> Tensor:
            each = functional.cross_entropy(
                upsample_twice(at_4.float()), labels, ignore_index=UNLABELLED, reduction="none"
            )
            return (each * weights).mean()

        with torch.no_grad():
            at_start = loss_of(before)
        return loss_of(scores), at_start

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        """Take the weights, and the statistics of batch norm, into the running mean."""
        for mine, theirs in zip(self.mean.parameters(), self.model.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - decay)
        for kept, new in zip(self.mean.buffers(), self.model.buffers(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1.0 - decay)

    def save(self) -> None:
        """Keep everything that a later call needs to go on; replaced in one piece."""
        state = {
            "plan": asdict(self._plan),
            "step": self.step,
            "model": self.model.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomic(self._state_path, buffer.getvalue())

    def _resume(self) -> None:
        state = torch.load(self._state_path, weights_only=True)
        if state["plan"] != asdict(self._plan):
            sys.exit(f"{self._state_path} is of a run with other numbers: name another folder with --run.")
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.mean.load_state_dict(state["mean"])
        self._optimizer.load_state_dict(state["optimizer"])
        print(f"goes on after step {self.step}", flush=True)


def store(model: FcnNetwork, out: Path, colors: Colors, plan: Plan) -> None:
    """Checkpoint, card and graph."""
    card = make_card(
        model,
        name="Animals and people (FCN-4s, MobileNetV2)",
        class_keys=VOC_KEYS,
        class_names=VOC_KEYS,
        class_colors=colors,
        source=SOURCE,
        licence="Apache-2.0 (start weights; changed as said under source)",
        data_terms=DATA_TERMS,
        made=f"python tools/embedded_model.py shared/data/voc_animals TEACHER OUT; {plan.steps} steps",
    )
    save_checkpoint(out, round_trip(model), card)
    export_file(out, checkpoint_paths(out)[0].with_suffix(".onnx"))


def measure(out: Path, source: SampleSource) -> dict[str, Any]:
    """What the stored model does on the validation photographs, for its card; shares between 0 and 1."""
    engine = make_engine(out, "cpu")
    names, scores = source.names("val"), []
    walk = evaluate(source, names, Predictor(engine), boundary=True)
    try:
        while True:
            image = next(walk)
            if image.error is not None:
                raise image.error
            if image.boundary_f is not None:
                scores.append(image.boundary_f)
    except StopIteration as end:
        found = end.value.compute_metrics(VOC_KEYS, SEVEN)
    finally:
        engine.close()
    return {
        "data": f"voc_animals val ({len(names)} images), free choice of 21 classes, void left out; sums and "
        f"means over 7 classes: {', '.join(SEVEN)}",
        "mean_iou": round(found.mean_iou, 4),
        "boundary_f": round(sum(scores) / len(scores), 4),
        "boundary_f_means": "borders between any two labels, matched within 2 px, mean over images",
        "pixel_accuracy": round(found.pixel_accuracy, 4),
        "mean_accuracy": round(found.mean_accuracy, 4),
        "per_class_iou": {key: None if v is None else round(v, 4) for key, v in found.per_class_iou.items()},
    }


def write_figures(out: Path, figures: dict[str, Any]) -> None:
    """Put what was measured into the card; the weights stay as they are."""
    card = msgspec.structs.replace(read_card(out), figures=figures)
    write_atomic(checkpoint_paths(out)[1], encode_card(card))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--run", type=Path, default=Path("out/embedded"), help="folder of the run's state")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    source = open_source(options.data, None)
    if source.class_keys != VOC_KEYS:
        sys.exit(f"{options.data} does not have the 21 classes of PASCAL VOC in their order.")
    plan = Plan(steps=options.steps)
    views = Views(read_photographs(source, source.names("train")), plan.side_px)
    making = Making(options.teacher, views, plan, options.run)
    making.run()
    store(making.mean, options.out, colors_of(source), plan)
    figures = measure(options.out, source)
    write_figures(options.out, figures)
    print(f"mean IoU {100 * figures['mean_iou']:.2f}, boundary F {100 * figures['boundary_f']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
