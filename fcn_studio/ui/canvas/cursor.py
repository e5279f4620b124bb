"""The ring under the pointer that shows what the brush would cover."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from fcn_studio.ui.canvas.transform import ViewTransform

SMALLEST_RING_PX = 5.0  # below, a system cross is easier to see than a ring
SQUARE_FROM_PX = 6.0  # an image pixel this large is shown as the square that a 1 px brush paints
DARK = QColor(0, 0, 0, 170)
LIGHT = QColor(255, 255, 255, 235)


@dataclass(frozen=True)
class BrushRing:
    """A ring (or, for a brush of one pixel seen from near, a square) in logical pixels of the view."""

    centre: QPointF
    diameter: float
    is_square: bool = False

    @property
    def is_visible(self) -> bool:
        """False where the ring would be too small to see."""
        return self.diameter >= SMALLEST_RING_PX

    @property
    def rect(self) -> QRectF:
        radius = self.diameter / 2
        return QRectF(self.centre.x() - radius, self.centre.y() - radius, self.diameter, self.diameter)

    @property
    def repaint_rect(self) -> QRect:
        """What has to be repainted when the ring comes or goes."""
        return self.rect.adjusted(-3, -3, 3, 3).toAlignedRect() if self.is_visible else QRect()

    def paint(self, painter: QPainter, color: QColor | None) -> None:
        """Draw a dark and a light line, so that it is seen on any image, and a dot of the class's colour."""
        if not self.is_visible:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line, outwards in ((DARK, 1.0), (LIGHT, 0.0)):
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
        painter.restore()


def make_ring(
    view_y: float, view_x: float, diameter_px: float, transform: ViewTransform, pixel_ratio: float
) -> BrushRing:
    """The ring for a brush of `diameter_px` image pixels at a view point in device pixels."""
    side = diameter_px * transform.scale / pixel_ratio
    if diameter_px <= 1 and side >= SQUARE_FROM_PX:
        y, x = transform.to_image(view_y, view_x)
        view_y, view_x = transform.to_view(math.floor(y) + 0.5, math.floor(x) + 0.5)
        return BrushRing(QPointF(view_x / pixel_ratio, view_y / pixel_ratio), side, is_square=True)
    return BrushRing(QPointF(view_x / pixel_ratio, view_y / pixel_ratio), side)
