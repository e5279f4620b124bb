"""Where the image lies in the view: zoom and offset, to device pixels and back.

Everything here counts in device pixels of the view (not in Qt's logical ones), so that one image pixel at 1:1
is one pixel of the display whatever its scale factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

MAX_SCALE = 64.0
Pixels = slice | NDArray[np.intp]  # of an array, along one side
KEPT_IN_VIEW_PX = 48  # as much of the image stays in the view, however far it is pushed
NICE_SCALES = (1 / 32, 1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 4, 6, 8, 12,
               16, 24, 32, 48, 64)  # fmt: skip


@dataclass(frozen=True)
class ViewTransform:
    """Image point (y, x) is seen at (offset_y + y * scale, offset_x + x * scale); immutable.

    scale: device pixels per image pixel. image_hw: the image's size. view_hw: the view's size in device
    pixels. margin_px: free border round a fitted image. Image pixel (r, c) spans r..r+1 and c..c+1.
    """

    image_hw: tuple[int, int]
    view_hw: tuple[int, int]
    margin_px: float = 0.0
    scale: float = 1.0
    offset_y: float = 0.0
    offset_x: float = 0.0

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole image is just seen."""
        height, width = self.image_hw
        free_h = max(self.view_hw[0] - 2 * self.margin_px, self.view_hw[0] * 0.5, 1.0)
        free_w = max(self.view_hw[1] - 2 * self.margin_px, self.view_hw[1] * 0.5, 1.0)
        return min(free_h / height, free_w / width, MAX_SCALE)

    @property
    def min_scale(self) -> float:
        return min(self.fit_scale, 1.0)

    # --- other views of the same image ------------------------------------------------------------------

    def fitted(self) -> ViewTransform:
        """The whole image, centred."""
        return self.centred_on(self.image_hw[0] / 2, self.image_hw[1] / 2, self.fit_scale)

    def centred_on(self, y: float, x: float, scale: float) -> ViewTransform:
        """Image point (y, x) in the middle of the view, as near as the limits allow."""
        scale = min(max(scale, self.min_scale), MAX_SCALE)
        moved = replace(
            self,
            scale=scale,
            offset_y=self.view_hw[0] / 2 - y * scale,
            offset_x=self.view_hw[1] / 2 - x * scale,
        )
        return moved._kept_in_view()

    def zoomed(self, factor: float, at_y: float, at_x: float) -> ViewTransform:
        """`factor` times larger; the image point under view point (at_y, at_x) stays where it is."""
        scale = min(max(self.scale * factor, self.min_scale), MAX_SCALE)
        if abs(scale - self.fit_scale) < 1e-9 and factor < 1:
            return self.fitted()
        grown = scale / self.scale
        moved = replace(
            self,
            scale=scale,
            offset_y=at_y - (at_y - self.offset_y) * grown,
            offset_x=at_x - (at_x - self.offset_x) * grown,
        )
        return moved._kept_in_view()

    def panned(self, dy: int, dx: int) -> ViewTransform:
        """Pushed by whole device pixels, as far as the image stays in the view."""
        return replace(self, offset_y=self.offset_y + dy, offset_x=self.offset_x + dx)._kept_in_view()

    def resized(self, view_hw: tuple[int, int]) -> ViewTransform:
        """The same image point in the middle of a view of another size."""
        y, x = self.to_image(self.view_hw[0] / 2, self.view_hw[1] / 2)
        return replace(self, view_hw=view_hw).centred_on(y, x, self.scale)

    def next_nice_scale(self, *, larger: bool) -> float:
        """The next round zoom step above or below."""
        if larger:
            return next((nice for nice in NICE_SCALES if nice > self.scale * 1.001), MAX_SCALE)
        return next((nice for nice in reversed(NICE_SCALES) if nice < self.scale * 0.999), self.min_scale)

    def _kept_in_view(self) -> ViewTransform:
        offsets = []
        for offset, size, view in zip(
            (self.offset_y, self.offset_x), self.image_hw, self.view_hw, strict=True
        ):
            kept = min(KEPT_IN_VIEW_PX, size * self.scale)
            # whole steps only, so that pushing against the border does not shift the grid of pixels
            low, high = math.ceil(kept - size * self.scale - offset), math.floor(view - kept - offset)
            offsets.append(offset + min(max(0, low), max(high, low)))
        return replace(self, offset_y=offsets[0], offset_x=offsets[1])

    # --- points and boxes -------------------------------------------------------------------------------

    def to_image(self, view_y: float, view_x: float) -> tuple[float, float]:
        """The image point (y, x) under a view point; may lie outside the image."""
        return (view_y - self.offset_y) / self.scale, (view_x - self.offset_x) / self.scale

    def to_view(self, y: float, x: float) -> tuple[float, float]:
        """The view point (y, x) over an image point."""
        return self.offset_y + y * self.scale, self.offset_x + x * self.scale

    @property
    def view_box(self) -> Box:
        return Box.of_shape(self.view_hw)

    def box_to_view(self, box: Box, margin_px: int = 0) -> Box:
        """The view's device pixels whose centres lie on image pixels of `box`, and `margin_px` more."""
        y0, x0 = self.to_view(box.y0, box.x0)
        y1, x1 = self.to_view(box.y1, box.x1)
        covered = Box(
            math.ceil(y0 - 0.5), math.ceil(x0 - 0.5), math.ceil(y1 - 0.5), math.ceil(x1 - 0.5)
        )  # fmt: skip
        return covered.grow(margin_px).intersect(self.view_box)

    @cached_property
    def image_view_box(self) -> Box:
        """The device pixels that show the image; at least one row and column of them where it is thin."""
        whole = Box.of_shape(self.image_hw)
        covered = self.box_to_view(whole)
        if not covered.is_empty:
            return covered
        y0, x0 = (math.floor(side) for side in self.to_view(whole.y1 / 2, whole.x1 / 2))
        y1, x1 = y0 + 1, x0 + 1
        if covered.height:
            y0, y1 = covered.y0, covered.y1
        if covered.width:
            x0, x1 = covered.x0, covered.x1
        return Box(y0, x0, y1, x1).intersect(self.view_box)

    def box_to_image(self, box: Box) -> Box:
        """The image pixels seen through a box of the view, clipped to the image."""
        y0, x0 = self.to_image(box.y0, box.x0)
        y1, x1 = self.to_image(box.y1, box.x1)
        seen = Box(math.floor(y0), math.floor(x0), math.ceil(y1), math.ceil(x1))
        return seen.clip(self.image_hw)

    def rows_under(self, y0: int, y1: int) -> NDArray[np.intp]:
        """intp [y1 - y0]: image row under the centre of each device row, the nearest one outside."""
        return _pixels_under(y0, y1, self.offset_y, self.scale, self.image_hw[0])

    def columns_under(self, x0: int, x1: int) -> NDArray[np.intp]:
        """intp [x1 - x0]: image column under the centre of each device column, the nearest one outside."""
        return _pixels_under(x0, x1, self.offset_x, self.scale, self.image_hw[1])

    def find_rows(self, y0: int, y1: int) -> Pixels:
        """Like `rows_under`; a slice where it is found without looking at each."""
        return _find_run(y0, y1, self.offset_y, self.scale, self.image_hw[0]) or self.rows_under(y0, y1)

    def find_columns(self, x0: int, x1: int) -> Pixels:
        """Like `columns_under`; a slice where it is found without looking at each."""
        return _find_run(x0, x1, self.offset_x, self.scale, self.image_hw[1]) or self.columns_under(x0, x1)


def _find_run(start: int, stop: int, offset: float, scale: float, size: int) -> slice | None:
    """The same at 1:1, where they are neighbours; None where they are not, or where some lie outside."""
    first = math.floor(start + 0.5 - offset)
    last = first + stop - start
    return slice(first, last) if scale == 1.0 and first >= 0 and last <= size else None


def _pixels_under(start: int, stop: int, offset: float, scale: float, size: int) -> NDArray[np.intp]:
    centres = np.arange(start, stop, dtype=np.float64) + 0.5
    found = np.floor((centres - offset) / scale).astype(np.intp)
    if found.size and (found[0] < 0 or found[-1] >= size):
        np.clip(found, 0, size - 1, out=found)
    return found
