"""What is drawn over the image for the tool in hand: its tip, its marks, an outline not closed yet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from fcn_studio.core.raster import snap_square
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.icons import draw_glyph
from fcn_studio.ui.tools.base import Sketch

SMALLEST_RING_PX = 5.0  # below, a system cross is easier to see than a ring
SQUARE_FROM_PX = 6.0  # an image pixel this large is shown as the square that a 1 px brush paints
BADGE_PX = 15
HANDLE_PX = 7.0
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

    @property
    def repaint_rect(self) -> QRect:
        """What has to be repainted when the outline comes or goes."""
        ring = self.rect.adjusted(-3, -3, 3, 3).toAlignedRect() if self.is_visible else QRect()
        badges = self.badge_rect
        return ring if badges.isNull() else ring.united(badges.adjusted(-2, -2, 2, 2))

    def paint(self, painter: QPainter, color: QColor | None) -> None:
        """Draw a dark and a light line, so that it is seen on any image, and a dot of the class's colour."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line, outwards in ((DARK, 1.0), (LIGHT, 0.0)) if self.is_visible else ():
            painter.setPen(QPen(line, 1.3))
            rect = self.rect.adjusted(-outwards, -outwards, outwards, outwards)
            if self.is_square:
                painter.drawRect(rect)
            else:
                painter.drawEllipse(rect)
        if color is not None and self.diameter >= 14:
            painter.setPen(QPen(DARK, 1.0))
            painter.setBrush(color)
            painter.drawEllipse(self.centre, 2.5, 2.5)
        self._paint_badges(painter)
        painter.restore()

    def _paint_badges(self, painter: QPainter) -> None:
        place = self.badge_rect
        for number, name in enumerate(self.badges):
            square = QRect(place.x() + number * (BADGE_PX + 1), place.y(), BADGE_PX, BADGE_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(DARK)
            painter.drawRoundedRect(square, 4, 4)
            draw_glyph(painter, name, square.adjusted(1, 1, -1, -1), LIGHT)


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


@dataclass(frozen=True)
class DrawnSketch:
    """An outline in logical pixels of the view."""

    line: QPolygonF
    handles: tuple[QPointF, ...]
    is_closed: bool
    erases: bool

    @classmethod
    def of(cls, sketch: Sketch, to_view: Callable[[float, float], QPointF]) -> DrawnSketch:
        """`to_view` gives the logical view point of an image point (y, x)."""
        line = QPolygonF([to_view(*point) for point in sketch.points])
        handles = tuple(to_view(*point) for point in sketch.handles)
        return cls(line, handles, sketch.is_closed, sketch.erases)

    @property
    def repaint_rect(self) -> QRect:
        reach = math.ceil(HANDLE_PX)
        return self.line.boundingRect().adjusted(-reach, -reach, reach, reach).toAlignedRect()

    def paint(self, painter: QPainter, color: QColor | None) -> None:
        """Draw the outline dark, then light (dashed where it erases), and its handles, the first filled."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        draw = painter.drawPolygon if self.is_closed else painter.drawPolyline
        light = QPen(LIGHT, 1.5, Qt.PenStyle.DashLine if self.erases else Qt.PenStyle.SolidLine)
        for pen in (QPen(DARK, 3.2), light):
            painter.setPen(pen)
            draw(self.line)
        painter.setPen(QPen(DARK, 1.2))
        for number, place in enumerate(self.handles):
            side = HANDLE_PX + (2 if number == 0 else 0)
            painter.setBrush(color if number == 0 and color is not None else LIGHT)
            painter.drawRect(QRectF(place.x() - side / 2, place.y() - side / 2, side, side))
        painter.restore()
