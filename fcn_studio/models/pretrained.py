"""Weights of classifiers into trunks: torchvision's files and state dicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.weights_source import path_of

State = Mapping[str, Tensor]


def load_trunk_weights(model: FcnNetwork, weights: State | Path | str) -> FcnNetwork:
    """Fill the trunk of ``model`` from a classifier's weights and give it back; its head stays as it is.

    weights: a state dict, the path of one (.pth, .pt, .safetensors), or "pretrained" (fetched). Every
    parameter of the trunk's feature layers must be there with its shape; fc6 and fc7 may be missing (files of
    features alone).
    Raises CheckpointError, which names the first weight that does not fit.
    """
    if not hasattr(model, "trunk"):
        from fcn_studio.models.foreign import load_foreign

        load_foreign(model, weights)
        return model
    if not isinstance(weights, Mapping):
        weights = path_of(weights, model.name)
    name = "The state dict" if isinstance(weights, Mapping) else Path(weights).name
    state = weights if isinstance(weights, Mapping) else _read(weights)
    own = model.trunk.state_dict()
    found = model.trunk.own_state(state)
    for key, value in own.items():
        optional = key.startswith("classifier.") or key.endswith("num_batches_tracked")
        if key not in found:
            if optional:
                continue
            raise CheckpointError(
                f"{name} lacks the weight {key!r} of {model.name}: it belongs to another network."
            )
        if found[key].shape != value.shape:
            cure = (
                "use fc_channels=4096" if key.startswith("classifier.") else "take the file of that network"
            )
            raise CheckpointError(
                f"{name}: the weight {key!r} is {_size(found[key])}, {model.name} has {_size(value)}: {cure}."
            )
        if found[key].is_floating_point() and not bool(found[key].isfinite().all()):
            raise CheckpointError(
                f"{name}: the weight {key!r} holds values that are no numbers (NaN or infinite): take the "
                "file from its source again."
            )
    model.trunk.load_state_dict(own | {key: value.to(own[key].dtype) for key, value in found.items()})
    return model


def _read(path: Path | str) -> dict[str, Tensor]:
    from fcn_studio.models.foreign_files import read_foreign

    return read_foreign(path)


def _size(tensor: Tensor) -> str:
    return "x".join(str(n) for n in tensor.shape)
