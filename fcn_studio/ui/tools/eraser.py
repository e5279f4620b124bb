"""The eraser: a drag with either button gives pixels back to "unlabelled"."""

from __future__ import annotations

from fcn_studio.ui.tools.base import PointerEvent, translatable
from fcn_studio.ui.tools.brush import BrushTool


class EraserTool(BrushTool):
    """A brush that takes away what was said, so that the prediction shows again."""

    id = "eraser"
    title = "Eraser"
    key = "E"
    icon = "mdi6.eraser"
    hint = translatable("Tool", "Drag to take labels away · [ ] size · Shift for a line")
    key_hint = translatable("Tool", "Enter erases a dab, Shift+Enter a line · Ctrl+arrows move · [ ] size")

    def _erases(self, _event: PointerEvent) -> bool:
        return True
