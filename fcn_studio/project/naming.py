"""Which label file belongs to which image, also when images with the same stem come and go."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from PIL import Image

from fcn_studio.core.errors import LabelReadError
from fcn_studio.io.images import IMAGE_SUFFIXES
from fcn_studio.io.naming import make_mask_names
from fcn_studio.project.journal_format import read_header
from fcn_studio.project.label_files import CHUNK, decode_stamp


def make_label_names(root: Path, image_ids: Iterable[str]) -> dict[str, str]:
    """Image id -> usual name of its label PNG; neighbours that are not listed count too.

    So an image opened alone has the same label file as when its whole folder is opened.
    """
    listed = tuple(image_ids)
    folders = {posixpath.dirname(image_id) or "." for image_id in listed}
    present = set(listed)
    for folder in folders:
        present.update(_images_in(root, folder))
    names = make_mask_names(sorted(present))
    return {image_id: names[image_id] for image_id in listed}


def _images_in(root: Path, folder: str) -> list[str]:
    try:
        names = os.listdir(root / folder)
    except OSError:
        return []  # gone since it was listed: its images are reported when they are opened
    images = [name for name in names if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES]
    prefix = "" if folder == "." else f"{folder}/"
    return [prefix + name for name in images if not name.startswith(".")]


def find_label_name(store: Path, image_id: str, usual: str) -> str:
    """The name under which labels of `image_id` lie in `store`; `usual` when there are none yet.

    Labels made while the image had its stem to itself (or shared it) keep the name they got then.
    """
    stem = f"{posixpath.splitext(image_id)[0]}.png"
    full = f"{image_id}.png"
    other = full if usual == stem else stem
    if not _exists(store, other) or (_exists(store, usual) and _find_owner(store, usual) == image_id):
        return usual
    return other if _find_owner(store, other) == image_id else usual


def _exists(store: Path, name: str) -> bool:
    return (store / "labels" / name).exists() or journal_path(store, name).exists()


def journal_path(store: Path, name: str) -> Path:
    """The journal that goes with the label PNG `name`."""
    return store / "journal" / PurePosixPath(name).with_suffix(".journal")


def _find_owner(store: Path, name: str) -> str | None:
    """The image that a label PNG or a journal says it belongs to."""
    try:
        header = read_header(journal_path(store, name))
    except LabelReadError:
        header = None
    if header is not None:
        return header.image
    try:
        with Image.open(store / "labels" / name, formats=("PNG",)) as image:
            stamp = decode_stamp(str(image.info.get(CHUNK, "")))
    except (OSError, SyntaxError, ValueError):
        return None
    return stamp.image if stamp is not None else None
