"""The view's picture in memory, device pixel by device pixel: only what changed is drawn again.

The pointer's ring, panels that slide over and the window system are served from this picture, so that they
cost a copy and no composition.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QImage, QPainter

from fcn_studio.core.box import Box
from fcn_studio.core.pixels import Rgb32
from fcn_studio.ui.canvas.colors import OverlayColors
from fcn_studio.ui.canvas.overlay import compose_overlay
from fcn_studio.ui.canvas.planes import OverlaySources, Planes, Sampling
from fcn_studio.ui.canvas.pyramid import Level, Pyramid
from fcn_studio.ui.canvas.tone import Tone
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import wrap_rgb32

NEAREST_FROM_SCALE = 2.0  # from here on single pixels are shown as squares
MAX_STALE_BOXES = 12
GRID_FROM_SCALE = 12.0  # logical pixels an image pixel, from which lines between pixels do not hide them
LARGE_PX = 1 << 17  # below, another thread would cost more than it saves
PART_PX = 512, 2000  # composed at a time: what is needed in between then stays in the processor's cache
WIDEST_CUT_PX = 4096  # Qt's raster painter breaks where a picture's side goes beyond 32767


class Picture(NamedTuple):
    """The image and how it is shown; pyramid None: there is none."""

    pyramid: Pyramid | None
    tone: Tone | None = None
    is_shown: bool = True


class Pane(NamedTuple):
    """A part of the view, where the image lies for it, and what lies over the image there.

    sources_transform: where the sources lie, None where the image does; thinned ones lie as a smaller image.
    """

    box: Box
    transform: ViewTransform
    sources: OverlaySources
    colors: OverlayColors
    sources_transform: ViewTransform | None = None


class Frame:
    """What the view shows, and which parts of it are out of date (`mark_stale`, then `refresh`).

    pool: helps where much is drawn anew; its owner ends it, and sets it to None.
    """

    def __init__(self, pool: Executor | None = None) -> None:
        self.pool = pool
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

    def refresh(self, picture: Picture, panes: Sequence[Pane]) -> None:
        """Compose all stale boxes."""
        stale, self._stale = self._stale, []
        for box in stale:
            for pane in panes:
                self._compose(box.intersect(pane.box), picture, pane)
            self.refreshed_pixels += box.area

    def _compose(self, box: Box, picture: Picture, pane: Pane) -> None:
        """The image first; then what lies over it, with another thread's help where that is much."""
        pyramid, transform = picture.pyramid, pane.transform
        inside = box.intersect(transform.image_view_box) if pyramid is not None else Box(0, 0, 0, 0)
        if inside != box or not picture.is_shown:
            self._pixels[box.slices] = self._backdrop
        if pyramid is None or inside.is_empty:
            return
        planes = Planes(pane.sources, pane.sources_transform or transform, inside, self.pixel_ratio)
        parts = planes.cut(*PART_PX) if inside.area >= LARGE_PX else [planes]
        begun = {}
        if self.pool is not None and len(parts) > 1:
            begun = {part: self.pool.submit(compose_overlay, part, pane.colors) for part in parts}
        if picture.is_shown:
            self._put_image(inside, pyramid, picture.tone, transform)
        for part in reversed(parts):
            if part not in begun or begun[part].cancel():  # not begun yet: then nobody waits for it
                self._put_overlay(part, compose_overlay(part, pane.colors))
        for part, overlay in begun.items():
            if not overlay.cancelled():
                self._put_overlay(part, overlay.result())
        if self.grid_shown and transform.scale >= GRID_FROM_SCALE * self.pixel_ratio:
            self._put_grid(inside, transform)

    def _put_overlay(self, planes: Planes, layers: list[QImage]) -> None:
        if layers:
            painter = QPainter(self._image)
            for layer in layers:
                painter.drawImage(planes.box.x0, planes.box.y0, layer)
            painter.end()

    def _put_image(self, box: Box, pyramid: Pyramid, tone: Tone | None, transform: ViewTransform) -> None:
        level = pyramid.level_for(transform.scale)
        maps_values = tone is not None and tone.maps_values
        source = pyramid.deep_levels[level] if maps_values else pyramid.levels[level]
        is_sharp = transform.scale >= NEAREST_FROM_SCALE or transform.scale * 2**level == 1.0
        cut = None if is_sharp else _find_cut(box, source, level, transform)
        if cut is None:  # squares, on exactly the same grid as the overlay
            found = _view_level(source, level, box, transform)
            if tone is not None:
                found = tone.map_values(found) if maps_values else tone.map_pixels(found)
            self._pixels[box.slices] = found
            return
        part = source[cut.slices]
        self._draw_smooth(box, tone.map_values(part) if tone and maps_values else part, cut, level, transform)
        if tone is not None and not maps_values:
            self._pixels[box.slices] = tone.map_pixels(self._pixels[box.slices])

    def _draw_smooth(self, box: Box, part: Rgb32, cut: Box, level: int, transform: ViewTransform) -> None:
        """A part of a level, interpolated; only what the box needs is handed to Qt."""
        image, scale = wrap_rgb32(part), transform.scale * 2**level
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.setClipRect(QRect(box.x0, box.y0, box.width, box.height))
        painter.translate(transform.offset_x, transform.offset_y)
        painter.scale(scale, scale)
        painter.drawImage(QPointF(cut.x0, cut.y0), image)
        painter.end()

    def _put_grid(self, box: Box, transform: ViewTransform) -> None:
        """Lines a little brighter or darker than what they cross, so that they are seen on any image."""
        rows = transform.rows_under(box.y0 - 1, box.y1)
        columns = transform.columns_under(box.x0 - 1, box.x1)
        on_row = np.flatnonzero(rows[1:] != rows[:-1])
        on_column = np.flatnonzero(columns[1:] != columns[:-1])
        pixels = self._pixels[box.slices]
        across, down = _shifted(pixels[on_row]), _shifted(pixels[:, on_column])  # both before either is put
        pixels[on_row] = across
        pixels[:, on_column] = down


def _view_level(source: Level, level: int, box: Box, transform: ViewTransform) -> Level:
    """What is seen of a level, not interpolated; perhaps its own memory."""
    if level == 0:
        return Sampling.under(transform, box).view(source)
    rows = transform.rows_under(box.y0, box.y1) >> level
    columns = transform.columns_under(box.x0, box.x1) >> level
    return Sampling(rows, columns).view(source)


def _shifted(pixels: Rgb32) -> Rgb32:
    """Bright pixels a fourth darker, dark ones a fourth of the way to white."""
    darker = 3 * ((pixels >> 2) & np.uint32(0x3F3F3F))
    is_bright = pixels & np.uint32(0x8000) != 0  # as the eye judges it: by the green
    return np.where(is_bright, darker, darker + np.uint32(0x3F3F3F)) | np.uint32(0xFF000000)


def _find_cut(box: Box, source: Level, level: int, transform: ViewTransform) -> Box | None:
    """What of a level Qt needs to draw a box of the view; None where that is nothing to interpolate.

    That is so for an image less than two pixels high or wide on the screen (60000 x 3 fitted into a window),
    and while the halved levels of a large one are still being computed.
    """
    if min(transform.image_hw) * transform.scale < 2:
        return None
    step = 2**level
    seen = transform.box_to_image(box.grow(1))
    cut = Box(seen.y0 // step - 2, seen.x0 // step - 2, -(-seen.y1 // step) + 2, -(-seen.x1 // step) + 2)
    cut = cut.clip((source.shape[0], source.shape[1]))
    return cut if max(cut.shape_hw) <= WIDEST_CUT_PX else None
