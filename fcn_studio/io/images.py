"""Images of any accepted format to 8-bit RGB as displayed, and nothing half read.

Everything that shows, predicts, trains or exports reads pictures here, so one frame holds everywhere:
EXIF orientation is applied, the first page is taken, colour profiles are ignored, and transparent
pixels lie on white. 8-bit values stay as they are; deeper ones are scaled by rules that look at the
file alone (see io.depth).

The 8-bit picture lies in memory as screens want it (see core.pixels). Values that do not fit into it are
handed out beside it, for looking at: networks get the 8-bit picture, however it is looked at.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from fcn_studio.core.errors import ImageReadError
from fcn_studio.core.pixels import (
    RAW_MODE,
    STRIP_PIXELS,
    DeepValues,
    find_rgb32,
    is_dark,
    make_rgb32,
    put_raw,
    view_rgb,
)
from fcn_studio.io import tiff
from fcn_studio.io.depth import brighten, find_range, grey_or_rgb, over_white, scale_to_8bit

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MAX_PIXELS = 400_000_000

# Pillow opens MPO (several JPEGs in one file) by its JPEG reader and knows no reader of that name.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF")
_ORIENTATION = 0x0112
_DIRECT_MODES = frozenset({"RGB", "L", "1"})
_NUMBER_MODES = frozenset({"I", "F"})
_OPEN_MODES = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})  # with opacity
_SHOWN_CHANNELS = 4  # grey, grey with opacity, RGB, RGB with opacity
_Result = TypeVar("_Result")

# Pillow warns above 90 and refuses above 180 megapixels; aerial pictures are larger than that.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pillow asks for a picture's memory in blocks of 16 MiB. The C library keeps those up to 32 MiB for
# later, once such a block was freed: every thread that made thumbnails held a picture. So there is one block.
Image.core.set_block_size((1 << 31) - (1 << 12))  # type: ignore[attr-defined]  # see its "Block Allocator"


@dataclass(frozen=True, slots=True)
class ImageData:
    """A picture as displayed: `pixels` uint8 [H, W, 3] RGB, and a sentence when something was left out.

    deep: the file's own values where 8 bits or three channels do not hold them, else None.
    """

    pixels: npt.NDArray[np.uint8]
    notice: str | None = None
    deep: DeepValues | None = None


def read_image(path: Path) -> ImageData:
    """Read `path` whole. Raises ImageReadError with one sentence: which file, what is wrong, what to do."""
    return _guarded(path, _read)


def read_size(path: Path) -> tuple[int, int]:
    """Height and width as displayed, from the file's header. Raises ImageReadError."""
    return _guarded(path, _read_size)


def read_thumbnail(path: Path, side_px: int) -> npt.NDArray[np.uint8]:
    """A small copy, uint8 [h, w, 3], longer side at most `side_px`, never enlarged. Raises ImageReadError."""
    return _guarded(path, lambda known: _read_thumbnail(known, side_px))


def _guarded(path: Path, read: Callable[[Path], _Result]) -> _Result:
    """Run one reader; whatever a decoder throws at a broken file becomes the one sentence."""
    try:
        _check_file(path)
        return read(path)
    except ImageReadError:
        raise
    except MemoryError as error:
        raise ImageReadError(f"{path} is too large for this computer's memory: scale it down.") from error
    except UnidentifiedImageError as error:
        raise ImageReadError(
            f"{path} is not an image that can be read here: use JPEG, PNG, WebP, BMP or TIFF."
        ) from error
    except PermissionError as error:
        raise ImageReadError(f"{path} may not be read: give yourself the right to read it.") from error
    except Exception as error:
        # Decoders raise nearly anything (struct.error, SyntaxError, KeyError ...) at damaged files.
        raise ImageReadError(f"{path} is {_fault(error)}: fetch or save the image again.") from error


def _fault(error: Exception) -> str:
    """What is wrong with the file; the decoder's own words only where they say more."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:120].rstrip(".")
    return "cut off" if "truncated" in text.lower() else f"damaged or cut off ({text})"


def _check_file(path: Path) -> None:
    if not os.path.lexists(path):
        raise ImageReadError(f"{path} does not exist: put it back or check the name.")
    if path.is_dir():
        raise ImageReadError(f"{path} is a folder, not an image: choose an image file.")
    if not path.exists():
        raise ImageReadError(f"{path} is a link to a file that does not exist: mend or remove the link.")
    if not path.is_file():
        raise ImageReadError(f"{path} is not an ordinary file: choose an image file.")
    if path.stat().st_size == 0:
        raise ImageReadError(f"{path} is empty (0 bytes): fetch or save the image again.")


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageReadError(
            f"{path} has {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} megapixels: "
            "cut it into smaller images first."
        )


def _read(path: Path) -> ImageData:
    if tiff.is_tiff(path):
        return _read_tiff(path)
    with Image.open(path, formats=_FORMATS) as image:
        _check_pixels(path, *image.size)
        notice = None
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            notice = f"{path} is animated: only its first picture is shown."
        upright = _load_upright(image)
        if _has_numbers(upright):
            return _make_deep(np.asarray(upright), notice)
        return ImageData(_to_rgb(upright), notice)


def _read_tiff(path: Path) -> ImageData:
    """tifffile for what is deeper than 8 bit, Pillow (libtiff) for the rest, each as the other's reserve."""
    header = tiff.read_header(path)
    _check_pixels(path, header.hw[1], header.hw[0])
    notice = f"{path} has {header.pages} pages: only the first is used." if header.pages > 1 else None

    def by_pillow() -> ImageData:
        with Image.open(path, formats=("TIFF",)) as image:
            upright = _load_upright(image)
            if _has_numbers(upright):
                return _make_deep(np.asarray(upright), notice)
            return ImageData(_to_rgb(upright), notice)

    def by_tifffile() -> ImageData:
        return _make_deep(tiff.read_first_page(path, header), notice)

    first, second = (by_tifffile, by_pillow) if header.deep else (by_pillow, by_tifffile)
    # Which of the two knows a compression cannot be told beforehand; the second one's error is the answer.
    with contextlib.suppress(Exception):
        return first()
    return second()


