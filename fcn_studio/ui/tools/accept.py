"""The accept brush: a click confirms the predicted region under it, a drag what the tip passes over."""

from __future__ import annotations

import math
from typing import ClassVar

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.ui.tools.base import Button, Point, PointerEvent, ToolContext, find_class, translatable
from fcn_studio.ui.tools.brush import BrushTool, Mask


class AcceptTool(BrushTool):
    """Makes the prediction the label where nothing is said; the right button says it is background."""

    id = "accept"
    title = "Accept prediction"
    key = "V"
    icon = "mdi6.check-decagram-outline"
    hint = translatable("Tool", "Click accepts a region, drag what the brush covers · right button rejects")
    key_hint = translatable("Tool", "Enter accepts a region · Ctrl+arrows move, with Shift by a pixel")
    option_names: ClassVar[tuple[str, ...]] = ("size",)

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._pressed: PointerEvent | None = None  # until it is a click or a drag
        self._rejects = False

    @property
    def is_busy(self) -> bool:
        return self._drags or self._pressed is not None

    def press(self, event: PointerEvent) -> None:
        if self._context.document is None or self.is_busy:
            return
        self._rejects = event.button is Button.RIGHT
        if find_class(self._context, erases=True) is not None:
            self._pressed = event

    def move(self, event: PointerEvent) -> None:
        pressed = self._pressed
        if pressed is not None:
            if math.dist(pressed.point_yx, event.point_yx) < self._context.reach_px / 2:
                return
            self._begin_drag(pressed)
        super().move(event)

    def _begin_drag(self, pressed: PointerEvent) -> None:
        self._pressed, self._drags = None, True
        self._last: Point | None = pressed.point_yx
        self._last_size_px = self._size_at(pressed)
        self._class_id = UNLABELLED
        self._context.session.editing.begin_stroke("Reject" if self._rejects else "Accept")

    def release(self, event: PointerEvent) -> None:
        self.move(event)
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            self.finish()
            return
        editing = self._context.session.editing
        request = editing.request_reject_region if self._rejects else editing.request_accept_region
        request(*pressed.pixel_yx)

    def finish(self) -> None:
        self._pressed = None
        super().finish()

    def cancel(self) -> None:
        self._pressed = None
        super().cancel()

    def _write(self, box: Box, mask: Mask) -> None:
        editing = self._context.session.editing
        if self._rejects:
            editing.reject(box, mask)
        else:
            editing.accept(box, mask)
