"""Mouse and pen of Qt as pointer events of the image."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent

from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.tools.base import Button, PointerEvent

BUTTONS = {Qt.MouseButton.LeftButton: Button.LEFT, Qt.MouseButton.RightButton: Button.RIGHT}


def to_device_yx(position: QPointF, pixel_ratio: float) -> tuple[float, float]:
    """The centre of the device pixel under a logical position: what is seen there is what is meant."""
    return math.floor(position.y() * pixel_ratio) + 0.5, math.floor(position.x() * pixel_ratio) + 0.5


def read_mouse(event: QMouseEvent, transform: ViewTransform, pixel_ratio: float) -> PointerEvent | None:
    """The event on the image; None for buttons that no tool uses. A move counts as the left button."""
    button = BUTTONS.get(event.button(), Button.LEFT if event.button() == Qt.MouseButton.NoButton else None)
    if button is None:
        return None
    return _make(event, button, transform, pixel_ratio)


def read_tablet(event: QTabletEvent, transform: ViewTransform, pixel_ratio: float) -> PointerEvent | None:
    """A pen: its eraser end and its barrel button erase as the right mouse button does; None as above."""
    pressed = BUTTONS.get(event.button())
    if pressed is None and event.button() != Qt.MouseButton.NoButton:
        return None
    is_eraser = event.pointerType() == QPointingDevice.PointerType.Eraser
    button = Button.RIGHT if is_eraser or pressed is Button.RIGHT else Button.LEFT
    return _make(event, button, transform, pixel_ratio, read_pressure(event))


def read_pressure(event: QTabletEvent) -> float:
    """0 to 1, whatever the driver says: some report nothing, some more than all."""
    pressure = event.pressure()
    return min(max(pressure, 0.0), 1.0) if math.isfinite(pressure) else 1.0


def _make(
    event: QMouseEvent | QTabletEvent,
    button: Button,
    transform: ViewTransform,
    pixel_ratio: float,
    pressure: float | None = None,
) -> PointerEvent:
    y, x = transform.to_image(*to_device_yx(event.position(), pixel_ratio))
    modifiers = event.modifiers()
    if modifiers == Qt.KeyboardModifier.NoModifier:  # nearly always, and each question has its price
        return PointerEvent(y, x, button, pressure=pressure)
    return PointerEvent(
        y,
        x,
        button,
        shift=bool(modifiers & Qt.KeyboardModifier.ShiftModifier),
        alt=bool(modifiers & Qt.KeyboardModifier.AltModifier),
        ctrl=bool(modifiers & Qt.KeyboardModifier.ControlModifier),
        pressure=pressure,
    )
