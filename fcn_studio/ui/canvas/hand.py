"""The part of the canvas that holds the tool: its options, its tip under the pointer, its open outline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.cursor import BrushRing, make_ring
from fcn_studio.ui.canvas.navigation import Navigation
from fcn_studio.ui.canvas.pointer import to_device_yx
from fcn_studio.ui.canvas.scene import Scene
from fcn_studio.ui.canvas.sketch import DrawnSketch
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.tools.base import Tool
from fcn_studio.ui.tools.guarding import describe_protection
from fcn_studio.ui.tools.options import ToolOptions
from fcn_studio.ui.tools.toolbox import ToolBox

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

BRUSH_STEP = 1.1
REACH_PX = 8  # logical pixels: what a click may miss a point by
ERASER_BADGE, GUARD_BADGE, LOCK_BADGE = "eraser", "shield-half-full", "lock"


class HandWidget(QWidget):
    """Owns scene, navigation and tools; knows where the pointer is and what it would paint.

    `pointer_moved` carries the image pixel (y, x) under the pointer or None; `brush_size_changed` the size of
    the tool in hand; `classes_wanted`: the person wants to paint but there are no classes yet.
    """

    pointer_moved = Signal(object)
    tool_changed = Signal(str)
    hint_changed = Signal(str)
    brush_size_changed = Signal(int)
    classes_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.scene = Scene(session, self)
        self.navigation = Navigation()
        self.options = ToolOptions(session.settings["tool_options"], self)
        self.options.set_size("brush", session.settings["brush_size"])
        self.options.changed.connect(self._on_option_changed)
        self.tools = ToolBox(self)
        self._pointer: QPointF | None = None
        self._pointed_yx: tuple[int, int] | None = None
        self._alt_held = False
        self._is_led_by_keys = False  # the pointer: see `KeyWidget`
        self._ring: BrushRing | None = None
        self._shape = Qt.CursorShape.ArrowCursor
        self._sketch: DrawnSketch | None = None
        self._sketch_place: tuple[ViewTransform, int, float] | None = None  # for which it is drawn
        self._drag_pane = 0  # in which the drag began
        session.events.protection_changed.connect(self._on_protection_changed)
        session.events.classes_changed.connect(self._on_protection_changed)

    def drop_hand(self) -> None:
        """Finish what is under way and hear nothing any more."""
        self.tools.current.finish()
        events = self.session.events
        events.protection_changed.disconnect(self._on_protection_changed, missing_ok=True)
        events.classes_changed.disconnect(self._on_protection_changed, missing_ok=True)

    # --- what the tools may use (see tools.base.ToolContext) ----------------------------------------------

    @property
    def document(self) -> Document | None:
        """The image on the screen, if it may be changed now."""
        return self.scene.editable

    @property
    def reach_px(self) -> float:
        """Image pixels that are near on the screen."""
        return REACH_PX * self.navigation.pixel_ratio / self.scene.transform.scale

    def want_classes(self) -> None:
        self.classes_wanted.emit()

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        self.scene.mark_fresh(box, mask)

    def draw_sketch(self) -> None:
        """Draw the tool's open outline anew, or what has come to it."""
        sketch, before, navigation = self.tools.current.sketch, self._sketch, self.navigation
        place = self.scene.transform, navigation.shift_of(self._drag_pane), navigation.pixel_ratio
        if sketch is not None and before is not None and place == self._sketch_place:
            region = before.grow(sketch)
            if region is not None:
                self.update(region)
                return
        self._sketch = DrawnSketch(sketch, self._to_logical) if sketch is not None else None
        self._sketch_place = place
        for old_or_new in (before, self._sketch):
            if old_or_new is not None:
                self.update(old_or_new.repaint_region)

    def _to_logical(self, y: float, x: float) -> QPointF:
        view_y, view_x = self.scene.transform.to_view(y, x)
        ratio, shift = self.navigation.pixel_ratio, self.navigation.shift_of(self._drag_pane)
        return QPointF((view_x + shift) / ratio, view_y / ratio)

    # --- tools --------------------------------------------------------------------------------------------

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self.tools.current

    @property
    def tool_id(self) -> str:
        return self.tools.current.id

    def choose_tool(self, tool_id: str) -> None:
        """Take a tool in hand by its id; unknown ids change nothing."""
        if self.tools.choose(tool_id):
            self.brush_size_changed.emit(self.brush_size_px)
        if tool_id == self.tool_id:  # also when it was in hand: the click has let its button come up
            self.tool_changed.emit(tool_id)
        self._tell_hint()
        self.draw_sketch()
        self.refresh_pointer()

    @property
    def brush_size_px(self) -> int:
        """The size of the tool in hand; the brush's where it has none."""
        return self.options.size_of(self.tool_id)

    def set_brush_size(self, size_px: float) -> None:
        """The size of the tool in hand in image pixels, 1 to 500."""
        self.options.set_size(self.tool_id, size_px)

    def step_brush_size(self, steps: float) -> None:
        """Larger or smaller by some steps of a tenth, at least by a pixel."""
        size, now = self.brush_size_px * BRUSH_STEP**steps, self.brush_size_px
        self.set_brush_size(max(size, now + 1) if steps > 0 else min(size, now - 1))

    def step_back(self) -> bool:
        """Take the last point of an open outline back; False when none is open."""
        is_open = self.tools.current.is_open
        if is_open:
            self.tools.current.step_back()
        return is_open

    def _on_option_changed(self, name: str) -> None:
        if name == "size":
            self.brush_size_changed.emit(self.brush_size_px)
        if name in ("size", "square"):
            self.refresh_pointer()

    def _on_protection_changed(self) -> None:
        self._tell_hint()
        self.refresh_pointer()

    def _tell_hint(self) -> None:
        tool = self.tools.current
        hint = QCoreApplication.translate("Tool", tool.key_hint if self._is_led_by_keys else tool.hint)
        guarded = describe_protection(self.session.editing.protection, self.session.classes.table)
        if guarded and tool.writes:
            hint = f"{self.tr('Protected')}: {guarded} · {hint}"
        self.hint_changed.emit(hint)

    # --- where the pointer is -----------------------------------------------------------------------------

    @property
    def pointed_yx(self) -> tuple[int, int] | None:
        """The image pixel under the pointer; None where there is none."""
        return self._pointed_yx

    def refresh_pointer(self) -> None:
        """Bring tip, cursor shape and `pointer_moved` in step with pointer, tool and zoom."""
        ring, before = self._make_ring(), self._ring
        self._ring = ring if ring is not None and (ring.is_visible or ring.badges) else None
        if before != self._ring:
            rects = [ring.repaint_rect for ring in (before, self._ring) if ring is not None]
            if len(rects) == 2 and rects[0].intersects(rects[1]):
                rects = [rects[0].united(rects[1])]
            for rect in rects:
                self.update(rect)
        shape = self._cursor_shape()
        if self._shape != shape:
            self._shape = shape
            self.setCursor(shape)
        pointed = self._find_pixel()
        if pointed != self._pointed_yx:
            self._pointed_yx = pointed
            self.pointer_moved.emit(pointed)

    def _make_ring(self) -> BrushRing | None:
        tool = self.tools.current
        busy = self.navigation.is_panning or self.navigation.space_held or self._alt_held
        if self._pointer is None or busy or self.scene.document is None:
            return None
        badges = self._badges()
        if not tool.has_size and not badges:
            return None
        ratio = self.navigation.pixel_ratio
        return make_ring(
            *to_device_yx(self._pointer, ratio),
            self.brush_size_px if tool.has_size else 0,
            self._transform_at(self._pointer),
            ratio,
            square=self.options.is_square(tool.id),
            badges=badges,
        )

    def _badges(self) -> tuple[str, ...]:
        tool = self.tools.current
        erases = (ERASER_BADGE,) if tool.id == "eraser" else ()
        guarded = tool.writes and self.session.editing.protection.is_active
        return (*erases, LOCK_BADGE if self._is_over_locked() else GUARD_BADGE) if guarded else erases

    def _is_over_locked(self) -> bool:
        """Whether the label under the pointer is of a class that nobody may paint over."""
        pixel, document = self._find_pixel(), self.scene.document
        locked = self.session.editing.protection.locked
        return bool(locked) and pixel is not None and document is not None and (
            int(document.label_map.labels[pixel]) in locked
        )  # fmt: skip

    def _transform_at(self, position: QPointF) -> ViewTransform:
        """Where the image lies in the pane under a position; a drag stays in the pane where it began."""
        navigation, is_dragging = self.navigation, self.tools.current.is_busy
        shift = navigation.shift_of(self._drag_pane if is_dragging else navigation.pane_at(position))
        transform = self.scene.transform
        return replace(transform, offset_x=transform.offset_x + shift) if shift else transform

    def _find_pixel(self) -> tuple[int, int] | None:
        document = self.scene.document
        if self._pointer is None or document is None:
            return None
        transform = self._transform_at(self._pointer)
        y, x = transform.to_image(*to_device_yx(self._pointer, self.navigation.pixel_ratio))
        row, column = int(y // 1), int(x // 1)
        height, width = document.shape_hw
        return (row, column) if 0 <= row < height and 0 <= column < width else None

    def _cursor_shape(self) -> Qt.CursorShape:
        if self.scene.document is None:
            return Qt.CursorShape.ArrowCursor
        if self.navigation.is_panning:
            return Qt.CursorShape.ClosedHandCursor
        if self.navigation.space_held:
            return Qt.CursorShape.OpenHandCursor
        is_seen = self._ring is not None and self._ring.is_visible
        return Qt.CursorShape.BlankCursor if is_seen else self.tools.current.cursor

    def _take_pointer(self, position: QPointF | None, *, alt_held: bool = False) -> None:
        self._pointer, self._alt_held = position, alt_held
        self.refresh_pointer()

    # --- drawing ------------------------------------------------------------------------------------------

    def paint_hand(self, painter: QPainter, region: QRegion) -> None:
        """Draw the open outline and the tip over the image, as far as `region` needs it."""
        color = self._class_color()
        if self._sketch is not None:
            self._sketch.paint(painter, color, region)
        if self._ring is not None:
            gives_class = self.tool_id in ("brush", "smart")
            self._ring.paint(painter, color if gives_class else None)

    def _class_color(self) -> QColor | None:
        classes = self.session.classes
        entry = classes.table.by_id(classes.chosen_id) if classes.chosen_id is not None else None
        return QColor(*entry.color) if entry is not None else None
