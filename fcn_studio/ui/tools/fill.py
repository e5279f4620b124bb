"""The fill: a click gives the connected region under the pointer the chosen class."""

from __future__ import annotations

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.ui.tools.base import Button, PointerEvent, Tool, pick_class, translatable


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
        document, session = self._context.document, self._context.session
        if document is None:
            return
        class_id = UNLABELLED if event.button is Button.RIGHT else session.classes.chosen_id
        if session.classes.is_preview or class_id is None:
            self._context.want_classes()
            return
        y, x = int(event.y // 1), int(event.x // 1)
        height, width = document.shape_hw
        if 0 <= y < height and 0 <= x < width:
            session.editing.request_fill(y, x, class_id)
