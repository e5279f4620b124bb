"""A pointer that is moved by keys, for whoever has no mouse: Ctrl and arrows move it, Enter clicks."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPen

from fcn_studio.ui.canvas.cursor import DARK, LIGHT

STEP_PX = 20.0
SMALL_STEP_PX = 1.0
ARM_PX = 9.0
HOLE_PX = 3.0
DIRECTIONS = {
    Qt.Key.Key_Left: QPointF(-1, 0), Qt.Key.Key_Right: QPointF(1, 0),
    Qt.Key.Key_Up: QPointF(0, -1), Qt.Key.Key_Down: QPointF(0, 1),
}  # fmt: skip
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def find_moved(event: QKeyEvent, position: QPointF | None, view: QRect) -> QPointF | None:
    """Where a key takes the pointer (logical pixels of the view); None where the key is for something else.

    position: where it is, None: nowhere on the image, then it appears in the middle. Ctrl and an arrow take
    it a step further, with Shift a pixel.
    """
    direction = DIRECTIONS.get(Qt.Key(event.key()))
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if direction is None or modifiers not in (CTRL, CTRL | SHIFT):
        return None
    if position is None:
        return QRectF(view).center()
    moved = position + direction * (SMALL_STEP_PX if modifiers & SHIFT else STEP_PX)
    return QPointF(
        min(max(moved.x(), view.left()), view.right()), min(max(moved.y(), view.top()), view.bottom())
    )


def repaint_rect(position: QPointF) -> QRect:
    """What has to be repainted when the cross comes or goes."""
    reach = ARM_PX + 2
    corner = position - QPointF(reach, reach)
    return QRectF(corner, position + QPointF(reach, reach)).toAlignedRect()


def paint_cross(painter: QPainter, position: QPointF) -> None:
    """A cross with an open middle, dark and light, so that it is seen on any image."""
    middle = position + QPointF(0.5, 0.5)  # of the pixel: smooth lines through its corner would blur
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for color, width in ((DARK, 3.6), (LIGHT, 1.6)):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        for direction in DIRECTIONS.values():
            painter.drawLine(middle + direction * HOLE_PX, middle + direction * ARM_PX)
    painter.restore()
