"""Checkpoints with generated weights for the tests of inference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import ModelSpec

ARCHITECTURE = "fcn8s_mobilenet_v2"


def write_random_checkpoint(path: Path, classes: int, seed: int = 0) -> Path:
    """A checkpoint whose random scores vary over the picture enough for every class to win somewhere."""
    generator = torch.Generator().manual_seed(seed)
    network = create_model(ARCHITECTURE, classes)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            gain = 2.0 if "score" in name else 1.4
            scale = gain / fan_in**0.5 if parameter.dim() > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    keys = tuple(f"class_{index}" for index in range(classes))
    spec = ModelSpec(name=path.name, architecture=ARCHITECTURE, class_keys=keys, class_names=keys)
    save_checkpoint(path, network, spec)
    return path


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """make_checkpoint(classes, seed=0) -> path without suffix; equal requests give the same files."""
    folder = tmp_path_factory.mktemp("checkpoints")
    made: dict[tuple[int, int], Path] = {}

    def make(classes: int = 21, seed: int = 0) -> Path:
        if (classes, seed) not in made:
            path = folder / f"random_{classes}_{seed}"
            made[classes, seed] = write_random_checkpoint(path, classes, seed)
        return made[classes, seed]

    return make


@pytest.fixture(scope="session")
def graph_path(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The architecture's ONNX, exported from a checkpoint with 21 classes."""
    from fcn_studio.inference.export_onnx import export_file

    path = tmp_path_factory.mktemp("graph") / f"{ARCHITECTURE}.onnx"
    export_file(make_checkpoint(21), path)
    return path
