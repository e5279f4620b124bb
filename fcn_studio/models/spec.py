"""The card of a checkpoint: what a network expects, means and comes from; free of torch."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.geometry import padded_size

CARD_FORMAT = 1
CARD_SUFFIX = ".json"
WEIGHTS_SUFFIX = ".safetensors"
MAX_CLASSES = UNLABELLED
"""A label is a byte, and its last value means that there is none."""


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a program must know about a checkpoint without opening its weights.

    ``class_keys[c]`` is the stable key of output channel c, ``class_names[c]`` the word for people and
    ``class_colors[c]`` RGB 0..255. A pixel (uint8 RGB) enters the network as ``(pixel - mean) / std``.

    ``architecture`` and ``options`` are what ``create_model`` builds the network from, that the weights fit.

    Geometry: low-resolution score cell i (rows and columns alike) has its centre on input pixel
    ``score_start + stride * i``; that is exact for input sizes with
    ``size % pad_multiple == pad_remainder``, so pictures are filled up at the right and the bottom with
    ``mean`` (zero after scaling) to the next such size, at least ``minimum_size``, and the result is cut.
    Pictures are enlarged ``zoom`` times first, so that things a few pixels thin get cells of their own, and
    those whose longer side then exceeds ``long_side`` are scaled down to it.
    """

    format: int = CARD_FORMAT
    id: str = ""
    name: str
    architecture: str
    options: dict[str, str | int] = {}
    class_keys: tuple[str, ...]
    class_names: tuple[str, ...]
    class_colors: tuple[tuple[int, int, int], ...] | None = None
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    stride: int = 8
    score_start: float = 0.0
    pad_multiple: int = 16
    pad_remainder: int = 1
    minimum_size: int = 17
    long_side: int = 1025
    zoom: float = 1.0
    source: str = ""
    licence: str = ""
    data_terms: str = ""
    parent: str | None = None
    figures: dict[str, float | int | str | dict[str, float | None] | None] = {}
    made: str = ""

    def __post_init__(self) -> None:
        if not self.class_keys or len(set(self.class_keys)) != len(self.class_keys):
            raise ValueError("class_keys must be there and differ")
        if len(self.class_keys) > MAX_CLASSES:
            raise ValueError(f"class_keys lists {len(self.class_keys)} classes, at most {MAX_CLASSES} can be")
        if len(self.class_names) != len(self.class_keys):
            raise ValueError("class_names and class_keys differ in length")
        if self.class_colors is not None and len(self.class_colors) != len(self.class_keys):
            raise ValueError("class_colors and class_keys differ in length")
        for key in ("stride", "pad_multiple", "minimum_size", "long_side"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1")
        if not 0 <= self.pad_remainder < self.pad_multiple:
            raise ValueError("pad_remainder must be at least 0 and less than pad_multiple")
        if not 0 < self.zoom < math.inf:
            raise ValueError("zoom must be above 0")
        if not all(0 < value < math.inf for value in self.std):
            raise ValueError("std must be above 0")

    def padded_hw(self, hw: tuple[int, int]) -> tuple[int, int]:
        """The size [height, width] in pixels to which a picture of ``hw`` is filled up."""
        return (self.padded_size(hw[0]), self.padded_size(hw[1]))

    def padded_size(self, size_px: int) -> int:
        """The next length >= size_px (and >= minimum_size) with length % pad_multiple == pad_remainder."""
        return padded_size(size_px, self.pad_multiple, self.pad_remainder, self.minimum_size)


def checkpoint_paths(path: Path | str) -> tuple[Path, Path]:
    """(weights file, card file) of a checkpoint named by either file or by their common stem."""
    path = Path(path)
    if path.suffix in (WEIGHTS_SUFFIX, CARD_SUFFIX):
        path = path.with_suffix("")
    return path.with_name(path.name + WEIGHTS_SUFFIX), path.with_name(path.name + CARD_SUFFIX)


def read_card(path: Path | str) -> ModelSpec:
    """Read the card of a checkpoint; ``path`` is the card, the weights file or their common stem.

    Raises CheckpointError when the card is missing, no card, or of another format number.
    """
    weights_path, card_path = checkpoint_paths(path)
    try:
        data = card_path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(_why_no_card(Path(path), weights_path, card_path)) from None
    except OSError as error:
        raise CheckpointError(
            f"{card_path.name} could not be read ({error.strerror}): check the file's permissions."
        ) from error
    return parse_card(data, card_path.name)


def _why_no_card(path: Path, weights_path: Path, card_path: Path) -> str:
    """What was named instead of a checkpoint, and what to do."""
    if weights_path.exists():
        return (
            f"The checkpoint {card_path.stem} has no card ({card_path.name} is missing): "
            "put the .json file beside the .safetensors file."
        )
    if path.is_dir():
        return f"{path} is a folder: name the .safetensors file of a checkpoint."
    if path.exists():
        return f"{path} is no checkpoint: choose a .safetensors file that FCN Studio has made."
    return f"The checkpoint {path} does not exist: check the name."


def parse_card(data: bytes, file_name: str) -> ModelSpec:
    """Bytes of a card to a ModelSpec; ``file_name`` is used in the messages. Raises CheckpointError."""
    foreign = f"{file_name} is not a card of FCN Studio: choose a checkpoint that this program has made."
    try:
        header = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CheckpointError(
            f"{file_name} is broken (no readable JSON): take the checkpoint from its source again."
        ) from None
    if not isinstance(header, dict) or "architecture" not in header or "format" not in header:
        raise CheckpointError(foreign)
    number = header["format"]
    if number != CARD_FORMAT:
        word = "an older" if isinstance(number, int) and number < CARD_FORMAT else "a newer"
        cure = "fine-tune or train it again" if word == "an older" else "update FCN Studio"
        raise CheckpointError(
            f"{file_name} is a checkpoint of {word} format ({number}; this program reads {CARD_FORMAT}): "
            f"{cure}."
        )
    try:
        return msgspec.convert(header, ModelSpec)
    except (msgspec.ValidationError, ValueError) as error:
        raise CheckpointError(
            f"{file_name} is a broken card ({error}): take the checkpoint from its source again."
        ) from error


def encode_card(spec: ModelSpec) -> bytes:
    """The card as readable JSON, UTF-8, with a line break at the end."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=1) + b"\n"
