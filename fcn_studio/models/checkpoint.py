"""Checkpoints with torch: safetensors (float16) and a JSON card, written so that none is ever half there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.io.atomic import make_folder, write_atomic
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import Options, create_model
from fcn_studio.models.spec import ModelSpec, checkpoint_paths, encode_card, read_card
from fcn_studio.models.weights import (
    broken_message,
    is_same,
    no_numbers_message,
    read_metadata,
    require_own_weights,
)


def load_checkpoint(path: Path | str, device: str = "cpu") -> tuple[FcnNetwork, ModelSpec]:
    """(network in eval mode, float32, channels-last, on ``device``; its card).

    Raises CheckpointError, naming the key of the card or the weight that does not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights_path, _ = checkpoint_paths(path)
    spec = read_card(path)
    require_own_weights(weights_path, spec)
    model = create_model_of(spec)
    try:
        state = load_file(str(weights_path))
        model.load_state_dict(_counters(model) | {name: value.float() for name, value in state.items()})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(broken_message(weights_path)) from error
    except RuntimeError as error:
        raise CheckpointError(
            f"{weights_path.name} does not fit its card: {_find_misfit(model, state, spec)}. "
            "Take both files from the same place."
        ) from error
    for name, value in state.items():
        if not bool(value.isfinite().all()):
            raise CheckpointError(no_numbers_message(weights_path, name))
    _feed_as_stored(model, read_metadata(weights_path))
    require_card(model, spec)
    return model.eval().to(device, memory_format=torch.channels_last), spec  # type: ignore[call-overload]


def save_checkpoint(path: Path | str, model: FcnNetwork, spec: ModelSpec) -> ModelSpec:
    """Write weights and card; returns the card with the ``id`` that the weights were given.

    The id is a hash of the stored weights and the class keys: equal networks have equal ids. The weights
    file is complete on disk before the card names it. Raises StorageError or ReadOnlyError.
    """
    from safetensors.torch import save

    state = stored_state(model)
    spec = msgspec.structs.replace(spec, id=_content_id(state, spec))
    metadata = {"fcn_studio_id": spec.id, "architecture": spec.architecture}
    metadata |= {"mean": _text(model.mean), "std": _text(model.std)}
    weights_path, card_path = checkpoint_paths(path)
    make_folder(weights_path.parent)
    write_atomic(weights_path, save(state, metadata))
    write_atomic(card_path, encode_card(spec))
    return spec


def _find_misfit(model: FcnNetwork, state: Mapping[str, Tensor], spec: ModelSpec) -> str:
    """The first weight that is missing, too many or of another shape."""
    own = model.state_dict()
    for name in dict.fromkeys([*own, *state]):
        given, wanted = state.get(name), own.get(name)
        if given is None and name not in _counters(model):
            return f"the weight {name!r} of {spec.architecture} is missing"
        if wanted is None:
            return f"{spec.architecture} has no weight {name!r}"
        if given is None or given.shape == wanted.shape:
            continue
        if given.shape[1:] == wanted.shape[1:] and len(wanted) == len(spec.class_keys):
            return f"class_keys: the card lists {len(wanted)} classes, the weights have {len(given)}"
        sizes = ["x".join(map(str, value.shape)) for value in (given, wanted)]
        return f"the weight {name!r} is {sizes[0]}, {spec.architecture} has {sizes[1]}"
    return "its values cannot be taken over"


def require_card(model: FcnNetwork, spec: ModelSpec) -> None:
    """Raise CheckpointError when the card prepares pictures otherwise than the network wants them."""
    for key, wanted in model.card_geometry().items():
        stated = getattr(spec, key)
        fits = is_same(stated, wanted) if isinstance(wanted, tuple) else stated == wanted
        if key != "minimum_size" and not fits:  # a larger one is only cautious
            raise CheckpointError(
                f"{key}: the card of {spec.name} says {stated}, the network {spec.architecture} is made for "
                f"{wanted}: take weights and card from the same place."
            )


def _feed_as_stored(model: FcnNetwork, metadata: dict[str, str]) -> None:
    """Weights of other programs may want other pixels than the trunk's usual ones: the file says so."""
    if metadata.get("mean", _text(model.mean)) != _text(model.mean) or (
        metadata.get("std", _text(model.std)) != _text(model.std)
    ):
        mean, std = (tuple(float(value) for value in metadata[word].split()) for word in ("mean", "std"))
        model.feed_with(mean, std)  # type: ignore[arg-type]


def _text(values: tuple[float, ...]) -> str:
    return " ".join(str(value) for value in values)


def create_model_of(spec: ModelSpec) -> FcnNetwork:
    """The untrained network that a card describes. Raises CheckpointError."""
    foreign = sorted(set(spec.options) - {field.name for field in fields(Options)})
    if foreign:
        raise CheckpointError(
            f"The card of {spec.name} asks for options that this version of FCN Studio does not know "
            f"({', '.join(foreign)}): update FCN Studio."
        )
    try:
        return create_model(spec.architecture, len(spec.class_keys), **spec.options)  # type: ignore[arg-type]
    except (MemoryError, RuntimeError) as error:  # torch raises the latter where memory is short
        options = ", ".join(f"{key}={value}" for key, value in sorted(spec.options.items()))
        raise CheckpointError(
            f"The network {spec.architecture} of {spec.name} ({options}) cannot be built here ({error}): "
            "take weights and card from the same place, or a computer with more memory."
        ) from error


def make_card(model: FcnNetwork, **fields: Any) -> ModelSpec:
    """The card of a network that ``create_model`` built: its architecture, options and geometry.

    ``fields``: the rest of a ModelSpec (name, class_keys, class_names, ...), which also win over those.
    """
    own = {"architecture": model.name, "options": model.options, **model.card_geometry()}
    return ModelSpec(**(own | fields))


def stored_state(model: FcnNetwork) -> dict[str, Tensor]:
    """What a weights file holds: parameters as float16, the statistics of batch norm as float32."""
    learnt = {name for name, _ in model.named_parameters()}
    state = {}
    for name, value in model.state_dict().items():
        if value.is_floating_point():  # left out: the counters of batch norm, which nothing here reads
            kind = torch.float16 if name in learnt else torch.float32
            state[name] = value.detach().to("cpu", kind).contiguous()
    return state


def _counters(model: FcnNetwork) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items() if not value.is_floating_point()}


def round_trip(model: FcnNetwork) -> FcnNetwork:
    """Round the parameters of ``model`` to float16 in place, as a stored checkpoint holds them."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    return model


def _content_id(state: dict[str, Tensor], spec: ModelSpec) -> str:
    head = repr((spec.architecture, spec.class_keys, spec.mean, spec.std))
    if spec.options:
        head += repr(sorted(spec.options.items()))
    if spec.zoom != 1.0:
        head += repr(spec.zoom)
    digest = hashlib.sha256(head.encode())
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()[:16]
