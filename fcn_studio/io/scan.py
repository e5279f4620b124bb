"""The images inside a folder, at any depth, in the order in which people count."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from fcn_studio.core.errors import DatasetError
from fcn_studio.io.images import IMAGE_SUFFIXES

PROJECT_SUFFIX = ".fcnstudio"
_MASK_FOLDERS = {
    "masks": "images",
    "SegmentationClass": "JPEGImages",
    "SegmentationObject": "JPEGImages",
}
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Scan:
    """Relative posix paths of the images found, and a sentence for each thing that was passed over."""

    images: tuple[str, ...]
    notices: tuple[str, ...] = ()


def natural_key(name: str) -> tuple[object, ...]:
    """Sort key by which `image 2` comes before `image 10`, capitals or not."""
    parts = _DIGITS.split(name.casefold())
    numbered = tuple((int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts))
    return (numbered, name)


def scan_folder(folder: Path) -> Scan:
    """Find images by their suffix, links followed (each folder once), nothing decoded.

    Hidden names, `*.fcnstudio` folders and mask folders beside their images are passed over.
    Raises DatasetError when `folder` is no folder or may not be read.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: choose a folder with images.")
    images: list[str] = []
    notices: list[str] = []
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise DatasetError(f"{folder} may not be read: give yourself the right to read it.") from error
        notices.append(f"{error.filename} may not be read and was passed over.")

    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        prefix = "" if Path(place) == folder else Path(place).relative_to(folder).as_posix() + "/"
        folders[:] = sorted(name for name in folders if _is_wanted_folder(name, folders))
        for name in files:
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in IMAGE_SUFFIXES:
                continue
            relative = prefix + name
            if is_text(relative):
                images.append(relative)
            else:
                notices.append(say_no_text(relative))
    return Scan(tuple(sorted(images, key=natural_key)), tuple(notices))


def _is_wanted_folder(name: str, beside: list[str]) -> bool:
    if name.startswith(".") or name.endswith(PROJECT_SUFFIX) or not is_text(name):
        return False
    return _MASK_FOLDERS.get(name) not in beside


def say_no_text(name: str) -> str:
    """The sentence for a name that cannot be written into any file or shown."""
    shown = name.encode("utf-8", "backslashreplace").decode()
    return f"{shown} has a name that is not valid text: rename it to use it."


def is_text(name: str) -> bool:
    """Whether a file's name is valid text (those of other systems may hold bytes that are none)."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
