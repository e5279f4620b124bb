"""Zoom and pan: wheel, pinch, trackpad, Space or middle drag, arrow keys."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent

from fcn_studio.ui.canvas.transform import ViewTransform

WHEEL_FACTOR = 1.2  # a notch of the wheel
NOTCH = 120  # Qt's angle of one notch
ARROW_SHARE = 0.1  # of the view, that an arrow key pushes it
FIT_MARGIN_PX = 24
ARROWS = {
    Qt.Key.Key_Left: (0, 1), Qt.Key.Key_Right: (0, -1), Qt.Key.Key_Up: (1, 0), Qt.Key.Key_Down: (-1, 0),
}  # fmt: skip


class Navigation:
    """Turns gestures into the next transform; every method returns it, or None where nothing moves.

    Positions are logical pixels of the view, as Qt gives them; `pixel_ratio` device pixels a logical one.
    """

    def __init__(self) -> None:
        self.pixel_ratio = 1.0
        self.space_held = False
        self.is_fitted = True  # whether the view follows the size of the window
        self._split_px = math.inf  # of the view, in device pixels: where a second pane begins
        self._shift_px = 0  # how far right of its place in the first pane it shows each pixel
        self._grabbed: QPointF | None = None
        self._owed_yx = (0.0, 0.0)  # parts of pixels that a trackpad pushed and that were not moved yet

    @property
    def is_panning(self) -> bool:
        return self._grabbed is not None

    # --- two panes ----------------------------------------------------------------------------------------

    def set_panes(self, split_px: float, shift_px: int) -> None:
        """Where a second pane begins that shows the same part of the image; shift 0: there is none."""
        self._split_px, self._shift_px = split_px if shift_px else math.inf, shift_px

    def pane_at(self, position: QPointF) -> int:
        """0 for the pane that is always there, 1 for the second one."""
        return int(position.x() * self.pixel_ratio >= self._split_px)

    def shift_of(self, pane: int) -> int:
        """Device pixels by which the image lies further right in a pane, as long as there is a second one."""
        return self._shift_px if pane else 0

    # --- drags ------------------------------------------------------------------------------------------

    def grabs(self, event: QMouseEvent) -> bool:
        """Whether this press begins a pan; it has begun if so."""
        button = event.button()
        if button == Qt.MouseButton.MiddleButton or (self.space_held and button == Qt.MouseButton.LeftButton):
            self._grabbed = event.position()
        return self.is_panning

    def drag(self, transform: ViewTransform, position: QPointF) -> ViewTransform | None:
        if self._grabbed is None:
            return None
        moved = position - self._grabbed
        self._grabbed = position
        return self._pushed(transform, moved.y() * self.pixel_ratio, moved.x() * self.pixel_ratio)

    def let_go(self) -> None:
        self._grabbed = None

    # --- wheel, trackpad, keys ----------------------------------------------------------------------------

    def wheel(self, transform: ViewTransform, event: QWheelEvent) -> ViewTransform | None:
        """Two fingers on a trackpad push the view; a wheel, or Ctrl with either, zooms at the pointer."""
        zooms = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        pixels = event.pixelDelta()
        if is_trackpad(event) and not zooms and not pixels.isNull():
            return self._pushed(transform, pixels.y() * self.pixel_ratio, pixels.x() * self.pixel_ratio)
        notches = event.angleDelta().y() / NOTCH
        return self._zoomed(transform, WHEEL_FACTOR**notches, event.position()) if notches else None

    def pinch(self, transform: ViewTransform, event: QNativeGestureEvent) -> ViewTransform | None:
        """Two fingers apart zoom; a double tap with two fingers fits the image."""
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            return self._zoomed(transform, max(0.1, 1.0 + event.value()), event.position())
        if event.gestureType() == Qt.NativeGestureType.SmartZoomNativeGesture:
            return self.fitted(transform)
        return None

    def key(self, transform: ViewTransform, event: QKeyEvent) -> ViewTransform | None:
        """Arrow keys push the view the way they point."""
        step = ARROWS.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return None
        share_y, share_x = (round(side * ARROW_SHARE) for side in transform.view_hw)
        return self._pushed(transform, step[0] * share_y, step[1] * share_x)

    def space(self, event: QKeyEvent) -> bool:
        """Keep in mind whether Space is held; True when the event was about Space.

        Space with another key is not meant for the view, but it comes up whatever else is down by then.
        """
        presses = event.type() == QEvent.Type.KeyPress
        if event.key() != Qt.Key.Key_Space or (presses and event.modifiers()):
            return False
        if not event.isAutoRepeat():
            self.space_held = presses
        return True

    # --- commands -----------------------------------------------------------------------------------------

    def fitted(self, transform: ViewTransform) -> ViewTransform:
        self.is_fitted = True
        return transform.fitted()

    def scaled(
        self, transform: ViewTransform, scale: float, at: QPointF | None = None
    ) -> ViewTransform | None:
        """To a scale, round a point of the view or its middle."""
        if at is None:
            at = QPointF(transform.view_hw[1], transform.view_hw[0]) / (2 * self.pixel_ratio)
        return self._zoomed(transform, scale / transform.scale, at)

    def _zoomed(self, transform: ViewTransform, factor: float, at: QPointF) -> ViewTransform:
        x = at.x() * self.pixel_ratio - self.shift_of(self.pane_at(at))
        zoomed = transform.zoomed(factor, at.y() * self.pixel_ratio, x)
        self.is_fitted = zoomed == zoomed.fitted()
        return zoomed

    def _pushed(self, transform: ViewTransform, dy: float, dx: float) -> ViewTransform:
        dy, dx = dy + self._owed_yx[0], dx + self._owed_yx[1]
        whole_y, whole_x = round(dy), round(dx)
        self._owed_yx = dy - whole_y, dx - whole_x
        self.is_fitted = False
        return transform.panned(whole_y, whole_x)


def is_trackpad(event: QWheelEvent) -> bool:
    """Whether fingers on a trackpad made this wheel event."""
    device = event.device()
    if device is not None and device.type() == QInputDevice.DeviceType.TouchPad:
        return True
    return event.phase() != Qt.ScrollPhase.NoScrollPhase
