"""Real mouse, wheel and key events at places of the image, and images to point at."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.ui.canvas.view import CanvasView

WAIT_MS = 10_000
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


def make_pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [H, W, 3]: smooth colours with noise, so that every pixel can be told from its neighbours."""
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    ramps = np.stack(
        [rows * 190 // height, columns * 190 // width, (rows + columns) * 95 // (height + width)], 2
    )
    return (ramps + noise).astype(np.uint8)


def point_over(view: CanvasView, y: float, x: float) -> QPoint:
    """The view's pixel that shows image point (y, x)."""
    view_y, view_x = view.scene.transform.to_view(y, x)
    return QPoint(math.floor(view_x), math.floor(view_y))


def image_point(view: CanvasView, point: QPoint) -> tuple[float, float]:
    """The image point (y, x) that a pixel of the view stands for: its centre."""
    return view.scene.transform.to_image(point.y() + 0.5, point.x() + 0.5)


def drag(
    view: CanvasView,
    points: list[QPoint],
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NONE,
    *,
    let_go: bool = True,
) -> None:
    """Press at the first point, move along the others, let go at the last."""
    QTest.mousePress(view, button, modifiers, points[0])
    for point in points[1:]:
        QTest.mouseMove(view, point)
        QApplication.processEvents()
    if let_go:
        QTest.mouseRelease(view, button, modifiers, points[-1])
    QApplication.processEvents()


def wheel(view: CanvasView, point: QPoint, notches: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Turn the wheel over a point."""
    _scroll(view, point, QPoint(), round(notches * 120), modifiers, Qt.ScrollPhase.NoScrollPhase)


def swipe(view: CanvasView, point: QPoint, pixels: QPoint, modifiers: Qt.KeyboardModifier) -> None:
    """Two fingers move over a trackpad."""
    _scroll(view, point, pixels, 3 * pixels.y(), modifiers, Qt.ScrollPhase.ScrollUpdate)


def _scroll(
    view: CanvasView,
    point: QPoint,
    pixels: QPoint,
    angle: int,
    modifiers: Qt.KeyboardModifier,
    phase: Qt.ScrollPhase,
) -> None:
    local, everywhere = QPointF(point), QPointF(view.mapToGlobal(point))
    no_button = Qt.MouseButton.NoButton
    event = QWheelEvent(local, everywhere, pixels, QPoint(0, angle), no_button, modifiers, phase, False)
    QApplication.sendEvent(view, event)


def pinch(view: CanvasView, point: QPoint, kind: Qt.NativeGestureType, value: float) -> None:
    """A gesture of two fingers over a point."""
    device = QPointingDevice.primaryPointingDevice()
    local, everywhere = QPointF(point), QPointF(view.mapToGlobal(point))
    event = QNativeGestureEvent(kind, device, 2, local, local, everywhere, value, QPointF())
    QApplication.sendEvent(view, event)


def read_view(view: CanvasView) -> np.ndarray:
    """uint8 [h, w, 3]: what a person would see."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def seen(view: CanvasView) -> np.ndarray:
    """uint8 [h, w, 3]: what a person would see."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
