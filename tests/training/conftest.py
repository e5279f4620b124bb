"""Tiny samples and a network with generated weights, small enough to train within a test."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcn_studio.core.errors import LabelReadError
from fcn_studio.core.ports import Sample
from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.settings import Recipe

torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other
UNLABELLED = 255
TINY = Recipe(
    name="tiny", steps=4, batch=2, crops_at_once=1, crop_px=49, warm_up_steps=1, ema_decay=0.5,
    validate_every=2, save_every_s=1e9,
)  # fmt: skip


class Samples:
    """A source in memory; "val" are the names that start with "val"."""

    def __init__(self, class_keys: tuple[str, ...], *samples: Sample) -> None:
        self.class_keys = self.class_names = class_keys
        self._samples = {sample.name: sample for sample in samples}

    def names(self, split: str) -> tuple[str, ...]:
        held = tuple(name for name in self._samples if name.startswith("val"))
        rest = tuple(name for name in self._samples if name not in held)
        return {"all": rest + held, "train": rest, "val": held}.get(split, ())

    def read(self, name: str) -> Sample:
        if name not in self._samples:
            raise LabelReadError(f"{name} has no labels.")
        return self._samples[name]


def make_network(classes: int, seed: int = 0) -> FcnNetwork:
    """Random weights that keep their scale through the layers, so that every class wins somewhere."""
    generator = torch.Generator().manual_seed(seed)
    network = create_model("fcn8s_mobilenet_v2", classes)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            spread = (1.4 / parameter[0].numel() ** 0.5) if parameter.dim() > 1 else 0.1
            spread *= 0.3 if ".score." in name else 1.0
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return network.eval()


def make_card(*keys: str, **changes: Any) -> ModelSpec:
    return ModelSpec(
        name="tiny", architecture="fcn8s_mobilenet_v2", class_keys=keys, class_names=keys, **changes
    )


def make_sample(name: str = "a", hw: tuple[int, int] = (64, 80), seed: int = 0) -> Sample:
    """A bright disc (class 1) on dark noise (class 0); fully labelled."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: hw[0], : hw[1]]
    inside = (y - hw[0] / 2) ** 2 + (x - hw[1] / 2) ** 2 < (min(hw) / 4) ** 2
    pixels = rng.integers(0, 60, (*hw, 3)).astype(np.uint8)
    pixels[inside] += np.array([170, 120, 20], np.uint8)
    return Sample(name, pixels, inside.astype(np.uint8))


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A checkpoint that knows "ground" and "sky"."""
    save_checkpoint(tmp_path / "parent", make_network(2), make_card("ground", "sky"))
    return tmp_path / "parent"


def finish(
    walk: Generator[Any, None, Any], each: Callable[[Any], None] | None = None
) -> tuple[list[Any], Any]:
    """(events, return value) of a generator; ``each`` is called between two events."""
    events = []
    while True:
        try:
            event = next(walk)
        except StopIteration as end:
            return events, end.value
        events.append(event)
        if each is not None:
            each(event)
