"""The view's picture in memory, device pixel by device pixel: only what changed is drawn again.

The pointer's ring, panels that slide over and the window system are served from this picture, so that they
cost a copy and no composition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QImage, QPainter

from fcn_studio.core.box import Box
from fcn_studio.core.pixels import Rgb32
from fcn_studio.ui.canvas.colors import OverlayColors
from fcn_studio.ui.canvas.overlay import OverlaySources, compose_overlay, fetch
from fcn_studio.ui.canvas.pyramid import Pyramid
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import wrap_rgb32

NEAREST_FROM_SCALE = 2.0  # from here on single pixels are shown as squares
MAX_STALE_BOXES = 12
GRID_FROM_SCALE = 12.0  # logical pixels an image pixel, from which lines between pixels do not hide them
TILE_PX = 256, 2000  # composed at a time: what is needed in between then stays in the processor's cache
WIDEST_CUT_PX = 4096  # Qt's raster painter breaks where a picture's side goes beyond 32767


class Frame:
    """What the view shows, and which parts of it are out of date (`mark_stale`, then `refresh`)."""

    def __init__(self) -> None:
        self._pixels = np.zeros((0, 0), np.uint32)
        self._image = QImage()
        self._stale: list[Box] = []
        self._backdrop = 0xFF000000
        self.pixel_ratio = 1.0
        self.grid_shown = False  # lines between single pixels, seen from near
        self.refreshed_pixels = 0  # device pixels composed so far, for tests and figures

    @property
    def image(self) -> QImage:
        """The picture, RGB32; valid until the next `resize`."""
        return self._image

    @property
    def box(self) -> Box:
        height, width = self._pixels.shape
        return Box(0, 0, height, width)

    def set_backdrop(self, color: QColor) -> None:
        """The colour round the image."""
        self._backdrop = color.rgb() | 0xFF000000
        self.mark_all_stale()

    def resize(self, view_hw: tuple[int, int], pixel_ratio: float) -> None:
        """Another size of the view, in device pixels, and device pixels a logical one."""
        self._pixels = np.full(view_hw, self._backdrop, np.uint32)
        self._image = wrap_rgb32(self._pixels)
        self.pixel_ratio = pixel_ratio
        self.mark_all_stale()

    def mark_all_stale(self) -> None:
        self._stale = [] if self.box.is_empty else [self.box]

    def mark_stale(self, box: Box) -> None:
        """Device pixels to compose anew at the next `refresh`."""
        box = box.intersect(self.box)
        if box.is_empty:
            return
        for other in self._stale:
            if other.union(box).area <= 1.25 * (other.area + box.area):
                self._stale.remove(other)
                self.mark_stale(other.union(box))
                return
        self._stale.append(box)
        if len(self._stale) > MAX_STALE_BOXES:
            whole = self._stale[0]
            for other in self._stale[1:]:
                whole = whole.union(other)
            self._stale = [whole]

    def scroll(self, dy: int, dx: int) -> None:
        """Push the picture by whole device pixels; what comes in at the border is stale."""
        height, width = self._pixels.shape
        if abs(dy) >= height or abs(dx) >= width:
            self.mark_all_stale()
            return
        moved = [box.shift(dy, dx) for box in self._stale]
        source = self._pixels[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
        self._pixels[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = source
        self._stale = []
        for box in moved:
            self.mark_stale(box)
        self.mark_stale(Box(0, 0, dy, width) if dy > 0 else Box(height + dy, 0, height, width))
        self.mark_stale(Box(0, 0, height, dx) if dx > 0 else Box(0, width + dx, height, width))

    # --- composing --------------------------------------------------------------------------------------

    def refresh(
        self,
        pyramid: Pyramid | None,
        transform: ViewTransform,
        sources: OverlaySources,
        colors: OverlayColors,
    ) -> None:
        """Compose all stale boxes."""
        stale, self._stale = self._stale, []
        for box in stale:
            for y in range(box.y0, box.y1, TILE_PX[0]):
                for x in range(box.x0, box.x1, TILE_PX[1]):
                    tile = Box(y, x, y + TILE_PX[0], x + TILE_PX[1]).intersect(box)
                    self._compose(tile, pyramid, transform, sources, colors)
            self.refreshed_pixels += box.area

    def _compose(
        self,
        box: Box,
        pyramid: Pyramid | None,
        transform: ViewTransform,
        sources: OverlaySources,
        colors: OverlayColors,
    ) -> None:
        inside = box.intersect(transform.image_view_box) if pyramid is not None else Box(0, 0, 0, 0)
        if inside != box:
            self._pixels[box.slices] = self._backdrop
        if pyramid is None or inside.is_empty:
            return
        pictures = compose_overlay(sources, colors, transform, inside, self.pixel_ratio)
        cut = None if transform.scale >= NEAREST_FROM_SCALE else _cut_level(inside, pyramid, transform)
        if cut is None:
            self._put_squares(inside, pyramid, transform)
        painter = QPainter(self._image)
        painter.setClipRect(QRect(inside.x0, inside.y0, inside.width, inside.height))
        if cut is not None:
            _draw_smooth(painter, cut, transform)
        for picture in pictures:
            painter.drawImage(inside.x0, inside.y0, picture)
        painter.end()
        if self.grid_shown and transform.scale >= GRID_FROM_SCALE * self.pixel_ratio:
            self._put_grid(inside, transform)

    def _put_squares(self, box: Box, pyramid: Pyramid, transform: ViewTransform) -> None:
        """The image's pixels as squares, on exactly the same grid as the overlay."""
        level = pyramid.level_for(transform.scale)
        rows = transform.rows_under(box.y0, box.y1) >> level
        columns = transform.columns_under(box.x0, box.x1) >> level
        self._pixels[box.slices] = fetch(pyramid.levels[level], rows, columns)

    def _put_grid(self, box: Box, transform: ViewTransform) -> None:
        """Lines a little brighter or darker than what they cross, so that they are seen on any image."""
        rows = transform.rows_under(box.y0 - 1, box.y1)
        columns = transform.columns_under(box.x0 - 1, box.x1)
        pixels = self._pixels[box.slices]
        for lines in (
            (np.flatnonzero(rows[1:] != rows[:-1]),),
            (slice(None), np.flatnonzero(columns[1:] != columns[:-1])),
        ):
            pixels[lines] = _shifted(pixels[lines])


