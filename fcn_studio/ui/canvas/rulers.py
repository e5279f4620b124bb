"""Rulers along the upper and left border of the canvas, in image pixels."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

from fcn_studio.ui.canvas.scene import Scene

RULER_PX = 20
NUMBER_EVERY_PX = 64  # logical, at least
FONT_PX = 10


def find_step(scale: float) -> int:
    """Image pixels between two numbers at `scale` logical pixels an image pixel: 1, 2 or 5 times 10^n."""
    least = NUMBER_EVERY_PX / scale
    power = 10 ** math.floor(math.log10(max(least, 1.0)))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= least or least <= 1))


class Ruler(QWidget):
    """One ruler; `orientation` says along which side. The pointer's place is marked on it."""

    def __init__(self, scene: Scene, orientation: Qt.Orientation, parent: QWidget) -> None:
        super().__init__(parent)
        self._scene, self._view = scene, parent
        self._is_top = orientation == Qt.Orientation.Horizontal
        self._pointed: tuple[int, int] | None = None
        self.pixel_ratio = 1.0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(self.tr("Ruler"))
        self.hide()

    def point_at(self, pointed_yx: tuple[int, int] | None) -> None:
        """Mark the image pixel under the pointer; None marks nothing."""
        if self._pointed != pointed_yx:
            self._pointed = pointed_yx
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self._view.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Window))
        font = QFont(self.font())
        font.setPixelSize(FONT_PX)
        painter.setFont(font)
        if not self._is_top:  # drawn like the upper one, turned
            painter.translate(0, self.height())
            painter.rotate(-90)
        self._paint_ticks(painter, palette)
        if self._pointed is not None:
            near, far = (self._place(self._pointed[self._is_top] + side) for side in (0, 1))
            width = max(far - near, 1.5)
            left = near if self._is_top else self._length - near - width
            mark = palette.color(QPalette.ColorRole.Link)
            painter.fillRect(QRectF(left, RULER_PX - 3, width, 3), mark)
            mark.setAlphaF(0.3)
            painter.fillRect(QRectF(left, 0, width, RULER_PX - 3), mark)
        painter.end()

    @property
    def _length(self) -> int:
        return self.width() if self._is_top else self.height()

    def _place(self, value: float) -> float:
        """Where an image coordinate lies, in logical pixels from the canvas's upper or left end."""
        transform = self._scene.transform
        offset = transform.offset_x if self._is_top else transform.offset_y
        return (offset + value * transform.scale) / self.pixel_ratio

    def _paint_ticks(self, painter: QPainter, palette: QPalette) -> None:
        transform = self._scene.transform
        scale = transform.scale / self.pixel_ratio
        size, step = transform.image_hw[self._is_top], find_step(scale)
        first = max(0, math.floor(-self._place(0) / scale / step) * step)
        last = min(size, math.ceil((self._length - self._place(0)) / scale))
        fine = step / 10 if step * scale >= 10 * 5 and step >= 10 else step / 2 if step > 1 else step
        muted, text = QPalette.ColorRole.PlaceholderText, QPalette.ColorRole.WindowText
        for index in range(math.ceil((last - first) / fine) + 1):
            value = first + index * fine
            along = self._place(value)
            along = along if self._is_top else self._length - along
            is_numbered = index % round(step / fine) == 0
            painter.setPen(QPen(palette.color(muted), 1))
            tick = RULER_PX - (12 if is_numbered else 4)
            painter.drawLine(QPointF(along, tick), QPointF(along, RULER_PX))
            if is_numbered and value < size:
                painter.setPen(QPen(palette.color(text), 1))
                # the turned ruler's numbers stand on the other side of their tick: above it
                painter.drawText(QPointF(along + 3, RULER_PX - 9), f"{round(value)}")
