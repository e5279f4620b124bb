"""Values of the image at the resolution of the screen, fetched once for all layers that look at them.

Values are fetched only for the device pixels at hand (one row index a device row, one column index a device
column), so the cost follows the screen and never the image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.ui.canvas.transform import ViewTransform

FRESH_BIT = 4
ORIGIN_BITS = 3
DEFAULT_SHOWN = frozenset({"labels", "prediction"})

Plane = NDArray[np.uint8]


@dataclass(frozen=True)
class OverlaySources:
    """The arrays that are looked at, all [H, W] of the image; None where there is none.

    labels: uint8 class ids, provenance: uint8, fresh: bool, channels: uint8 network channels, confidence:
    uint8. shown: the layers to draw.
    """

    labels: Plane | None
    provenance: Plane | None
    fresh: NDArray[np.bool_] | None
    channels: Plane | None
    confidence: Plane | None = None
    shown: frozenset[str] = field(default=DEFAULT_SHOWN)


def fetch(values: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """values[rows, columns] as an outer product; rows and columns rise and lie inside."""
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    if y1 - y0 < rows.size:  # enlarged: widen the few rows first, then repeat them
        return values[y0:y1, x0:x1].take(columns - x0, axis=1).take(rows - y0, axis=0)
    return values[rows, x0:x1].take(columns - x0, axis=1)


def view_or_fetch(values: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """The same as `fetch`, but a view of `values` where that will do, as at 1:1."""
    in_rows, in_columns = _find_slice(rows), _find_slice(columns)
    if in_rows is None or in_columns is None:
        return fetch(values, rows, columns)
    return values[in_rows, in_columns]


def _find_slice(indices: NDArray[np.intp]) -> slice | None:
    """The indices as a slice where none is missing or comes twice, as at 1:1."""
    first, stop = int(indices[0]), int(indices[-1]) + 1
    if stop - first != indices.size or not (indices[1:] != indices[:-1]).all():
        return None
    return slice(first, stop)


class Planes:
    """Sources as seen through a box of the view and `margin` device pixels round it; made for one drawing."""

    def __init__(self, sources: OverlaySources, transform: ViewTransform, box: Box, margin: int) -> None:
        self._sources = sources
        self.margin = margin
        self.box = box
        self.rows = transform.rows_under(box.y0 - margin, box.y1 + margin)
        self.columns = transform.columns_under(box.x0 - margin, box.x1 + margin)
        # where patterns start, so that they move with the image
        self.phase = (
            box.y0 - margin - int(transform.offset_y // 1) + box.x0 - margin - int(transform.offset_x // 1)
        )
        self.phase_yx = box.y0 - int(transform.offset_y // 1), box.x0 - int(transform.offset_x // 1)

        in_rows, in_columns = _find_slice(self.rows), _find_slice(self.columns)
        self._slices = None if in_rows is None or in_columns is None else (in_rows, in_columns)
        self._kept: dict[str, Plane | None] = {}
        self._said: Box | None = None
        self._knows_said = False

    def _fetch(self, name: str) -> Plane | None:
        """One of the sources by its name; a view of it at 1:1, so never to be written to."""
        if name not in self._kept:
            found = getattr(self._sources, name)
            if found is not None:
                found = found[self._slices] if self._slices else fetch(found, self.rows, self.columns)
            self._kept[name] = found
        return self._kept[name]

    @property
    def labels(self) -> Plane | None:
        return self._fetch("labels")

    @property
    def channels(self) -> Plane | None:
        return self._fetch("channels")

    @property
    def confidence(self) -> Plane | None:
        return self._fetch("confidence")

    @property
    def provenance(self) -> Plane | None:
        return self._fetch("provenance")

    @property
    def said(self) -> Box | None:
        """The smallest box of device pixels (margin included) that holds all labels; None without any."""
        if not self._knows_said:
            self._said, self._knows_said = self._find_said(), True
        return self._said

    def _find_said(self) -> Box | None:
        labels = self.labels
        if labels is None:
            return None
        in_row = labels.min(axis=1) != UNLABELLED
        if not in_row.any():
            return None
        y0, y1 = _first_and_stop(in_row)
        x0, x1 = _first_and_stop(labels[y0:y1].min(axis=0) != UNLABELLED)
        return Box(y0, x0, y1, x1)

    def tags(self, part: Box) -> Plane:
        """uint8, for a part (margin included): provenance, and a bit for what has just been painted."""
        rows, columns = self.rows[part.y0 : part.y1], self.columns[part.x0 : part.x1]
        if self._sources.provenance is None:
            return np.zeros((rows.size, columns.size), np.uint8)
        tags: Plane = view_or_fetch(self._sources.provenance, rows, columns)
        if self._sources.fresh is not None:
            fresh = view_or_fetch(self._sources.fresh.view(np.uint8), rows, columns)
            tags = tags + fresh * np.uint8(FRESH_BIT)
        return tags


def _first_and_stop(flags: NDArray[np.bool_]) -> tuple[int, int]:
    return int(flags.argmax()), int(flags.size - flags[::-1].argmax())
