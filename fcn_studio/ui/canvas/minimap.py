"""The whole image, small, in the corner of the canvas while only a part of it is seen; a click goes there."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from fcn_studio.ui.canvas.frame import Frame
from fcn_studio.ui.canvas.scene import Scene
from fcn_studio.ui.canvas.transform import ViewTransform

LONG_SIDE_PX = 150
SHARE_OF_VIEW = 0.24  # of its shorter side, at most
SMALLEST_SIDE_PX = 24
BORDER_PX = 3
REFRESH_MS = 250  # after a change; a stroke must not wait for the minimap
SHADE = QColor(0, 0, 0, 90)


class Minimap(QWidget):
    """Shows image and layers as the canvas does, and the part that is seen.

    `place_wanted` carries the image point (y, x) to be brought into the middle.
    """

    place_wanted = Signal(float, float)

    def __init__(self, scene: Scene, parent: QWidget) -> None:
        super().__init__(parent)
        self._scene, self._view = scene, parent
        self._frame = Frame()
        self._small = ViewTransform((1, 1), (1, 1))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._redraw)
        scene.stale.connect(self._on_stale)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Overview of the image"))
        self.setToolTip(self.tr("Click or drag to go there"))
        self.hide()

    def fit(self, pixel_ratio: float) -> None:
        """Take the size that suits the image, and draw it anew."""
        transform = self._scene.transform
        height, width = transform.image_hw
        room = SHARE_OF_VIEW * min(self._view.width(), self._view.height())
        scale = (min(LONG_SIDE_PX, room) - 2 * BORDER_PX) / max(height, width)
        inner = [max(SMALLEST_SIDE_PX, round(side * scale)) for side in (height, width)]
        self.resize(QSize(inner[1] + 2 * BORDER_PX, inner[0] + 2 * BORDER_PX))
        view_hw = math.ceil(inner[0] * pixel_ratio), math.ceil(inner[1] * pixel_ratio)
        self._small = ViewTransform((height, width), view_hw).fitted()
        self._frame.resize(view_hw, pixel_ratio)
        self._timer.start(0)

    def _on_stale(self, _box: object) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start(REFRESH_MS)

    def _redraw(self) -> None:
        if self.isVisible():
            self._frame.mark_all_stale()
            self._scene.draw_small(self._frame, self._small)
            self.update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start(0)

    # --- mouse ----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _go_to(self, position: QPointF) -> None:
        inner = (position - QPointF(BORDER_PX, BORDER_PX)) * self._frame.pixel_ratio
        y, x = self._small.to_image(inner.y(), inner.x())
        height, width = self._small.image_hw
        self.place_wanted.emit(min(max(y, 0.0), height), min(max(x, 0.0), width))

    # --- painting -------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._view.palette().color(QPalette.ColorRole.Window))
        inner = QRectF(self.rect()).adjusted(BORDER_PX, BORDER_PX, -BORDER_PX, -BORDER_PX)
        if not self._frame.image.isNull():
            painter.drawImage(inner, self._frame.image)
        painter.setPen(QPen(self._view.palette().color(QPalette.ColorRole.Mid), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        seen = self._seen_rect().translated(inner.topLeft()).intersected(inner)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(SHADE, 4))
        painter.drawRect(seen)
        painter.setPen(QPen(self._view.palette().color(QPalette.ColorRole.Link), 2))
        painter.drawRect(seen)
        painter.end()

    def _seen_rect(self) -> QRectF:
        """The part that the canvas shows, in logical pixels of the picture."""
        transform, ratio = self._scene.transform, self._frame.pixel_ratio
        y0, x0 = self._small.to_view(*transform.to_image(0, 0))
        y1, x1 = self._small.to_view(*transform.to_image(*transform.view_hw))
        return QRectF(x0 / ratio, y0 / ratio, (x1 - x0) / ratio, (y1 - y0) / ratio)
