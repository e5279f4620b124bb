"""FCN-VGG16 with the paper's frame of 100 zeros against the same padding: cost and agreement at 500 x 375.

`python benchmarks/paper_padding.py [--weights fcn8s.pth]`. Both networks get the same weights. Without a file
(a state dict of the public conversions) they are generated: layers keep the size of what they are given, and
scores are centred, so that each class wins somewhere. Agreement depends on the weights: a trained network's
classes stand farther apart than generated ones.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign
from fcn_studio.models.registry import create_model

SAMPLES = Path(__file__).resolve().parent.parent / "resources" / "samples"
SIZE_WH = (500, 375)
OTHER_SIZES_WH = ((224, 224), (320, 240), (640, 480), (1024, 768))  # operations only


def read_pictures(network: FcnNetwork) -> list[Tensor]:
    """The sample photographs at 500 x 375 as the network wants them, float32 [1, 3, 375, 500]."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (network.mean, network.std))
    pictures = []
    for path in sorted(SAMPLES.glob("*.jpg")):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize(SIZE_WH))
        pictures.append(((torch.from_numpy(pixels.copy()).permute(2, 0, 1) - mean) / std)[None])
    return pictures


@torch.no_grad()
def generate_weights(network: FcnNetwork, picture: Tensor) -> None:
    """Layers after He et al. 2015; each score of each stream centred on the picture, with spread 1."""
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            spread = (2 / layer.weight[0].numel()) ** 0.5
            layer.weight.normal_(0, spread, generator=generator)
            layer.bias.zero_()
    seen: dict[nn.Module, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda layer, _x, scores: seen.update({layer: scores}))
        for layer in network.score_layers()
    ]
    network(picture)
    for hook in hooks:
        hook.remove()
    for layer in network.score_layers():
        spread_of, mean_of = torch.std_mean(seen[layer], dim=(0, 2, 3))
        layer.weight /= spread_of[:, None, None, None]
        layer.bias.copy_(-mean_of / spread_of)


def count_operations(name: str, padding: str, size_wh: tuple[int, int] = SIZE_WH) -> float:
    """Multiply-adds of one picture, in thousands of millions."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network = create_model(name, padding=padding).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, size_wh[1], size_wh[0]))
    return counter.get_total_flops() / 2e9


@torch.no_grad()
def measure(networks: dict[str, FcnNetwork], pictures: list[Tensor]) -> tuple[dict[str, float], list[float]]:
    """(median milliseconds of a picture by padding, share of pixels of each picture with the same class).

    The networks take turns; the first picture is shown twice and timed the second time.
    """
    times: dict[str, list[float]] = {padding: [] for padding in networks}
    shares = []
    for turn, picture in enumerate([pictures[0], *pictures]):
        classes = {}
        for padding, network in networks.items():
            began = time.perf_counter()
            scores = network(picture)
            times[padding].append(1000 * (time.perf_counter() - began))
            classes[padding] = scores.argmax(1)
        if turn:
            shares.append(float((classes["same"] == classes["paper"]).double().mean()))
    return {padding: statistics.median(values[1:]) for padding, values in times.items()}, shares


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--network", default="fcn8s_vgg16")
    arguments.add_argument("--weights", type=Path)
    given = arguments.parse_args()
    networks = {padding: create_model(given.network, padding=padding).eval() for padding in ("paper", "same")}
    if given.weights:
        for network in networks.values():
            load_foreign(network, given.weights)
        pictures = read_pictures(networks["paper"])
    else:
        pictures = read_pictures(networks["paper"])
        generate_weights(networks["paper"], pictures[0])
        state = networks["paper"].state_dict()
        load_foreign(networks["same"], state, preprocessing="torchvision")  # as it is, not turned round
    cost = {padding: count_operations(given.network, padding) for padding in networks}
    spent, agreement = measure(networks, pictures)
    print(f"{given.network}, {SIZE_WH[0]} x {SIZE_WH[1]}, {torch.get_num_threads()} threads")
    print(f"{'padding':8} {'G multiply-adds':>16} {'ms':>8}")
    for padding in networks:
        print(f"{padding:8} {cost[padding]:16.1f} {spent[padding]:8.0f}")
    print(f"same / paper: {cost['same'] / cost['paper']:.2f} of the operations, "
          f"{spent['same'] / spent['paper']:.2f} of the time")  # fmt: skip
    for size_wh in OTHER_SIZES_WH:
        same, paper = (count_operations(given.network, padding, size_wh) for padding in ("same", "paper"))
        print(f"at {size_wh[0]} x {size_wh[1]}: {same / paper:.2f} of the operations")
    words = ", ".join(f"{share:.1%}" for share in agreement)
    print(f"same class: {words}; mean {statistics.mean(agreement):.1%} of the pixels")


if __name__ == "__main__":
    main()