def _make_deep(values: npt.NDArray[Any], notice: str | None) -> ImageData:
    """The picture of values of any type, and the values themselves where the picture lacks some of them."""
    pixels = _as_screen_wants(grey_or_rgb(scale_to_8bit(values)))
    channels = 1 if values.ndim == 2 else values.shape[2]
    if values.dtype == np.bool_ or (values.dtype == np.uint8 and channels <= _SHOWN_CHANNELS):
        return ImageData(pixels, notice)
    return ImageData(pixels, notice, DeepValues(values, *find_range(values)))


def _as_screen_wants(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return pixels if find_rgb32(pixels) is not None else view_rgb(make_rgb32(pixels))


def _read_size(path: Path) -> tuple[int, int]:
    if tiff.is_tiff(path):
        header = tiff.read_header(path)
        height, width = header.hw
        turned = header.orientation >= 5
    else:
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            turned = _orientation(path, image) >= 5
    _check_pixels(path, width, height)
    return (width, height) if turned else (height, width)


def _orientation(path: Path, image: Image.Image) -> int:
    # Pillow decodes a whole PNG to look for EXIF behind the pixels: only do that where there is some.
    if image.format == "PNG" and "exif" not in image.info and not _png_has_metadata(path):
        return 1
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _png_has_metadata(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in (b"eXIf", b"IEND"):
                return bool(kind == b"eXIf")
            after = file.tell() + length + 4
            if kind in (b"tEXt", b"zTXt", b"iTXt") and file.read(24).startswith(
                (b"Raw profile", b"XML:com.adobe")
            ):
                return True
            file.seek(after)
    return False


def _read_thumbnail(path: Path, side_px: int) -> npt.NDArray[np.uint8]:
    if tiff.is_tiff(path):
        data = _read(path)
        values = data.deep.values if data.deep is not None else None
        small = Image.fromarray(_as_recognised(data.pixels, values, side_px))
    else:
        with Image.open(path, formats=_FORMATS) as image:
            _check_pixels(path, *image.size)
            # JPEG decodes at an eighth to a half of its size for next to nothing.
            image.draft("RGB", (2 * side_px, 2 * side_px))
            small = _load_upright(image)
            if small.mode != "RGB":
                values = np.asarray(small) if _has_numbers(small) else None
                small = Image.fromarray(_as_recognised(_to_rgb(small), values, side_px))
    small.thumbnail((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(small)


def _as_recognised(
    pixels: npt.NDArray[np.uint8], values: npt.NDArray[Any] | None, side_px: int
) -> npt.NDArray[np.uint8]:
    """The picture, but of deep values that leave it dark a bright one: a list has no knob for contrast."""
    if values is None or not is_dark(pixels):
        return pixels
    step = max(1, max(pixels.shape[:2]) // (4 * side_px))
    return grey_or_rgb(brighten(values[::step, ::step]))


def _load_upright(image: Image.Image) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)  # else it copies what stands upright already
    return image


def _has_numbers(image: Image.Image) -> bool:
    """Whether it holds deeper values than 8 bits."""
    return image.mode in _NUMBER_MODES or image.mode.startswith("I;")


def _to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    if _has_numbers(image):
        return _as_screen_wants(grey_or_rgb(scale_to_8bit(np.asarray(image))))
    direct = image.mode in _DIRECT_MODES and "transparency" not in image.info
    if not direct and (image.mode in _OPEN_MODES or "transparency" in image.info):
        return _as_screen_wants(over_white(np.asarray(image.convert("RGBA"))))
    # Rows at a time: a copy of a 400-megapixel picture in between would cost more than the picture.
    out = np.empty((image.height, image.width), np.uint32)
    rows = max(1, STRIP_PIXELS // max(1, image.width))
    for y in range(0, image.height, rows):
        strip = image.crop((0, y, image.width, min(y + rows, image.height)))
        strip = strip if strip.mode == "RGB" else strip.convert("RGB")
        put_raw(out[y : y + rows], strip.tobytes("raw", RAW_MODE))
    return view_rgb(out)
