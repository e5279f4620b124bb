"""Checkpoints made from the embedded one, without torch."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from fcn_studio.core.resources import resource_path
from fcn_studio.models.spec import encode_card, read_card


def write_checkpoint(store: Path, name: str, key: str) -> Path:
    """A network on a project's shelf that takes every pixel for the class `key`."""
    embedded = resource_path("models", "embedded.safetensors")
    card = read_card(embedded)
    with safe_open(embedded, "np") as file:
        state = {parameter: file.get_tensor(parameter) for parameter in file.keys()}  # noqa: SIM118
        metadata = {**file.metadata(), "fcn_studio_id": f"all {key}"}
    state["head.score.bias"] = state["head.score.bias"] + np.float16(1000) * (
        np.array(card.class_keys) == key
    ).astype(state["head.score.bias"].dtype)
    path = store / "checkpoints" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path, metadata)
    changed = msgspec.structs.replace(card, id=f"all {key}", name=name, parent=card.id)
    path.with_suffix(".json").write_bytes(encode_card(changed))
    return path
