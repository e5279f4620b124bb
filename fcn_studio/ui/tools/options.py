"""What the tools can be told: sizes and tips of the brushes, tolerances; kept from start to start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

SMALLEST_PX, LARGEST_PX = 1, 500
FIRST_SIZE_PX = 30
# name: (default, smallest, largest); the names are those of the option widgets too
NUMBERS: dict[str, tuple[int, int, int]] = {
    "tolerance": (24, 0, 128),  # of the wand, in each channel
    "edge": (40, 5, 150),  # of the smart brush: how far apart two colours make an edge
    "region_px": (3, 1, 100),  # by how much regions grow, shrink and are smoothed
    "island_px": (64, 2, 100_000),  # smaller ones are removed
}
FLAGS: dict[str, bool] = {"contiguous": True, "pressure": False}
SIZED_TOOLS = ("brush", "eraser", "smart", "accept")


class ToolOptions(QObject):
    """`changed` carries the name of the option: "size", "square", or one of NUMBERS or FLAGS."""

    changed = Signal(str)

    def __init__(self, values: Mapping[str, Any] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sizes = dict.fromkeys(SIZED_TOOLS, FIRST_SIZE_PX)
        self._squares = dict.fromkeys(SIZED_TOOLS, False)
        self._numbers = {name: default for name, (default, _, _) in NUMBERS.items()}
        self._flags = dict(FLAGS)
        self._take(values or {})

    def _take(self, values: Mapping[str, Any]) -> None:
        """Values as `to_values` wrote them, perhaps edited by somebody: what does not fit is passed over."""
        for tool in SIZED_TOOLS:
            size = _find(values, "sizes", tool)
            if isinstance(size, int) and not isinstance(size, bool):
                self.set_size(tool, size)
            if isinstance(square := _find(values, "squares", tool), bool):
                self.set_square(tool, square)
        for name in NUMBERS:
            number = values.get(name)
            if isinstance(number, int) and not isinstance(number, bool):
                self.set_number(name, number)
        for name in FLAGS:
            if isinstance(flag := values.get(name), bool):
                self.set_flag(name, flag)

    def to_values(self) -> dict[str, Any]:
        """For the settings file."""
        return {"sizes": dict(self._sizes), "squares": dict(self._squares), **self._numbers, **self._flags}

    def size_of(self, tool: str) -> int:
        """Diameter or side in image pixels; tools without a size of their own have the brush's."""
        return self._sizes.get(tool, self._sizes["brush"])

    def set_size(self, tool: str, size_px: float) -> None:
        """1 to 500."""
        tool = tool if tool in self._sizes else "brush"
        size = min(max(round(size_px), SMALLEST_PX), LARGEST_PX)
        if size != self._sizes[tool]:
            self._sizes[tool] = size
            self.changed.emit("size")

    def is_square(self, tool: str) -> bool:
        """Whether the tip is square; round otherwise."""
        return self._squares.get(tool, False)

    def set_square(self, tool: str, square: bool) -> None:
        if tool in self._squares and square != self._squares[tool]:
            self._squares[tool] = square
            self.changed.emit("square")

    def number(self, name: str) -> int:
        return self._numbers[name]

    def set_number(self, name: str, value: float) -> None:
        _, smallest, largest = NUMBERS[name]
        number = min(max(round(value), smallest), largest)
        if number != self._numbers[name]:
            self._numbers[name] = number
            self.changed.emit(name)

    def flag(self, name: str) -> bool:
        return self._flags[name]

    def set_flag(self, name: str, value: bool) -> None:
        if value != self._flags[name]:
            self._flags[name] = value
            self.changed.emit(name)


def _find(values: Mapping[str, Any], group: str, name: str) -> Any:
    found = values.get(group)
    return found.get(name) if isinstance(found, dict) else None
