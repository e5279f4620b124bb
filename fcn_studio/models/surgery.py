"""Net surgery: heads for other class lists, and an FCN that starts from the DeepLab network it came from."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.merging import MergedNetwork, write_groups
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2, MobileNetV2Trunk

VOC_KEYS = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


@torch.no_grad()
def with_classes(
    model: FcnNetwork,
    old_keys: Sequence[str],
    new_keys: Sequence[str],
    merged: Mapping[str, Sequence[str]] | None = None,
) -> FcnNetwork:
    """A deep copy of ``model`` for other classes: known ones are copied, new ones zero, others left out.

    The scores of the known classes are exactly those of ``model`` (fcn-reference 1.5). merged: new key to the
    old keys it is made of; its probability is the sum of theirs at every score cell.
    """
    parts = [[key for key in (merged or {}).get(new, (new,)) if key in old_keys] for new in new_keys]
    known = [[row for key in keys for row in model.channel_rows(old_keys.index(key))] for keys in parts]
    rows: list[int | None] = []
    groups = []
    for group in known:
        first = len(rows)
        rows.extend(group or [None])
        groups.append(tuple(range(first, len(rows))))
    model = copy.deepcopy(model.lead if isinstance(model, MergedNetwork) else model)
    for module in model.modules():
        keep_classes = getattr(module, "keep_classes", None)
        if keep_classes is not None:
            keep_classes(rows)
    if len(rows) == len(groups):
        return model
    united = MergedNetwork(model, tuple(groups)).train(model.training)
    united.name, united.options = model.name, model.options | {"merged": write_groups(united.groups)}
    return united


def bias_of(layer: nn.Conv2d) -> Tensor:
    """The bias of a score layer, which always has one."""
    assert layer.bias is not None
    return layer.bias


@torch.no_grad()
def copy_row(model: FcnNetwork, old: int, new: int, margin: float) -> None:
    """Let channel ``new`` score as channel ``old`` less ``margin`` everywhere; changes ``model`` in place.

    A class that starts beside the one it is cut out of needs to learn only the difference.
    """
    old_row, new_row = model.channel_rows(old)[0], model.channel_rows(new)[0]
    for layer in model.score_layers():
        layer.weight[new_row] = layer.weight[old_row]
        bias_of(layer)[new_row] = bias_of(layer)[old_row]
    bias_of(model.score_layers()[-1])[new_row] -= margin


def read_deeplab(path: Path | str) -> DeepLabMobileNetV2:
    """The DeepLab MobileNetV2 network from its safetensors file (plain names, folded batch norm), in eval.

    Raises CheckpointError when the file is no such network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    names = {"backbone.": "trunk.", "head.": ""}
    try:
        state = load_file(str(path))
        for old, new in names.items():
            state = {new + k[len(old) :] if k.startswith(old) else k: v for k, v in state.items()}
        model = DeepLabMobileNetV2(classes=state["classifier.bias"].numel())
        model.load_state_dict({name: value.float() for name, value in state.items()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{Path(path).name} is not the weights file of DeepLab MobileNetV2: name its .safetensors file."
        ) from error
    return model.eval()


@torch.no_grad()
def make_fcn_from_deeplab(model: FcnNetwork, teacher: DeepLabMobileNetV2) -> FcnNetwork:
    """Fill ``model`` (an FCN on the same trunk) with the teacher's weights and give it back.

    The teacher's pooling over the whole picture becomes the head's window of finite reach, everything else
    of it is kept as it is; skip scores stay zero, so the result starts as a 16s close to the teacher.
    Raises CheckpointError for a network without such a trunk and head.
    """
    is_on_it = isinstance(getattr(model, "trunk", None), MobileNetV2Trunk)
    if not is_on_it or not hasattr(model.head, "context"):
        raise CheckpointError(
            f"{model.name} cannot start from the weights of DeepLab MobileNetV2: name an architecture like "
            "fcn8s_mobilenet_v2, or begin it with --weights instead of --start."
        )
    head = model.head
    model.trunk.load_state_dict(teacher.trunk.state_dict())
    head.neck.load_state_dict(teacher.aspp0.state_dict())
    head.context.load_state_dict(teacher.image_pool.state_dict())
    head.project.load_state_dict(teacher.project.state_dict())
    head.score.load_state_dict(teacher.classifier.state_dict())
    return model
