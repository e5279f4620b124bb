"""Weights files read without torch: safetensors to numpy, with clear errors; used by the CPU engine."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.spec import ModelSpec, checkpoint_paths, read_card

_HEADER_LIMIT_BYTES = 100_000_000
_SCORE = re.compile(
    r"(?:^|\.)(?:(?:score|skip)(?P<stride>\d+)\.(?:score|kernels)|score_pool(?P<pool>\d))\.(?:weight|bias)$"
)


def read_state(path: Path | str) -> dict[str, NDArray[np.float32]]:
    """Parameters by name, float32; names are those of the torch module. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    weights_path, _ = checkpoint_paths(path)
    spec = read_card(path)
    require_own_weights(weights_path, spec)
    try:
        state = load_file(str(weights_path))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(broken_message(weights_path)) from error
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise CheckpointError(no_numbers_message(weights_path, name))
    return {name: array.astype(np.float32) for name, array in state.items()}


def read_strides(path: Path | str) -> tuple[int, ...]:
    """The strides at which a checkpoint's network sums scores, the coarsest first: (32, 16, 8) for an FCN-8s.

    Reads names only. Raises CheckpointError.
    """
    weights_path, _ = checkpoint_paths(path)
    named = {_stride_of(name) for name in read_header(weights_path)} - {None}
    spec = read_card(path)
    # A trunk's deepest stride is what its pictures are filled up to; the paper's nets take any size.
    deepest = spec.pad_multiple if spec.pad_multiple > 1 else 32
    return tuple(sorted({deepest, *(stride for stride in named if stride is not None)}, reverse=True))


def finer_scores(names: Iterable[str], finest: int) -> list[str]:
    """Parameters of the scores at strides below ``finest``: zeros in their place leave those streams out.

    Streams are summed, so what remains is exactly what the coarser ones say.
    """
    return [name for name in names if (stride := _stride_of(name)) is not None and stride < finest]


def _stride_of(name: str) -> int | None:
    match = _SCORE.search(name)
    if match is None:
        return None
    return int(match["stride"]) if match["stride"] else 2 ** int(match["pool"])


def require_own_weights(weights_path: Path, spec: ModelSpec) -> None:
    """Raise CheckpointError unless the weights file is there, whole, and belongs to this card.

    What it says of itself must be what the card says: the key that differs is named.
    """
    metadata = read_metadata(weights_path)
    if "fcn_studio_id" not in metadata:
        raise CheckpointError(
            f"{weights_path.name} holds the weights of another program: "
            "choose a checkpoint that FCN Studio has made."
        )
    if metadata["fcn_studio_id"] != spec.id:
        raise CheckpointError(
            f"{weights_path.name} and its card do not belong together: take both files from the same place."
        )
    for key in ("architecture", "mean", "std"):
        told = metadata.get(key)
        if told is not None and not _says(told, getattr(spec, key)):
            raise CheckpointError(
                f"{key}: the card of {weights_path.name} says {getattr(spec, key)}, the weights say {told}: "
                "take both files from the same place."
            )


def _says(text: str, stated: str | tuple[float, ...]) -> bool:
    """Whether an entry of a weights file is that of a card; numbers may be rounded."""
    if isinstance(stated, str):
        return text == stated
    try:
        return is_same([float(word) for word in text.split()], stated)
    except ValueError:
        return False


def is_same(numbers: Sequence[float], others: Sequence[float]) -> bool:
    """Whether means or deviations agree to a thousandth."""
    pairs = zip(numbers, others, strict=False)
    return len(numbers) == len(others) and all(math.isclose(a, b, rel_tol=1e-3) for a, b in pairs)


def read_metadata(weights_path: Path) -> dict[str, str]:
    """The text entries in the header of a safetensors file. Raises CheckpointError when it is cut."""
    metadata: dict[str, str] = dict(read_header(weights_path).get("__metadata__") or {})
    return metadata


def read_header(weights_path: Path) -> dict[str, dict[str, Any]]:
    """The header of a safetensors file, an entry a parameter. Raises CheckpointError when the file is cut."""
    try:
        with weights_path.open("rb") as file:
            size_bytes = weights_path.stat().st_size
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_HEADER_LIMIT_BYTES, size_bytes - 8):
                raise ValueError("header longer than the file")
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            if size_bytes != 8 + length + max(ends, default=0):
                raise ValueError("the file is cut")
            return dict(header)
    except FileNotFoundError:
        raise CheckpointError(
            f"The weights {weights_path.name} are missing: put the .safetensors file beside its card."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise CheckpointError(broken_message(weights_path)) from error


def no_numbers_message(weights_path: Path, name: str) -> str:
    """The sentence for a weight that is NaN or infinite."""
    return (
        f"{weights_path.name}: the weight {name!r} holds values that are no numbers (NaN or infinite): its "
        "training went wrong. Go back to an earlier checkpoint."
    )


def broken_message(weights_path: Path) -> str:
    """The sentence for a weights file that cannot be read."""
    return f"{weights_path.name} is broken or no safetensors file: take the checkpoint from its source again."
