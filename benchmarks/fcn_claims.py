"""What the FCN paper claims, measured on CamVid with one short budget for every network.

    python benchmarks/fcn_claims.py CAMVID --weights FOLDER [--steps 300] [--only TEXT] [--pictures FOLDER]

Trains each network of the table below for so many steps with the same recipe and seed, evaluates it on the
validation split, and prints a table of mean IoU, boundary F-score and minutes, and the differences that each
claim is about. Networks whose result is there are not trained again, and a run that was broken off goes on
(--out). --pictures FOLDER: one validation picture as every stride sees it, as in figure 4 of the paper.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.engine import make_engine
from fcn_studio.inference.evaluate import evaluate, make_channel_lut
from fcn_studio.inference.predictor import Predictor
from fcn_studio.project.sources import open_source
from fcn_studio.training.dataset import train_dataset
from fcn_studio.training.events import StepDone
from fcn_studio.training.recipe import Recipe
from fcn_studio.training.start import make_start

LITE0 = "efficientnet_lite0_imagenet.safetensors"
DEEPLAB = "deeplabv3_mnv2_voc21.safetensors"
VOID = 11
PICTURE = "0016E5_08035"


@dataclass(frozen=True)
class Network:
    """One line of the table; ``weights`` is a file in --weights, or nothing for a random start."""

    name: str
    architecture: str
    weights: str = ""
    options: dict[str, str | int] = field(default_factory=dict)
    dropout: bool = True


LITE = "tf_efficientnet_lite0"
NETWORKS = (
    Network("Lite0 32s", f"fcn32s_{LITE}", LITE0),
    Network("Lite0 16s", f"fcn16s_{LITE}", LITE0),
    Network("Lite0 8s", f"fcn8s_{LITE}", LITE0),
    Network("Lite0 4s", f"fcn4s_{LITE}", LITE0),
    Network("Lite0 8s transposed", f"fcn8s_{LITE}", LITE0, {"upsampling": "transposed"}),
    Network("Lite0 8s all transposed", f"fcn8s_{LITE}", LITE0, {"upsampling": "transposed_learnt"}),
    Network("Lite0 8s copied", f"fcn8s_{LITE}", LITE0, {"upsampling": "unpool"}),
    Network("Lite0 8s from scratch", f"fcn8s_{LITE}"),
    Network("MobileNetV2 of DeepLab 8s", "fcn8s_mobilenet_v2", DEEPLAB),
    Network("GoogLeNet 8s from scratch", "fcn8s_googlenet"),
    Network("GoogLeNet 8s unpool from scratch", "fcn8s_googlenet", "", {"upsampling": "unpool"}),
    Network("AlexNet 32s from scratch", "fcn32s_alexnet", "", {"fc_channels": 512}),
    Network("AlexNet 32s without dropout", "fcn32s_alexnet", "", {"fc_channels": 512}, dropout=False),
)
CLAIMS = (
    ("a skip at stride 16 adds", "Lite0 16s", "Lite0 32s"),
    ("a skip at stride 8 adds", "Lite0 8s", "Lite0 16s"),
    ("a skip at stride 4 (beyond the paper) adds", "Lite0 4s", "Lite0 8s"),
    ("learning the transposed convolutions adds", "Lite0 8s transposed", "Lite0 8s"),
    ("learning the last one, too, adds", "Lite0 8s all transposed", "Lite0 8s transposed"),
    ("copying instead of bilinear adds", "Lite0 8s copied", "Lite0 8s"),
    ("unpooling instead of bilinear adds", "GoogLeNet 8s unpool from scratch", "GoogLeNet 8s from scratch"),
    ("ImageNet weights add", "Lite0 8s", "Lite0 8s from scratch"),
    ("weights of a segmentation network instead add", "MobileNetV2 of DeepLab 8s", "Lite0 8s"),
    ("dropout adds", "AlexNet 32s from scratch", "AlexNet 32s without dropout"),
)


def make_recipe(steps: int) -> Recipe:
    """The same numbers for every network."""
    return Recipe(
        "claims", steps, crop_px=321, trunk_rate=4e-4, head_rate=2e-3, skip_rate=2e-3, warm_up_steps=30,
        schedule="poly", ema_decay=0.98, balance="log", precision="auto", start_counts=False,
        validate_every=steps,
    )  # fmt: skip


def train(network: Network, source: SampleSource, weights: Path, out: Path, steps: int) -> float:
    """Train one network into ``out``; returns minutes of training."""
    files = [str(weights / network.weights)] if network.weights else []
    start = make_start(network.architecture, source, options=network.options, weights=files)
    if not network.dropout:
        for module in start.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    run_folder = out.with_suffix("")
    run = train_dataset(
        start, source, out, make_recipe(steps), device="auto", run_folder=run_folder,
        resume=(run_folder / "state.pt").exists(), cancel=CancelToken(),
    )  # fmt: skip
    while True:
        try:
            event = next(run)
        except StopIteration as end:
            return float(end.value.seconds) / 60
        if isinstance(event, StepDone) and event.step % 20 == 0:
            print(f"  {network.name}: step {event.step} of {event.steps}, loss {event.loss:.3f}", flush=True)


def measure(checkpoint: Path, source: SampleSource) -> dict[str, float]:
    """Mean IoU and boundary F-score on the validation split, percent."""
    engine = make_engine(checkpoint, "cpu")
    walk = evaluate(source, source.names("val"), Predictor(engine), boundary=True)
    borders = []
    while True:
        try:
            seen = next(walk)
        except StopIteration as end:
            metrics = end.value.compute_metrics(source.class_keys)
            break
        borders += [] if seen.boundary_f is None else [seen.boundary_f]
    engine.close()
    return {"miou": 100 * metrics.mean_iou, "boundary": 100 * float(np.mean(borders))}


def predict(checkpoint: Path, source: SampleSource, picture: str) -> NDArray[np.uint8]:
    """uint8 [H, W], the class of every pixel of one picture."""
    engine = make_engine(checkpoint, "cpu")
    channels = Predictor(engine).predict(source.read(picture).pixels).channels
    labels = make_channel_lut(engine.spec.class_keys, source.class_keys)[channels]
    engine.close()
    return labels


def save_pictures(folder: Path, out: Path, steps: int, camvid: Path) -> None:
    """One row: photograph, 32s, 16s, 8s, 4s, labels."""
    source = open_source(camvid, VOID)
    truth = Image.open(camvid / "masks" / f"{PICTURE}.png")
    row: list[Image.Image] = [Image.open(camvid / "images" / f"{PICTURE}.jpg")]
    for head in HEADS:
        row.append(Image.fromarray(predict(checkpoint_path(out, f"Lite0 {head}", steps), source, PICTURE)))
        row[-1].putpalette(truth.getpalette() or [])
    row.append(truth)
    width, height = row[0].size
    sheet = Image.new("RGB", ((width + 8) * len(row) - 8, height), "white")
    for number, image in enumerate(row):
        sheet.paste(image.convert("RGB"), (number * (width + 8), 0))
    folder.mkdir(parents=True, exist_ok=True)
    sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS).save(
        folder / "strides.png", optimize=True
    )


HEADS = ("32s", "16s", "8s", "4s")


def checkpoint_path(out: Path, name: str, steps: int) -> Path:
    return out / f"{name.lower().replace(' ', '_')}_{steps}.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("camvid", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", default="", help="networks whose name has this text")
    parser.add_argument("--out", type=Path, default=Path("out/claims"))
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    source = open_source(asked.camvid, VOID)
    asked.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, float]] = {}
    for network in NETWORKS:
        if asked.only not in network.name:
            continue
        checkpoint = checkpoint_path(asked.out, network.name, asked.steps)
        result = checkpoint.with_suffix(".result")
        if not result.exists():
            began = time.monotonic()
            minutes = train(network, source, asked.weights, checkpoint, asked.steps)
            figures = measure(checkpoint, source)
            result.write_text(json.dumps({**figures, "minutes": minutes}))
            print(f"{network.name}: {time.monotonic() - began:.0f} s", flush=True)
        found[network.name] = json.loads(result.read_text())
    print(f"\n{'network':34} {'mIoU':>6} {'border F':>9} {'minutes':>8}")
    for name, figures in found.items():
        print(f"{name:34} {figures['miou']:6.1f} {figures['boundary']:9.1f} {figures['minutes']:8.1f}")
    print()
    for claim, one, other in CLAIMS:
        if one in found and other in found:
            miou, border = (found[one][key] - found[other][key] for key in ("miou", "boundary"))
            print(f"{claim}: {miou:+.1f} mIoU, {border:+.1f} border F")
    if asked.pictures is not None:
        save_pictures(asked.pictures, asked.out, asked.steps, asked.camvid)


if __name__ == "__main__":
    main()
