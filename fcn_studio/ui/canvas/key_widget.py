"""The half of the canvas that listens to keys: they lead the pointer, use the tool and push the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QRegion

from fcn_studio.ui.canvas.hand import HandWidget
from fcn_studio.ui.canvas.key_pointer import find_moved, paint_cross, repaint_rect
from fcn_studio.ui.canvas.pointer import to_device_yx
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.tools.base import PointerEvent

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

CONFIRM_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
BACK_KEYS = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
ENTER_MODIFIERS = ALT | SHIFT | Qt.KeyboardModifier.KeypadModifier


class KeyWidget(HandWidget):
    """Takes what a person does with keys; without a mouse they lead the pointer.

    `zoom_changed`: device pixels an image pixel; `view_moved`: the image lies elsewhere. See `HandWidget` for
    the other signals.
    """

    zoom_changed = Signal(float)
    view_moved = Signal()

    def move_to(self, transform: ViewTransform | None) -> None:
        """Show the image elsewhere; None changes nothing."""
        before = self.scene.transform
        if transform is None or transform == before:
            return
        self.scene.set_transform(transform)
        if transform.scale != before.scale:
            self.zoom_changed.emit(transform.scale)
        self.draw_sketch()
        if self._is_led_by_keys and self._pointer is not None and self.tools.current.is_open:
            self.tools.current.hover(self._read_cross(self._pointer))  # the cross stays, the image goes
        self.refresh_pointer()
        self.view_moved.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._lead(event):
            return
        if self._is_for_tool(event):
            self._end_or_step_back(event.key())
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

    # --- without a mouse ----------------------------------------------------------------------------------

    def _lead(self, event: QKeyEvent) -> bool:
        """Move the pointer, or use the tool where it is; True when the key was for this."""
        if self.scene.document is None or self.tools.current.is_busy:
            return False
        starts_here = self._is_led_by_keys or self.pointed_yx is not None
        place = find_moved(event, self._pointer if starts_here else None, self.rect())
        if place is not None:
            self._lead_to(place)
            return True
        if event.key() not in CONFIRM_KEYS or event.modifiers() & ~ENTER_MODIFIERS:
            return False
        if not self._is_led_by_keys or self._pointer is None:
            return False
        if not event.isAutoRepeat():  # a finger that rests on the key begins and ends nothing
            self._drag_pane = self.navigation.pane_at(self._pointer)
            self.tools.current.enter(self._read_cross(self._pointer, event.modifiers()))
        return True

    def _lead_to(self, place: QPointF) -> None:
        if self._is_led_by_keys and self._pointer is not None:
            self.update(repaint_rect(self._pointer))
        super()._take_pointer(place)
        self.update(repaint_rect(place))
        if not self._is_led_by_keys:
            self._is_led_by_keys = True
            self._tell_hint()
        if self.tools.current.is_open:
            self.tools.current.steer(self._read_cross(place))

    def _read_cross(
        self, place: QPointF, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> PointerEvent:
        y, x = self._transform_at(place).to_image(*to_device_yx(place, self.navigation.pixel_ratio))
        return PointerEvent(y, x, shift=bool(modifiers & SHIFT), alt=bool(modifiers & ALT))

    def _take_pointer(self, position: QPointF | None, *, alt_held: bool = False) -> None:
        if self._is_led_by_keys and self._pointer is not None:
            self.update(repaint_rect(self._pointer))
            self._is_led_by_keys = False
            self._tell_hint()
        super()._take_pointer(position, alt_held=alt_held)

    def paint_hand(self, painter: QPainter, region: QRegion) -> None:
        super().paint_hand(painter, region)
        if self._is_led_by_keys and self._pointer is not None:
            paint_cross(painter, self._pointer)

    # --- what is under way --------------------------------------------------------------------------------

    def _is_for_tool(self, event: QKeyEvent) -> bool:
        """Whether a key ends what is under way, or takes its last step back."""
        tool = self.tools.current
        if event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | SHIFT):
            return False
        if event.key() == Qt.Key.Key_Escape:
            return tool.is_busy or tool.is_open
        return tool.is_open and event.key() in (*CONFIRM_KEYS, *BACK_KEYS)

    def _end_or_step_back(self, key: int) -> None:
        tool = self.tools.current
        if key == Qt.Key.Key_Escape:
            tool.cancel()
        elif key in CONFIRM_KEYS:
            tool.confirm()
        else:
            tool.step_back()
