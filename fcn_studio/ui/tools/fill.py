"""The fill: a click gives the connected region under the pointer the chosen class."""

from __future__ import annotations

from fcn_studio.ui.tools.base import Button, PointerEvent, Tool, find_class, pick_class, translatable


class FillTool(Tool):
    """Fills a region of the mask as it is seen; a right click empties it."""

    id = "fill"
    title = "Fill"
    key = "G"
    icon = "mdi6.format-color-fill"
    hint = translatable("Tool", "Click a region to give it the class · right click empties it · Alt picks")

    def press(self, event: PointerEvent) -> None:
        if event.alt and event.button is Button.LEFT:
            pick_class(self._context, event)
            return
        if self._context.document is None:
            return
        class_id = find_class(self._context, erases=event.button is Button.RIGHT)
        if class_id is not None:
            self._context.session.editing.request_fill(*event.pixel_yx, class_id)
