"""What a run begins with: a network with the wanted classes, its card, and the one it is taught by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from fcn_studio.core.ports import SampleSource
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import ModelSpec, checkpoint_paths
from fcn_studio.models.surgery import VOC_KEYS, make_fcn_from_deeplab, read_deeplab, with_classes
from fcn_studio.training.distill import Teaching
from fcn_studio.training.recipe import Recipe

Teacher = FcnNetwork | DeepLabMobileNetV2


@dataclass(frozen=True)
class Start:
    """A network to begin with, its card, and another one that teaches it (None: it keeps to itself)."""

    model: FcnNetwork
    spec: ModelSpec
    teacher: Teacher | None = None


def open_start(path: Path, source: SampleSource, architecture: str) -> Start:
    """The start of a run with the classes of ``source``: from a checkpoint of FCN Studio, or from the DeepLab
    weights, which then also teach. Rows of known class keys are kept. Raises CheckpointError."""
    if checkpoint_paths(path)[1].exists():
        model, spec = load_checkpoint(path)
        model = with_classes(model, spec.class_keys, source.class_keys)
        return Start(model, child_card(spec, source))
    teacher = read_deeplab(path)
    model = make_fcn_from_deeplab(create_model(architecture, len(VOC_KEYS)), teacher)
    model = with_classes(model.eval(), VOC_KEYS, source.class_keys)
    spec = ModelSpec(
        name=architecture,
        architecture=architecture,
        class_keys=source.class_keys,
        class_names=source.class_names,
        stride=model.stride,
    )
    return Start(model, spec, teacher if source.class_keys == VOC_KEYS else None)


def child_card(parent: ModelSpec, source: SampleSource) -> ModelSpec:
    """The card of a network that starts from ``parent``: its geometry and terms, the source's classes."""
    colors = dict(zip(parent.class_keys, parent.class_colors or (), strict=False))
    known = all(key in colors for key in source.class_keys)
    return msgspec.structs.replace(
        parent,
        id="",
        class_keys=source.class_keys,
        class_names=source.class_names,
        class_colors=tuple(colors[key] for key in source.class_keys) if known else None,
        parent=parent.id,
        figures={},
        made="",
    )


def make_teaching(teacher: Teacher, spec: ModelSpec, recipe: Recipe, device: str) -> Teaching:
    """A Teaching that asks ``teacher`` about whole pictures, filled up as the card says."""
    mean, std = (torch.tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (spec.mean, spec.std))
    teacher = teacher.eval().to(device)

    def scores_of(pixels: Tensor) -> Tensor:
        height, width = spec.padded_hw((pixels.shape[1], pixels.shape[2]))
        x = torch.nn.functional.pad(
            (pixels.float() - mean) / std, (0, width - pixels.shape[2], 0, height - pixels.shape[1])
        )
        return teacher.scores(x[None].to(device).contiguous(memory_format=torch.channels_last))[0]

    return Teaching(
        scores_of,
        teacher.stride,
        recipe.distill_confidence,
        recipe.distill_clear_px,
    )
