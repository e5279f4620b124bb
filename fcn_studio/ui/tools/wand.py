"""The magic wand: a click takes the pixels that look like the one under the pointer."""

from __future__ import annotations

from typing import ClassVar

from fcn_studio.ui.tools.base import PointerEvent, Tool, find_class, translatable


class WandTool(Tool):
    """Gives them the chosen class; Alt or the right button takes their labels away."""

    id = "wand"
    title = "Magic wand"
    key = "W"
    icon = "mdi6.magic-staff"
    hint = translatable("Tool", "Click a colour to give it the class · Alt subtracts")
    option_names: ClassVar[tuple[str, ...]] = ("tolerance", "contiguous")

    def press(self, event: PointerEvent) -> None:
        if self._context.document is None:
            return
        class_id = find_class(self._context, erases=event.takes_away)
        if class_id is not None:
            options = self._context.options
            self._context.session.editing.request_similar(
                *event.pixel_yx,
                class_id,
                options.number("tolerance"),
                contiguous=options.flag("contiguous"),
            )
