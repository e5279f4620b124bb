"""The pick: a click takes the class under the pointer in hand."""

from __future__ import annotations

from fcn_studio.ui.tools.base import PointerEvent, Tool, pick_class, translatable


class PickTool(Tool):
    """Reads the label under the pointer, or the prediction where there is no label."""

    id = "pick"
    title = "Pick class"
    key = "I"
    icon = "mdi6.eyedropper"
    hint = translatable("Tool", "Click to paint with the class under the pointer")

    writes = False

    def press(self, event: PointerEvent) -> None:
        pick_class(self._context, event)
