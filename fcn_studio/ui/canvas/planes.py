"""Values of the image at the resolution of the screen, fetched once for all layers that look at them.

Values are fetched only for the device pixels at hand (one row index a device row, one column index a device
column), so the cost follows the screen and never the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.canvas.inks import Codes, Inks
from fcn_studio.ui.canvas.transform import Pixels, ViewTransform

DEFAULT_SHOWN = frozenset({"labels", "prediction"})

Plane = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# As a plain byte: to compare a plane with a member of an enum takes ten times as long.
PAINTED = np.uint8(Provenance.PAINTED)
WIDE_STEP = 2  # columns of the image a column of the view, from which most of them are not looked at


@dataclass(eq=False)
class Fresh:
    """What has just been painted: bool [H, W] of the image, and a box outside which nothing is."""

    painted: Mask
    box: Box

    def add(self, box: Box, mask: Mask) -> None:
        """Pixels of `mask` (bool [h, w] of `box`) too."""
        painted = self.painted[box.slices]
        np.logical_or(painted, mask, out=painted)
        self.box = self.box.union(box)


class OverlaySources(NamedTuple):
    """The arrays that are looked at, all [H, W] of the image; None where there is none.

    labels: uint8 class ids, provenance: uint8, channels: uint8 network channels, confidence: uint8. shown:
    the layers to draw.
    """

    labels: Plane | None
    provenance: Plane | None
    fresh: Fresh | None
    channels: Plane | None
    confidence: Plane | None = None
    shown: frozenset[str] = DEFAULT_SHOWN


def outline_margin_px(pixel_ratio: float) -> int:
    """How far, in device pixels, a changed value can change what is drawn around it."""
    return 2 * _thin_px(pixel_ratio)


def _thin_px(pixel_ratio: float) -> int:
    return max(1, round(pixel_ratio))


class Sampling:
    """Which row and which column of an array each device row and column shows; both rise and lie inside."""

    def __init__(self, rows: Pixels, columns: Pixels) -> None:
        self._rows, self._columns = _as_slice(rows), _as_slice(columns)

    @classmethod
    def under(cls, transform: ViewTransform, box: Box) -> Sampling:
        """What the image shows in a box of the view."""
        return cls(transform.find_rows(box.y0, box.y1), transform.find_columns(box.x0, box.x1))

    @property
    def box(self) -> Box:
        """The smallest box that holds all pixels that are shown."""
        (y0, y1), (x0, x1) = _bounds(self._rows), _bounds(self._columns)
        return Box(y0, x0, y1, x1)

    def view(self, values: NDArray[Any]) -> NDArray[Any]:
        """values[rows, columns] as an outer product; a view where steps are even, as at 1:1 or 1:4."""
        if isinstance(self._rows, slice) and isinstance(self._columns, slice):
            return values[self._rows, self._columns]
        return self._pick(self._cut(values))

    def fetch(self, values: NDArray[Any]) -> NDArray[Any]:
        """The same in memory without gaps: numpy is much quicker over one long row than over many short."""
        return np.ascontiguousarray(self.view(values))

    def fetch_joined(self, join: Callable[..., NDArray[Any]], *arrays: NDArray[Any] | None) -> NDArray[Any]:
        """What `join` makes of several arrays, pixel by pixel, as it is seen; None is handed on to it.

        Joined are the pixels themselves, unless many more of them are there than are seen: a look-up costs
        as much as twenty plain steps.
        """
        if self._is_wide:
            return join(*[None if values is None else self.fetch(values) for values in arrays])
        cuts = [None if values is None else np.ascontiguousarray(self._cut(values)) for values in arrays]
        return self._pick(join(*cuts))

    @property
    def _is_wide(self) -> bool:
        """Whether the pixels between those that are seen need not be touched: steps are even, or large."""
        if isinstance(self._columns, slice):
            return isinstance(self._rows, slice)
        return self.box.width > WIDE_STEP * self._columns.size

    @property
    def _is_enlarged(self) -> bool:
        return self.box.height < _as_indices(self._rows).size

    def _cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """The rows that are seen, each whole; of an enlarged image each once."""
        box = self.box
        if self._is_enlarged:
            return values[box.slices]
        return values[_as_indices(self._rows), box.x0 : box.x1]

    def _pick(self, cut: NDArray[Any]) -> NDArray[Any]:
        """Of such rows the columns that are seen; few rows are widened first, then repeated."""
        found = cut.take(_as_indices(self._columns) - self.box.x0, axis=1)
        return found.take(_as_indices(self._rows) - self.box.y0, axis=0) if self._is_enlarged else found


def _as_slice(pixels: Pixels) -> Pixels:
    """Indices as a slice, where all of them are equally far from one another."""
    if isinstance(pixels, slice):
        return pixels
    first, last = int(pixels[0]), int(pixels[-1])
    step = int(pixels[1]) - first if pixels.size > 1 else 1
    if step < 1 or last - first != step * (pixels.size - 1):
        return pixels
    return slice(first, last + 1, step) if (pixels[1:] - pixels[:-1] == step).all() else pixels


def _as_indices(pixels: Pixels) -> NDArray[np.intp]:
    if isinstance(pixels, slice):
        return np.arange(pixels.start, pixels.stop, pixels.step, dtype=np.intp)
    return pixels


def _bounds(pixels: Pixels) -> tuple[int, int]:
    if isinstance(pixels, slice):
        return pixels.start, pixels.stop
    return int(pixels[0]), int(pixels[-1]) + 1


class Planes:
    """Sources as seen through a box of the view and `margin` device pixels round it; made for one drawing.

    box: device pixels of the view that show the image. pixel_ratio: device pixels a logical pixel; lines,
    `thin` wide, are that much thicker on a finer display. shown: the layers to draw.
    """

    def __init__(
        self, sources: OverlaySources, transform: ViewTransform, box: Box, pixel_ratio: float
    ) -> None:
        self._sources, self._transform, self._pixel_ratio = sources, transform, pixel_ratio
        self.box, self.shown = box, sources.shown
        self.thin, self.margin = _thin_px(pixel_ratio), outline_margin_px(pixel_ratio)
        margin = self.margin
        self._sampling = Sampling.under(transform, box.grow(margin))
        # where patterns start, so that they move with the image
        self.phase_yx = box.y0 - int(transform.offset_y // 1), box.x0 - margin - int(transform.offset_x // 1)
        self._kept: dict[str, NDArray[Any] | None] = {}

    # --- fetching -----------------------------------------------------------------------------------------

    def cut(self, height_px: int, width_px: int) -> list[Planes]:
        """The same through parts of the box, of at most that size each; two threads get as much to do."""
        box = self.box
        pairs = -(-box.height // (2 * height_px))
        step = -(-box.height // (2 * pairs))
        corners = [(y, x) for y in range(box.y0, box.y1, step) for x in range(box.x0, box.x1, width_px)]
        boxes = (Box(y, x, y + step, x + width_px).intersect(box) for y, x in corners)
        return [Planes(self._sources, self._transform, part, self._pixel_ratio) for part in boxes]

    def _fetch(self, name: str) -> NDArray[Any] | None:
        """One of the sources by its name; perhaps its own memory, so never to be written to."""
        if name not in self._kept:
            source = getattr(self._sources, name)
            self._kept[name] = self._sampling.fetch(source) if source is not None else None
        return self._kept[name]

    def fetch_said(self, inks: Inks) -> Codes | None:
        """Of what is shown, what each pixel says: its label, else its prediction, in numbers of `inks`."""
        labels, provenance, _, channels, _, shown = self._sources
        labels = labels if "labels" in shown else None
        channels = channels if "prediction" in shown else None
        if labels is None and channels is None:
            return None
        return self._sampling.fetch_joined(inks.find_said, labels, provenance, channels)

    def fetch_fresh(self) -> Mask | None:
        """Where a label has just been painted; None where nothing of that is in sight."""
        _, provenance, fresh, *_ = self._sources
        if fresh is None or provenance is None:
            return None
        in_sight = self._sampling.box
        overlap = fresh.box.intersect(in_sight)
        if overlap.is_empty:
            return None
        box = self.box.grow(self.margin)
        seen = box
        if 4 * overlap.area < in_sight.area:  # only a small part need be fetched
            seen = self._transform.box_to_view(fresh.box).intersect(box)
        if seen == box or seen.is_empty:  # empty: it is smaller than a device pixel
            return self._sampling.fetch_joined(_are_fresh, fresh.painted, provenance)
        found = np.zeros(box.shape_hw, np.bool_)
        part = Sampling.under(self._transform, seen)
        found[seen.shift(-box.y0, -box.x0).slices] = part.fetch_joined(_are_fresh, fresh.painted, provenance)
        return found

    def inner(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Without the margin above and below, which leaves the memory without gaps."""
        return plane[self.margin : -self.margin]

    def narrow(self, inner: NDArray[Any]) -> NDArray[Any]:
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


def _are_fresh(painted: Mask, provenance: Plane) -> Mask:
    are_painted: Mask = provenance == PAINTED
    return painted & are_painted
