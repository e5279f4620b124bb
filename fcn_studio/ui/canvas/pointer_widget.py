"""The half of the canvas that listens to the hand: mouse, pen, wheel and pinch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QWidget

from fcn_studio.ui.canvas.key_widget import KeyWidget
from fcn_studio.ui.canvas.navigation import NOTCH, is_trackpad
from fcn_studio.ui.canvas.pointer import read_mouse, read_tablet
from fcn_studio.ui.tools.base import PointerEvent

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QEnterEvent,
        QFocusEvent,
        QHideEvent,
        QMouseEvent,
        QNativeGestureEvent,
        QTabletEvent,
        QWheelEvent,
    )  # fmt: skip

    from fcn_studio.session.session import Session

RARE_EVENTS = frozenset(
    (QEvent.Type.ShortcutOverride, QEvent.Type.NativeGesture, QEvent.Type.DevicePixelRatioChange)
)


class PointerWidget(KeyWidget):
    """Takes what a person does with mouse, pen and fingers. See `KeyWidget` for keys and signals."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._pen_button = Qt.MouseButton.NoButton  # with which a pen began its drag

    # --- mouse and pen ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press(event, twice=False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._press(event, twice=True)

    def _press(self, event: QMouseEvent, *, twice: bool) -> None:
        tool = self.tools.current
        if self.scene.document is None or tool.is_busy or self.navigation.is_panning:
            return
        if not self.navigation.grabs(event):
            read = self._read(event)
            if read is not None:
                self._drag_pane = self.navigation.pane_at(event.position())
                if twice:
                    tool.press_twice(read)
                else:
                    tool.press(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.move_to(self.navigation.drag(self.scene.transform, event.position()))
        tool = self.tools.current
        if tool.is_busy or tool.is_open:
            read = self._read(event)
            if read is not None and tool.is_busy:
                tool.move(read)
            elif read is not None and not self.navigation.is_panning:
                tool.hover(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.navigation.is_panning:
            self.navigation.let_go()
        elif self.tools.current.is_busy and not _still_drags(event):
            read = self._read(event)
            if read is not None:
                self.tools.current.release(read)
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def _read(self, event: QMouseEvent) -> PointerEvent | None:
        return read_mouse(event, self._transform_at(event.position()), self.navigation.pixel_ratio)

    def tabletEvent(self, event: QTabletEvent) -> None:
        read = read_tablet(event, self._transform_at(event.position()), self.navigation.pixel_ratio)
        tool, kind = self.tools.current, event.type()
        pans = self.navigation.is_panning or self.navigation.space_held
        if tool.is_busy:
            if read is not None:
                self._drag_pen(event, read)
        elif read is None or pans or kind == QEvent.Type.TabletRelease:
            event.ignore()  # Qt makes a mouse event of it
            return
        elif kind == QEvent.Type.TabletPress:
            if self.scene.document is not None:
                self._drag_pane = self.navigation.pane_at(event.position())
                self._pen_button = event.button()
                tool.press(read)
        elif tool.is_open:
            tool.hover(read)
        event.accept()
        self._take_pointer(event.position(), alt_held=_has_alt(event))

    def _drag_pen(self, event: QTabletEvent, read: PointerEvent) -> None:
        """A pen's drag goes on, whatever is done with other buttons, until what began it comes up."""
        if event.type() == QEvent.Type.TabletMove:
            self.tools.current.move(read)
        elif event.type() == QEvent.Type.TabletRelease:
            began_it = self._pen_button
            if event.button() == began_it or not event.buttons() & began_it:
                self.tools.current.release(read)

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
        kind = event.type()
        return (kind in RARE_EVENTS and self.take_rare_event(kind, event)) or super().event(event)

    def take_rare_event(self, kind: QEvent.Type, event: QEvent) -> bool:
        """One of `RARE_EVENTS`; True where nobody else is to see it."""
        if kind == QEvent.Type.ShortcutOverride and self._is_for_tool(event):  # type: ignore[arg-type]
            event.accept()  # the key belongs to what is open, whatever command it has otherwise
            return True
        if kind == QEvent.Type.NativeGesture and self.scene.document is not None:
            gesture: QNativeGestureEvent = event  # type: ignore[assignment]
            self.move_to(self.navigation.pinch(self.scene.transform, gesture))
            return True
        return False

    def enterEvent(self, event: QEnterEvent) -> None:
        # Space and the arrow keys are the canvas's while the pointer is over it, unless somebody is typing.
        super().enterEvent(event)
        holder = QApplication.focusWidget()
        types = holder is not None and holder.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
        if self.isActiveWindow() and not types:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        if not self._is_led_by_keys:  # a window that came or went is no movement of the mouse
            self._take_pointer(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self._is_led_by_keys:
            self._take_pointer(None)

    # --- focus ----------------------------------------------------------------------------------------------

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._let_go_of_all()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._let_go_of_all()
        self._take_pointer(None)

    def _let_go_of_all(self) -> None:
        """Keys and buttons may come up elsewhere now: a stroke is kept as it is."""
        self.tools.current.let_go()
        self.navigation.let_go()
        self.navigation.space_held = False
        self.refresh_pointer()


def _has_alt(event: QMouseEvent | QTabletEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)


def _still_drags(event: QMouseEvent) -> bool:
    """Whether a button of the drag is still down when another one came up."""
    return bool(event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton))
