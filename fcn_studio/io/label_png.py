"""Label pictures: indexed 8-bit PNG whose pixel values are class ids (255 = unlabelled)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from fcn_studio.core.errors import LabelReadError
from fcn_studio.io.atomic import write_atomic

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _INDEXED = 0, 3
_COLOUR_NAMES = {2: "RGB colours", 4: "grey with opacity", 6: "RGB colours with opacity"}


def read_label_png(path: Path) -> tuple[npt.NDArray[np.uint8], dict[str, str]]:
    """Class ids uint8 [H, W] exactly as stored, and the text chunks.

    Takes indexed and grey PNGs of 1 to 8 bits. Raises LabelReadError for everything else: a missing,
    empty or damaged file, another format, RGB colours, 16 bits.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise LabelReadError(f"{path} does not exist: check the name.") from error
    except OSError as error:
        raise LabelReadError(f"{path} could not be read ({error.strerror}): check the file.") from error
    if not content:
        raise LabelReadError(f"{path} is empty (0 bytes): restore it from a copy or delete it.")
    if content[:8] != _SIGNATURE or len(content) < 26:
        raise LabelReadError(f"{path} is not a PNG: save the labels as an indexed 8-bit PNG.")
    depth, colour = content[24], content[25]
    if colour in _COLOUR_NAMES:
        raise LabelReadError(
            f"{path} holds {_COLOUR_NAMES[colour]}, not class numbers: save it as an indexed 8-bit PNG."
        )
    if depth > 8 or colour not in (_GREY, _INDEXED):
        raise LabelReadError(f"{path} has {depth} bits a pixel: save it as an indexed 8-bit PNG.")
    return _decode(path, content, depth if colour == _GREY else 8)


def _decode(path: Path, content: bytes, grey_depth: int) -> tuple[npt.NDArray[np.uint8], dict[str, str]]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            image.load()
            labels = np.array(image, dtype=np.uint8)
            text = {key: str(value) for key, value in getattr(image, "text", {}).items()}
    except UnidentifiedImageError as error:
        raise LabelReadError(f"{path} is damaged: restore it from a copy or delete it.") from error
    except Exception as error:
        # A damaged PNG raises nearly anything (SyntaxError, struct.error, zlib.error ...).
        raise LabelReadError(
            f"{path} is damaged or cut off ({error}): restore it from a copy or delete it."
        ) from error
    # Pillow spreads 2- and 4-bit grey over 0 to 255; as class numbers they count as stored.
    return labels // {2: np.uint8(85), 4: np.uint8(17)}.get(grey_depth, np.uint8(1)), text


def write_label_png(
    path: Path,
    labels: npt.NDArray[np.uint8],
    palette: npt.NDArray[np.uint8],
    text: Mapping[str, str] | None = None,
) -> None:
    """Write class ids uint8 [H, W] with a palette uint8 [256, 3], atomic and durable when it returns.

    `text` goes into text chunks before the pixels. Raises ReadOnlyError or StorageError.
    """
    write_atomic(path, make_label_png(labels, palette, text))


def make_label_png(
    labels: npt.NDArray[np.uint8],
    palette: npt.NDArray[np.uint8],
    text: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of an indexed 8-bit PNG; see `write_label_png`."""
    image = Image.fromarray(np.ascontiguousarray(labels))
    image.putpalette(np.ascontiguousarray(palette, np.uint8).tobytes())
    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_itxt(key, value)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=chunks, compress_level=4)
    return buffer.getvalue()
