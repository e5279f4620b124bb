"""What every tool is: pointer events in image coordinates go in, calls to the session come out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QT_TRANSLATE_NOOP, Qt

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.ui.tools.options import ToolOptions

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session


# lupdate finds these with: -tr-function-alias QT_TRANSLATE_NOOP+=translatable
translatable: Callable[[str, str], str] = QT_TRANSLATE_NOOP  # type: ignore[assignment]


class Button(Enum):
    """Which button a drag is made with; the eraser end of a pen counts as the right one."""

    LEFT = "left"
    RIGHT = "right"


Point = tuple[float, float]


class PointerEvent(NamedTuple):
    """Where the pointer is, in image coordinates (pixel (r, c) spans r..r+1, c..c+1); may lie outside.

    pressure: of a pen, 0 to 1; None for a mouse.
    """

    y: float
    x: float
    button: Button = Button.LEFT
    shift: bool = False
    alt: bool = False
    ctrl: bool = False
    pressure: float | None = None

    @property
    def point_yx(self) -> Point:
        return self.y, self.x

    @property
    def pixel_yx(self) -> tuple[int, int]:
        """The pixel under the pointer."""
        return math.floor(self.y), math.floor(self.x)

    @property
    def takes_away(self) -> bool:
        """Whether an area tool shall subtract: the right button, or Alt."""
        return self.alt or self.button is Button.RIGHT


@dataclass(frozen=True, slots=True)
class Sketch:
    """An outline that is not applied yet, for the canvas to draw over the image; all in image coordinates.

    points: its corners (y, x) in order. handles: those that can be grasped. is_closed: the last is joined to
    the first. erases: drawn in another way, since it will take labels away.
    """

    points: tuple[Point, ...]
    handles: tuple[Point, ...] = ()
    is_closed: bool = False
    erases: bool = False


class ToolContext(Protocol):
    """What a tool may use of the canvas."""

    @property
    def session(self) -> Session: ...

    @property
    def options(self) -> ToolOptions: ...

    @property
    def document(self) -> Document | None:
        """The image that is seen and may be changed; None while there is none or another one is coming."""

    @property
    def reach_px(self) -> float:
        """Image pixels that are near on the screen: what lies within is meant by a click."""

    def want_classes(self) -> None:
        """The person wants to paint, but there are no classes yet: ask for them."""

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        """These pixels have just been painted by hand."""

    def draw_sketch(self) -> None:
        """The tool's sketch is another one now."""


class Tool:
    """Base of all tools: takes presses, moves and releases, and does nothing with them."""

    id: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    icon: ClassVar[str]  # name of a QtAwesome icon
    hint: ClassVar[str]  # for the status bar
    key_hint: ClassVar[str] = translatable("Tool", "Enter clicks · Ctrl+arrows move, with Shift by a pixel")
    has_size: ClassVar[bool] = False  # shows the brush's ring
    writes: ClassVar[bool] = True  # changes labels, so that protection matters
    option_names: ClassVar[tuple[str, ...]] = ()  # what it can be told, see ToolOptions
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    @property
    def is_busy(self) -> bool:
        """Whether a drag of this tool is under way."""
        return False

    @property
    def is_open(self) -> bool:
        """Whether something is begun that Enter finishes, Backspace steps back in and Esc drops."""
        return False

    @property
    def sketch(self) -> Sketch | None:
        """What the canvas shall draw over the image."""
        return None

    def press(self, event: PointerEvent) -> None:
        """A button went down."""

    def press_twice(self, event: PointerEvent) -> None:
        """A button went down for the second time in a double click."""
        self.press(event)

    def move(self, event: PointerEvent) -> None:
        """The pointer moved; between press and release only."""

    def hover(self, event: PointerEvent) -> None:
        """The pointer moved without a button."""

    def release(self, event: PointerEvent) -> None:
        """The button went up."""

    def enter(self, event: PointerEvent) -> None:
        """Enter went down, without a mouse: a click where the cross is."""
        self.press(event)
        self.release(event)

    def steer(self, event: PointerEvent) -> None:
        """Keys moved the cross; while something is open only."""
        self.hover(event)

    def confirm(self) -> None:
        """Finish what is open."""

    def step_back(self) -> None:
        """Take the last step of what is open back."""

    def let_go(self) -> None:
        """End a drag that is under way and keep it: the button may come up elsewhere."""
        self.finish()

    def finish(self) -> None:
        """End what is under way and keep it: another tool, another image comes."""

    def cancel(self) -> None:
        """End what is under way as if it had never begun."""

    def forget(self) -> None:
        """Another image is shown: places remembered in the old one mean nothing now."""


def find_class(context: ToolContext, *, erases: bool) -> int | None:
    """The class that a tool gives now, 255 to erase; None when there is none yet (then it is asked for)."""
    classes = context.session.classes
    class_id = UNLABELLED if erases else classes.chosen_id
    if class_id is None or classes.is_preview:
        context.want_classes()
        return None
    return class_id


def name_of(context: ToolContext, verb: str, class_id: int) -> str:
    """The name of an edit: the verb and the class, or that it erases."""
    entry = context.session.classes.table.by_id(class_id)
    return f"{verb} {entry.name}" if entry is not None else "Erase"


def pick_class(context: ToolContext, event: PointerEvent) -> None:
    """Take the class under the pointer in hand: the label's, else the prediction's."""
    document, classes = context.document, context.session.classes
    if document is None:
        return
    if classes.is_preview:
        context.want_classes()
        return
    info = document.value_at(*event.pixel_yx, classes.table)
    if info is not None and info.class_id is not None:
        classes.choose(info.class_id)
