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

FRESH_BIT = np.uint8(4)
ORIGIN_BITS = np.uint8(3)
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


def outline_margin_px(pixel_ratio: float) -> int:
    """How far, in device pixels, a changed value can change what is drawn around it."""
    return 2 * _thin_px(pixel_ratio)


def _thin_px(pixel_ratio: float) -> int:
    return max(1, round(pixel_ratio))


class Sampling:
    """Which row and which column of an array each device row and column shows; both rise and lie inside."""

    def __init__(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        self._rows, self._columns = rows, columns
        self._in_rows, self._in_columns = _find_slice(rows), _find_slice(columns)

    def view(self, values: NDArray[Any]) -> NDArray[Any]:
        """values[rows, columns] as an outer product; a view where steps are even, as at 1:1 or 1:4."""
        if self._in_rows is not None and self._in_columns is not None:
            return values[self._in_rows, self._in_columns]
        rows, columns = self._rows, self._columns
        y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        if y1 - y0 < rows.size:  # enlarged: widen the few rows first, then repeat them
            return values[y0:y1, x0:x1].take(columns - x0, axis=1).take(rows - y0, axis=0)
        return values[rows, x0:x1].take(columns - x0, axis=1)

    def fetch(self, values: NDArray[Any]) -> NDArray[Any]:
        """The same in memory without gaps: numpy is much quicker over one long row than over many short."""
        return np.ascontiguousarray(self.view(values))


def _find_slice(indices: NDArray[np.intp]) -> slice | None:
    """The indices as a slice, where all of them are equally far from one another."""
    first, last = int(indices[0]), int(indices[-1])
    step = int(indices[1]) - first if indices.size > 1 else 1
    if step < 1 or last - first != step * (indices.size - 1):
        return None
    return slice(first, last + 1, step) if (indices[1:] - indices[:-1] == step).all() else None


class Planes:
    """Sources as seen through a box of the view and `margin` device pixels round it; made for one drawing.

    box: device pixels of the view that show the image. pixel_ratio: device pixels a logical pixel; lines,
    `thin` wide, are that much thicker on a finer display. shown: the layers to draw.
    """

    def __init__(
        self, sources: OverlaySources, transform: ViewTransform, box: Box, pixel_ratio: float
    ) -> None:
        self._sources = sources
        self.box, self.shown = box, sources.shown
        self.thin, self.margin = _thin_px(pixel_ratio), outline_margin_px(pixel_ratio)
        margin = self.margin
        rows = transform.rows_under(box.y0 - margin, box.y1 + margin)
        columns = transform.columns_under(box.x0 - margin, box.x1 + margin)
        self._sampling = Sampling(rows, columns)
        # where patterns start, so that they move with the image
        self.phase_yx = box.y0 - int(transform.offset_y // 1), box.x0 - margin - int(transform.offset_x // 1)
        self._kept: dict[str, Plane | None] = {}

    def _fetch(self, name: str) -> Plane | None:
        """One of the sources by its name; perhaps its own memory, so never to be written to."""
        if name not in self._kept:
            found = getattr(self._sources, name)
            self._kept[name] = self._sampling.fetch(found) if found is not None else None
        return self._kept[name]

    def view(self, values: NDArray[Any]) -> NDArray[Any]:
        """Any other array of the image, as large as the box; perhaps its own memory."""
        return self._sampling.view(values)[self.margin : -self.margin, self.margin : -self.margin]

    def inner(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Without the margin above and below, which leaves the memory without gaps."""
        return plane[self.margin : -self.margin]

    def cut(self, inner: NDArray[Any]) -> NDArray[Any]:
        """What is left of `inner` without the margin at the sides: as large as the box."""
        return inner[:, self.margin : -self.margin]

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
    def has_labels(self) -> bool:
        labels = self.labels
        return labels is not None and int(labels.min()) != UNLABELLED

    def find_tags(self, labels: Plane) -> Plane:
        """uint8, the size of `labels`: provenance, and a bit for what has just been painted."""
        tags = self.provenance
        if tags is None:
            return np.zeros_like(labels)
        fresh = self._fetch("fresh")
        return tags if fresh is None else tags + fresh.view(np.uint8) * FRESH_BIT
