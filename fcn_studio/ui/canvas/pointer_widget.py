"""The half of the canvas that listens: mouse, pen, wheel, pinch and keys go to navigation or to the tool."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.cursor import BrushRing, make_ring
from fcn_studio.ui.canvas.navigation import NOTCH, Navigation, is_trackpad
from fcn_studio.ui.canvas.pointer import read_mouse, read_tablet, to_device_yx
from fcn_studio.ui.canvas.scene import Scene
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.tools.toolbox import ToolBox

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QEnterEvent,
        QFocusEvent,
        QHideEvent,
        QKeyEvent,
        QMouseEvent,
        QNativeGestureEvent,
        QTabletEvent,
        QWheelEvent,
    )  # fmt: skip

    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

SMALLEST_BRUSH_PX, LARGEST_BRUSH_PX = 1, 500
BRUSH_STEP = 1.1


class PointerWidget(QWidget):
    """Owns scene, navigation and tools; knows where the pointer is and what it would paint.

    `pointer_moved` carries the image pixel (y, x) under the pointer or None; `zoom_changed` device pixels an
    image pixel; `view_moved`: the image lies elsewhere; `classes_wanted`: the person wants to paint but
    there are no classes yet.
    """

    pointer_moved = Signal(object)
    zoom_changed = Signal(float)
    view_moved = Signal()
    tool_changed = Signal(str)
    hint_changed = Signal(str)
    brush_size_changed = Signal(int)
    classes_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.scene = Scene(session, self)
        self.navigation = Navigation()
        self.tools = ToolBox(self)
        self.brush_size_px = int(session.settings["brush_size"])
        self._pointer: QPointF | None = None
        self._pointed_yx: tuple[int, int] | None = None
        self._alt_held = False
        self._ring: BrushRing | None = None
        self._drag_shift_px = 0  # of the pane in which the drag began
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- what the tools may use (see tools.base.ToolContext) ----------------------------------------------

    @property
    def document(self) -> Document | None:
        """The image on the screen, if it may be changed now."""
        return self.scene.editable

    def want_classes(self) -> None:
        self.classes_wanted.emit()

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        self.scene.mark_fresh(box, mask)

    # --- tools --------------------------------------------------------------------------------------------

    @property
    def tool_id(self) -> str:
        return self.tools.current.id

    def choose_tool(self, tool_id: str) -> None:
        """Take "brush", "eraser", "fill" or "pick" in hand; unknown ids change nothing."""
        if self.tools.choose(tool_id):
            self.tool_changed.emit(tool_id)
        self.hint_changed.emit(QCoreApplication.translate("Tool", self.tools.current.hint))
        self.refresh_pointer()

    def set_brush_size(self, size_px: float) -> None:
        """The brush's diameter in image pixels, 1 to 500."""
        size = min(max(round(size_px), SMALLEST_BRUSH_PX), LARGEST_BRUSH_PX)
        if size != self.brush_size_px:
            self.brush_size_px = size
            self.brush_size_changed.emit(size)
            self.refresh_pointer()

    def step_brush_size(self, steps: float) -> None:
        """Larger or smaller by some steps of a tenth, at least by a pixel."""
        size, now = self.brush_size_px * BRUSH_STEP**steps, self.brush_size_px
        self.set_brush_size(max(size, now + 1) if steps > 0 else min(size, now - 1))

    # --- where the pointer is -----------------------------------------------------------------------------

    def move_to(self, transform: ViewTransform | None) -> None:
        """Show the image elsewhere; None changes nothing."""
        before = self.scene.transform
        if transform is None or transform == before:
            return
        self.scene.set_transform(transform)
        if transform.scale != before.scale:
            self.zoom_changed.emit(transform.scale)
        self.refresh_pointer()
        self.view_moved.emit()

    def refresh_pointer(self) -> None:
        """Bring ring, cursor shape and `pointer_moved` in step with pointer, tool and zoom."""
        ring, before = self._make_ring(), self._ring
        self._ring = ring if ring is not None and ring.is_visible else None
        if before != self._ring:
            for old_or_new in (before, self._ring):
                if old_or_new is not None:
                    self.update(old_or_new.repaint_rect)
        shape = self._cursor_shape()
        if self.cursor().shape() != shape:
            self.setCursor(shape)
        pointed = self._find_pixel()
        if pointed != self._pointed_yx:
            self._pointed_yx = pointed
            self.pointer_moved.emit(pointed)

    def _make_ring(self) -> BrushRing | None:
        busy = self.navigation.is_panning or self.navigation.space_held or self._alt_held
        if self._pointer is None or busy or not self.tools.current.has_size or self.scene.document is None:
            return None
        ratio = self.navigation.pixel_ratio
        y, x = to_device_yx(self._pointer, ratio)
        return make_ring(y, x, self.brush_size_px, self._transform_at(self._pointer), ratio)

    def _transform_at(self, position: QPointF) -> ViewTransform:
        """Where the image lies in the pane under a position; a drag stays in the pane where it began."""
        is_dragging = self.tools.current.is_busy
        shift = self._drag_shift_px if is_dragging else self.navigation.shift_at(position)
        transform = self.scene.transform
        return replace(transform, offset_x=transform.offset_x + shift) if shift else transform

    def _find_pixel(self) -> tuple[int, int] | None:
        document = self.scene.document
        if self._pointer is None or document is None:
            return None
        transform = self._transform_at(self._pointer)
        y, x = transform.to_image(*to_device_yx(self._pointer, self.navigation.pixel_ratio))
        pixel = int(y // 1), int(x // 1)
        return pixel if Box.of_shape(document.shape_hw).contains(*pixel) else None

    def _cursor_shape(self) -> Qt.CursorShape:
        if self.scene.document is None:
            return Qt.CursorShape.ArrowCursor
        if self.navigation.is_panning:
            return Qt.CursorShape.ClosedHandCursor
        if self.navigation.space_held:
            return Qt.CursorShape.OpenHandCursor
        return Qt.CursorShape.BlankCursor if self._ring is not None else self.tools.current.cursor

    def _take_pointer(self, position: QPointF | None, *, alt_held: bool = False) -> None:
        self._pointer, self._alt_held = position, alt_held
        self.refresh_pointer()

    # --- mouse and pen ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tool = self.tools.current
        if self.scene.document is None or tool.is_busy or self.navigation.is_panning:
            return
        if not self.navigation.grabs(event):
            read = read_mouse(event, self._transform_at(event.position()), self.navigation.pixel_ratio)
            if read is not None:
                self._drag_shift_px = self.navigation.shift_at(event.position())
                tool.press(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.move_to(self.navigation.drag(self.scene.transform, event.position()))
        if self.tools.current.is_busy:
            read = read_mouse(event, self._transform_at(event.position()), self.navigation.pixel_ratio)
            if read is not None:
                self.tools.current.move(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.navigation.is_panning:
            self.navigation.let_go()
        elif self.tools.current.is_busy and not _still_drags(event):
            read = read_mouse(event, self._transform_at(event.position()), self.navigation.pixel_ratio)
            if read is not None:
                self.tools.current.release(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def tabletEvent(self, event: QTabletEvent) -> None:
        read = read_tablet(event, self._transform_at(event.position()), self.navigation.pixel_ratio)
        tool, kind = self.tools.current, event.type()
        if kind == QEvent.Type.TabletPress and not self.navigation.space_held:
            if self.scene.document is not None and not tool.is_busy:
                self._drag_shift_px = self.navigation.shift_at(event.position())
                tool.press(read)
        elif kind == QEvent.Type.TabletMove and tool.is_busy:
            tool.move(read)
        elif kind == QEvent.Type.TabletRelease and tool.is_busy:
            tool.release(read)
        elif kind != QEvent.Type.TabletMove or self.navigation.is_panning or self.navigation.space_held:
            event.ignore()  # Qt makes a mouse event of it
            return
        event.accept()
        self._take_pointer(event.position(), alt_held=read.alt)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.scene.document is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not is_trackpad(event):
            angle = event.angleDelta()
            steps = (angle.y() or angle.x()) / NOTCH  # some systems turn the wheel sideways with Shift
            if steps and self.tools.current.has_size:
                self.step_brush_size(steps)
        else:
            self.move_to(self.navigation.wheel(self.scene.transform, event))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.NativeGesture and self.scene.document is not None:
            gesture: QNativeGestureEvent = event  # type: ignore[assignment]
            self.move_to(self.navigation.pinch(self.scene.transform, gesture))
            return True
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        # Space and the arrow keys are the canvas's while the pointer is over it, unless somebody is typing.
        super().enterEvent(event)
        holder = QApplication.focusWidget()
        types = holder is not None and holder.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
        if self.isActiveWindow() and not types:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._take_pointer(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._take_pointer(None)

    # --- keys and focus -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.tools.current.is_busy:
            self.tools.current.cancel()
        elif self.navigation.space(event):
            self.refresh_pointer()
        else:
            moved = self.navigation.key(self.scene.transform, event)
            if moved is None:
                super().keyPressEvent(event)
            self.move_to(moved)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self.navigation.space(event):
            self.refresh_pointer()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._let_go_of_all()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._let_go_of_all()
        self._take_pointer(None)

    def _let_go_of_all(self) -> None:
        """Keys and buttons may come up elsewhere now: a stroke is kept as it is."""
        self.tools.current.finish()
        self.navigation.let_go()
        self.navigation.space_held = False
        self.refresh_pointer()


def _has_alt(event: QMouseEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)


def _still_drags(event: QMouseEvent) -> bool:
    """Whether a button of the drag is still down when another one came up."""
    return bool(event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton))
