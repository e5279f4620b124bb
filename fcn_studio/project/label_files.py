"""Where one image's labels lie, and the two pictures they are kept in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.io.atomic import make_folder, write_atomic
from fcn_studio.io.dataset_classes import DatasetClasses
from fcn_studio.io.datasets import read_mask
from fcn_studio.io.label_png import make_label_png, read_label_png

CHUNK = "fcn-studio"
Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImportedMask:
    """A mask that came with the image and is never written; `class_ids[channel]` is the project's class."""

    path: Path
    classes: DatasetClasses
    class_ids: tuple[int, ...]

    def read(self) -> Plane:
        """Class ids uint8 [H, W], 255 = unlabelled. Raises LabelReadError."""
        lut = np.full(256, UNLABELLED, np.uint8)
        lut[: len(self.class_ids)] = self.class_ids
        return lut[read_mask(self.path, self.classes)]


@dataclass(frozen=True)
class LabelPlace:
    """All that reading and writing one image's labels needs; frozen, so that any thread may use it.

    class_ids: the project's classes; palette: uint8 [256, 3] for the label PNG.
    """

    image_id: str
    image: Path
    labels: Path
    provenance: Path
    journal: Path
    mask: ImportedMask | None
    class_ids: frozenset[int]
    palette: Plane = field(compare=False, repr=False)


class PlaneStamp(msgspec.Struct, frozen=True):
    """What a label or provenance PNG says of itself: state number, journal, hash of its pixel bytes."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    journal: str
    sha256: str
    image: str = ""


@dataclass(frozen=True)
class PlaneFile:
    """A PNG as read: its pixels, their hash, and the stamp if it has one."""

    pixels: Plane
    sha256: str
    stamp: PlaneStamp | None

    def seq_in(self, journal: str) -> int | None:
        """The state number, when this file is as it was written beside that journal; else None."""
        stamp = self.stamp
        if stamp is None or stamp.journal != journal or stamp.sha256 != self.sha256:
            return None
        return stamp.seq


def compute_hash(plane: Plane) -> str:
    """SHA-256 of the pixel bytes, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(plane).data).hexdigest()


def read_plane(path: Path) -> PlaneFile | None:
    """Read one PNG; None when it does not exist. Raises LabelReadError when it cannot be read."""
    if not path.exists():
        return None
    pixels, text = read_label_png(path)
    return PlaneFile(pixels, compute_hash(pixels), decode_stamp(text.get(CHUNK, "")))


def decode_stamp(text: str) -> PlaneStamp | None:
    """The stamp in a PNG's text chunk; None where there is none or another program's."""
    try:
        return msgspec.json.decode(text, type=PlaneStamp)
    except msgspec.DecodeError:
        return None


def write_plane(path: Path, plane: Plane, palette: Plane, *, image: str, seq: int, journal: str) -> None:
    """Write one PNG with its stamp, durable on return. Raises StorageError."""
    stamp = PlaneStamp(seq, journal, compute_hash(plane), image)
    make_folder(path.parent)
    write_atomic(path, make_label_png(plane, palette, {CHUNK: msgspec.json.encode(stamp).decode()}))


def mend_provenance(labels: Plane, provenance: Plane) -> Plane:
    """A provenance that fits the labels: none where unlabelled, painted where nothing sensible is said."""
    mended = np.where(
        (provenance == Provenance.NONE) | (provenance > max(Provenance)), Provenance.PAINTED, provenance
    )
    return np.where(labels == UNLABELLED, Provenance.NONE, mended).astype(np.uint8)


def make_provenance(labels: Plane, value: Provenance) -> Plane:
    """`value` wherever there is a label."""
    return np.where(labels == UNLABELLED, Provenance.NONE, value).astype(np.uint8)


def make_provenance_palette() -> Plane:
    """uint8 [256, 3]: black none, white painted, blue accepted, orange imported."""
    palette = np.zeros((256, 3), np.uint8)
    palette[Provenance.PAINTED] = (255, 255, 255)
    palette[Provenance.ACCEPTED] = (86, 180, 233)
    palette[Provenance.IMPORTED] = (230, 159, 0)
    return palette
