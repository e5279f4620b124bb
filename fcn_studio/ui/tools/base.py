"""What every tool is: pointer events in image coordinates go in, calls to the session come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QT_TRANSLATE_NOOP, Qt

from fcn_studio.core.box import Box

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session


# lupdate finds these with: -tr-function-alias QT_TRANSLATE_NOOP+=translatable
translatable: Callable[[str, str], str] = QT_TRANSLATE_NOOP  # type: ignore[assignment]


class Button(Enum):
    """Which button a drag is made with; the eraser end of a pen counts as the right one."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """Where the pointer is, in image coordinates (pixel (r, c) spans r..r+1, c..c+1); may lie outside."""

    y: float
    x: float
    button: Button = Button.LEFT
    shift: bool = False
    alt: bool = False

    @property
    def point_yx(self) -> tuple[float, float]:
        return self.y, self.x


class ToolContext(Protocol):
    """What a tool may use of the canvas."""

    @property
    def session(self) -> Session: ...

    @property
    def document(self) -> Document | None:
        """The image that is seen and may be changed; None while there is none or another one is coming."""

    @property
    def brush_size_px(self) -> int:
        """Diameter in image pixels."""

    def want_classes(self) -> None:
        """The person wants to paint, but there are no classes yet: ask for them."""

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        """These pixels have just been painted by hand."""


class Tool:
    """Base of all tools: takes presses, moves and releases, and does nothing with them."""

    id: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    icon: ClassVar[str]  # name of a QtAwesome icon
    hint: ClassVar[str]  # for the status bar
    has_size: ClassVar[bool] = False  # shows the brush's ring
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    @property
    def is_busy(self) -> bool:
        """Whether a drag of this tool is under way."""
        return False

    def press(self, event: PointerEvent) -> None:
        """A button went down."""

    def move(self, event: PointerEvent) -> None:
        """The pointer moved; between press and release only."""

    def release(self, event: PointerEvent) -> None:
        """The button went up."""

    def finish(self) -> None:
        """End a drag that is under way and keep it: focus went elsewhere, another image comes."""

    def cancel(self) -> None:
        """End a drag that is under way as if it had never begun."""

    def forget(self) -> None:
        """Another image is shown: places remembered in the old one mean nothing now."""


def pick_class(context: ToolContext, event: PointerEvent) -> None:
    """Take the class under the pointer in hand: the label's, else the prediction's."""
    document, classes = context.document, context.session.classes
    if document is None:
        return
    if classes.is_preview:
        context.want_classes()
        return
    info = document.value_at(int(event.y // 1), int(event.x // 1), classes.table)
    if info is not None and info.class_id is not None:
        classes.choose(info.class_id)
