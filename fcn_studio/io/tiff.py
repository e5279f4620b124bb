"""TIFF through tifffile: the header without pixels, and the first page of any bit depth."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PHOTOMETRIC_WHITE_IS_ZERO = 0


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """What the first page says of itself: stored size, EXIF orientation 1 to 8, pages, deeper than 8 bit."""

    hw: tuple[int, int]
    orientation: int
    pages: int
    deep: bool


def is_tiff(path: Path) -> bool:
    """Whether the file starts like a TIFF or BigTIFF, whatever it is called."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read_header(path: Path) -> TiffHeader:
    """Read the first page's tags. Raises whatever tifffile raises at a broken file."""
    with _open(path) as file:
        page: Any = file.pages[0]
        tag = page.tags.get(274)
        orientation = int(tag.value) if tag is not None and 1 <= int(tag.value) <= 8 else 1
        deep = page.dtype is None or page.dtype not in (np.dtype(np.uint8), np.dtype(np.bool_))
        return TiffHeader((page.imagelength, page.imagewidth), orientation, len(file.pages), deep)


def read_first_page(path: Path, header: TiffHeader) -> npt.NDArray[Any]:
    """Upright values [H, W] or [H, W, C] of the file's own type. Raises what tifffile raises."""
    with _open(path) as file:
        page: Any = file.pages[0]
        values = np.asarray(page.asarray())
        if values.ndim == 4 and values.shape[0] == 1:
            values = values[0]
        if page.planarconfig == 2 and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        if values.ndim not in (2, 3):
            raise ValueError(f"{values.ndim} dimensions")
        if page.photometric == _PHOTOMETRIC_WHITE_IS_ZERO and values.dtype.kind == "u":
            values = np.iinfo(values.dtype).max - values
    return turn_upright(values, header.orientation)


def turn_upright(values: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Undo EXIF orientation 1 to 8 of an array whose first two axes are rows and columns."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    if orientation in (2, 3):
        values = values[:, ::-1]
    if orientation in (3, 4):
        values = values[::-1]
    return np.ascontiguousarray(values)


def _open(path: Path) -> Any:
    import tifffile

    # tifffile logs what it then raises; the caller's sentence is enough.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile.TiffFile(path)
