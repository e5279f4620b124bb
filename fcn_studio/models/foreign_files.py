"""Weights files of other programs, read without running anything of what is in them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fcn_studio.core.errors import CheckpointError

_STARTS = b"PK", b"\x80"
"""How files of torch begin: as an archive, or, the older ones, as a pickle."""
_WRAPPERS = ("model_state_dict", "model_state", "state_dict", "model")
"""Under these keys trainers store the weights, beside optimiser and counters."""


def read_foreign(path: Path | str) -> dict[str, Tensor]:
    """The state dict in a .pth, .pt or .safetensors file, on the CPU, as it is stored.

    Pickles are opened with ``weights_only=True``: a file that asks for anything but tensors and plain
    values is refused before any of it runs. Raises CheckpointError.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"The weights file {path} does not exist: check the name.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        with _numpy_numbers_allowed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle versions: what cannot be read is refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_why_refused(path, str(error))) from None
    except Exception as error:  # torch raises many kinds for a broken file
        raise CheckpointError(
            f"{path.name} is broken or no weights file of torch: take it from its source again."
        ) from error
    return unwrap_state(content, path.name)


def unwrap_state(content: Any, name: str = "This file") -> dict[str, Tensor]:
    """The tensors by name in what a trainer stored, without wrapping, without the prefix ``module.``.

    Raises CheckpointError when there are no tensors by name in it.
    """
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content or not all(isinstance(key, str) for key in content):
        raise CheckpointError(
            f"{name} holds no weights by name: store the network's state_dict() with torch.save, take that."
        )
    strange = next((key for key, value in content.items() if not isinstance(value, Tensor)), None)
    if strange is not None:
        raise CheckpointError(
            f"{name} is no state dict: its entry {strange!r} is no tensor. Store the network's state_dict() "
            "with torch.save and take that."
        )
    return {key.removeprefix("module."): value for key, value in content.items()}


def require_numbers(state: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError, naming the entry, when a weight is NaN or infinite."""
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                f"The weight {key!r} holds values that are no numbers (NaN or infinite): the training that "
                "wrote the file went wrong, or the file is damaged. Take an earlier one."
            )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return unwrap_state(load_file(str(path)), path.name)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path.name} is broken or no safetensors file: take it from its source again."
        ) from error


def _numpy_numbers_allowed() -> AbstractContextManager[Any]:
    """Trainers store their best figure beside the weights, as a numpy number; that is harmless."""
    allow = getattr(torch.serialization, "safe_globals", None)  # torch 2.5 and later
    if allow is None:
        return nullcontext()
    numbers: list[Any] = [np.float64(0), np.float32(0), np.int64(0), np.int32(0)]
    make_number: Any = numbers[0].__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = [type(number.dtype) for number in numbers]
    return allow([np.dtype, *kinds, *((make_number, name) for name in names)])  # type: ignore[no-any-return]


def _why_refused(path: Path, message: str) -> str:
    with path.open("rb") as file:
        is_of_torch = file.read(2).startswith(_STARTS)
    if not is_of_torch or ("Unsupported" not in message and "GLOBAL" not in message):
        return f"{path.name} is broken or no weights file of torch: take it from its source again."
    return (
        f"{path.name} holds more than weights: opening it would run code of whoever made it, so it was not "
        "opened. Ask them for the state dict alone (torch.save(model.state_dict(), ...) or safetensors)."
    )