def _shifted(pixels: Rgb32) -> Rgb32:
    """Every channel an eighth of its range up or down, a fourth of the way to its opposite."""
    quarter = (pixels >> 2) & np.uint32(0x3F3F3F)
    other = ((pixels ^ np.uint32(0x808080)) >> 2) & np.uint32(0x3F3F3F)
    return 3 * quarter + other | np.uint32(0xFF000000)


@dataclass(frozen=True)
class _Cut:
    """A part of a level, where it begins there, and image pixels a pixel of the level."""

    pixels: Rgb32
    y0: int
    x0: int
    step: int


def _cut_level(box: Box, pyramid: Pyramid, transform: ViewTransform) -> _Cut | None:
    """What Qt needs to draw a box of the view; None where that is no picture worth interpolating.

    That is so for an image less than two pixels high or wide on the screen: 60000 x 3 fitted into a window.
    """
    if min(transform.image_hw) * transform.scale < 2:
        return None
    level = pyramid.level_for(transform.scale)
    step = 2**level
    seen = transform.box_to_image(box.grow(1))
    height, width = pyramid.levels[level].shape
    y0, x0 = max(0, seen.y0 // step - 2), max(0, seen.x0 // step - 2)
    y1, x1 = min(height, -(-seen.y1 // step) + 2), min(width, -(-seen.x1 // step) + 2)
    if max(y1 - y0, x1 - x0) > WIDEST_CUT_PX:  # halved levels are still being computed
        return None
    return _Cut(pyramid.levels[level][y0:y1, x0:x1], y0, x0, step)


def _draw_smooth(painter: QPainter, cut: _Cut, transform: ViewTransform) -> None:
    """Part of a level, interpolated; only what the box needs is handed to Qt."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.translate(transform.offset_x, transform.offset_y)
    painter.scale(transform.scale * cut.step, transform.scale * cut.step)
    painter.drawImage(QPointF(cut.x0, cut.y0), wrap_rgb32(cut.pixels))
    painter.restore()
