"""Results for other programs: masks as indexed PNG, and how much of each image is what."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.io.atomic import make_folder, write_atomic
from fcn_studio.io.label_png import make_label_png

AREA_COLUMNS = ("image", "class", "pixels", "share")


@dataclass(frozen=True, slots=True)
class Area:
    """One row of `areas.csv`: pixels of one class in one image; share of the whole image, 0 to 1."""

    image: str
    class_name: str
    pixels: int
    share: float


def compose_mask(
    labels: npt.NDArray[np.uint8], prediction_ids: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """The label where there is one, else the prediction; all uint8 [H, W] class ids, 255 = neither."""
    return np.where(labels == UNLABELLED, prediction_ids, labels)


def compute_areas(image: str, mask: npt.NDArray[np.uint8], classes: ClassTable) -> list[Area]:
    """Rows for the classes that occur in `mask` (uint8 [H, W] class ids), in the table's order.

    Pixels without a class come last, as "unlabelled"; the shares of one image add up to 1.
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    total = max(1, mask.size)
    rows = [
        Area(image, entry.name, int(counts[entry.id]), int(counts[entry.id]) / total)
        for entry in classes
        if counts[entry.id]
    ]
    rest = mask.size - sum(row.pixels for row in rows)
    if rest:
        rows.append(Area(image, "unlabelled", rest, rest / total))
    return rows


def write_areas_csv(path: Path, rows: Iterable[Area]) -> None:
    """Write `areas.csv`: UTF-8, columns image, class, pixels, share. Raises StorageError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(AREA_COLUMNS)
    writer.writerows((row.image, row.class_name, row.pixels, f"{row.share:.6f}") for row in rows)
    write_atomic(path, text.getvalue().encode())


def write_mask(path: Path, mask: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> None:
    """Write uint8 [H, W] class ids as an indexed PNG, making folders as needed. Raises StorageError."""
    make_folder(path.parent)
    # What is exported can be exported again: no fsync for each of a thousand files.
    write_atomic(path, make_label_png(mask, palette), sync=False)
