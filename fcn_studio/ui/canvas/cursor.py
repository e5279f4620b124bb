"""What is drawn over the image for the tool in hand: its tip and its marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from fcn_studio.core.raster import snap_square
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.icons import draw_glyph

SMALLEST_RING_PX = 5.0  # below, a system cross is easier to see than a ring
SQUARE_FROM_PX = 6.0  # an image pixel this large is shown as the square that a 1 px brush paints
DOT_FROM_PX = 14.0  # a tip this large has a dot of the class's colour in its middle
LARGEST_KEPT_PX = 1200.0  # device pixels; the picture of a larger tip would need much memory
STEPS_A_PX = 8  # the tip's place, in parts of a device pixel
BADGE_PX = 15
DARK = QColor(0, 0, 0, 170)
LIGHT = QColor(255, 255, 255, 235)


@dataclass(frozen=True)
class BrushRing:
    """The tip's outline in logical pixels of the view: a ring, or a square for a square tip.

    badges: names of small icons beside it (eraser, shield); diameter 0: a tool without a tip, badges only.
    """

    centre: QPointF
    diameter: float
    is_square: bool = False
    badges: tuple[str, ...] = ()

    @property
    def is_visible(self) -> bool:
        """False where the outline would be too small to see."""
        return self.diameter >= SMALLEST_RING_PX

    @property
    def rect(self) -> QRectF:
        radius = self.diameter / 2
        return QRectF(self.centre.x() - radius, self.centre.y() - radius, self.diameter, self.diameter)

    @property
    def badge_rect(self) -> QRect:
        """Lower right of the tip, but never farther from its middle than the eye likes to go."""
        if not self.badges:
            return QRect()
        away = min(max(self.diameter / 2 * (1.0 if self.is_square else 0.75), 9.0), 60.0)
        width = len(self.badges) * (BADGE_PX + 1)
        return QRect(round(self.centre.x() + away), round(self.centre.y() + away), width, BADGE_PX)

    @cached_property
    def repaint_rect(self) -> QRect:
        """What has to be repainted when the outline comes or goes."""
        ring = self.rect.adjusted(-3, -3, 3, 3).toAlignedRect() if self.is_visible else QRect()
        badges = self.badge_rect
        return ring if badges.isNull() else ring.united(badges.adjusted(-2, -2, 2, 2))

    def paint(self, painter: QPainter, color: QColor | None) -> None:
        """Draw a dark and a light line, so that it is seen on any image, and a dot of the class's colour."""
        if self.is_visible:
            self._paint_tip(painter, color if self.diameter >= DOT_FROM_PX else None)
        if self.badges:
            self._paint_badges(painter)

    def _paint_tip(self, painter: QPainter, color: QColor | None) -> None:
        """From a picture drawn once: smooth circles cost more than all else that a dab repaints."""
        ratio = painter.device().devicePixelRatioF()
        side = self.diameter * ratio
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        x, y = (round(place * ratio * STEPS_A_PX) / STEPS_A_PX for place in self.centre.toTuple())
        if side > LARGEST_KEPT_PX:
            _draw_tip(painter, QPointF(x, y), side, self.is_square, color, ratio)
        else:
            left, top = math.floor(x), math.floor(y)
            rgb = color.rgb() if color is not None else None
            picture = _make_tip(x - left, y - top, side, self.is_square, rgb, ratio)
            reach = picture.width() // 2
            painter.drawImage(left - reach, top - reach, picture)
        painter.restore()

    def _paint_badges(self, painter: QPainter) -> None:
        place = self.badge_rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for number, name in enumerate(self.badges):
            square = QRect(place.x() + number * (BADGE_PX + 1), place.y(), BADGE_PX, BADGE_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(DARK)
            painter.drawRoundedRect(square, 4, 4)
            draw_glyph(painter, name, square.adjusted(1, 1, -1, -1), LIGHT)
        painter.restore()


@lru_cache(maxsize=8)
def _make_tip(
    x: float, y: float, side: float, is_square: bool, rgb: int | None, pixel_ratio: float
) -> QImage:
    """A tip of `side` device pixels whose centre lies (x, y), 0 to 1, beyond the middle pixel's corner."""
    reach = math.ceil(side / 2 + 3 * pixel_ratio)
    picture = QImage(2 * reach + 1, 2 * reach + 1, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    color = QColor(rgb) if rgb is not None else None
    _draw_tip(painter, QPointF(reach + x, reach + y), side, is_square, color, pixel_ratio)
    painter.end()
    return picture


def _draw_tip(
    painter: QPainter, centre: QPointF, side: float, is_square: bool, color: QColor | None, pixel_ratio: float
) -> None:
    """All in device pixels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    draw = painter.drawRect if is_square else painter.drawEllipse
    for line, outwards in ((DARK, pixel_ratio), (LIGHT, 0.0)):
        painter.setPen(QPen(line, 1.3 * pixel_ratio))
        radius = side / 2 + outwards
        draw(QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius))
    if color is not None:
        painter.setPen(QPen(DARK, 1.0 * pixel_ratio))
        painter.setBrush(color)
        painter.drawEllipse(centre, 2.5 * pixel_ratio, 2.5 * pixel_ratio)


def make_ring(
    view_y: float,
    view_x: float,
    diameter_px: float,
    transform: ViewTransform,
    pixel_ratio: float,
    *,
    square: bool = False,
    badges: tuple[str, ...] = (),
) -> BrushRing:
    """The outline of a tip of `diameter_px` image pixels at a view point in device pixels."""
    side = diameter_px * transform.scale / pixel_ratio
    if diameter_px == 1 and side >= SQUARE_FROM_PX:
        square = True
    elif side < SMALLEST_RING_PX:
        square = False
    if square:  # where it will paint: whole pixels
        view_y, view_x = transform.to_view(*snap_square(transform.to_image(view_y, view_x), int(diameter_px)))
    return BrushRing(QPointF(view_x / pixel_ratio, view_y / pixel_ratio), side, square, badges)
