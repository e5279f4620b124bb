"""The view's picture in memory, device pixel by device pixel: only what changed is drawn again.

The pointer's ring, panels that slide over and the window system are served from this picture, so that they
cost a copy and no composition.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QImage, QPainter

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.colors import OverlayColors
from fcn_studio.ui.canvas.overlay import OverlaySources, compose_overlay
from fcn_studio.ui.canvas.pyramid import Pyramid
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import wrap_rgb32

NEAREST_FROM_SCALE = 2.0  # from here on single pixels are shown as squares
MAX_STALE_BOXES = 12
STRIP_ROWS = 256  # composed at a time: what is needed in between then stays in the processor's cache


class Frame:
    """What the view shows, and which parts of it are out of date (`mark_stale`, then `refresh`)."""

    def __init__(self) -> None:
        self._pixels = np.zeros((0, 0), np.uint32)
        self._image = QImage()
        self._stale: list[Box] = []
        self._backdrop = 0xFF000000
        self.pixel_ratio = 1.0
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
            for y in range(box.y0, box.y1, STRIP_ROWS):
                strip = Box(y, box.x0, min(y + STRIP_ROWS, box.y1), box.x1)
                self._compose(strip, pyramid, transform, sources, colors)
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
        if transform.scale >= NEAREST_FROM_SCALE:
            self._put_squares(inside, pyramid, transform)
        painter = QPainter(self._image)
        painter.setClipRect(QRect(inside.x0, inside.y0, inside.width, inside.height))
        if transform.scale < NEAREST_FROM_SCALE:
            _draw_smooth(painter, inside, pyramid, transform)
        for picture in pictures:
            painter.drawImage(inside.x0, inside.y0, picture)
        painter.end()

    def _put_squares(self, box: Box, pyramid: Pyramid, transform: ViewTransform) -> None:
        """The image's pixels as squares, on exactly the same grid as the overlay."""
        rows = transform.rows_under(box.y0, box.y1)
        columns = transform.columns_under(box.x0, box.x1)
        cut = pyramid.cut(0, int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        self._pixels[box.slices] = cut.take(columns - columns[0], axis=1).take(rows - rows[0], axis=0)


def _draw_smooth(painter: QPainter, box: Box, pyramid: Pyramid, transform: ViewTransform) -> None:
    """The image from the fitting level, interpolated; only what `box` needs is handed to Qt."""
    level = pyramid.level_for(transform.scale)
    step = 2**level
    seen = transform.box_to_image(box.grow(1))
    height, width = (-(-side // step) for side in pyramid.shape_hw)
    y0, x0 = max(0, seen.y0 // step - 2), max(0, seen.x0 // step - 2)
    y1, x1 = min(height, -(-seen.y1 // step) + 2), min(width, -(-seen.x1 // step) + 2)
    part = wrap_rgb32(pyramid.cut(level, y0, x0, y1, x1))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.translate(transform.offset_x, transform.offset_y)
    painter.scale(transform.scale * step, transform.scale * step)
    painter.drawImage(QPointF(x0, y0), part)
    painter.restore()
