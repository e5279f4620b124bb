"""A half-open rectangle of pixels, rows first."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """Rows y0 <= y < y1 and columns x0 <= x < x1, in image pixels (y down).

    A named tuple and no data class: dozens are made a dab, and that takes a quarter of the time.
    """

    y0: int
    x0: int
    y1: int
    x1: int

    @classmethod
    def of_shape(cls, shape_hw: tuple[int, int]) -> Box:
        """The box of a whole image of `shape_hw`."""
        return cls(0, 0, shape_hw[0], shape_hw[1])

    @classmethod
    def around(cls, y: float, x: float, radius_px: float) -> Box:
        """The smallest box that holds a disc round (y, x); may leave the image, see `clip`."""
        reach = int(radius_px) + 2
        return cls(int(y) - reach, int(x) - reach, int(y) + reach + 1, int(x) + reach + 1)

    @property
    def height(self) -> int:
        return self.y1 - self.y0 if self.y1 > self.y0 else 0

    @property
    def width(self) -> int:
        return self.x1 - self.x0 if self.x1 > self.x0 else 0

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def is_empty(self) -> bool:
        return self.y1 <= self.y0 or self.x1 <= self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for an array in the image frame: `labels[box.slices]`."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def union(self, other: Box | None) -> Box:
        """The smallest box that holds both; an empty or missing one adds nothing."""
        if other is None or other.is_empty:
            return self
        if self.is_empty:
            return other
        return Box(
            min(self.y0, other.y0), min(self.x0, other.x0), max(self.y1, other.y1), max(self.x1, other.x1)
        )

    def intersect(self, other: Box) -> Box:
        """The common part; an empty one has no negative extent, so that `slices` selects nothing."""
        # Asked a dozen times a dab; `min` and `max` take three times as long.
        y0 = self.y0 if self.y0 > other.y0 else other.y0
        x0 = self.x0 if self.x0 > other.x0 else other.x0
        y1 = self.y1 if self.y1 < other.y1 else other.y1
        x1 = self.x1 if self.x1 < other.x1 else other.x1
        return Box(y0, x0, y1 if y1 > y0 else y0, x1 if x1 > x0 else x0)

    def clip(self, shape_hw: tuple[int, int]) -> Box:
        """The part inside an image of `shape_hw`."""
        return self.intersect(Box.of_shape(shape_hw))

    def shift(self, dy: int, dx: int) -> Box:
        return Box(self.y0 + dy, self.x0 + dx, self.y1 + dy, self.x1 + dx)

    def grow(self, margin_px: int) -> Box:
        return Box(self.y0 - margin_px, self.x0 - margin_px, self.y1 + margin_px, self.x1 + margin_px)

    def contains(self, y: int, x: int) -> bool:
        return self.y0 <= y < self.y1 and self.x0 <= x < self.x1

    def tiles(self, side_px: int) -> list[Box]:
        """The box cut along a grid anchored at the image's origin, row by row."""
        if self.is_empty:
            return []
        rows = range(self.y0 // side_px * side_px, self.y1, side_px)
        columns = range(self.x0 // side_px * side_px, self.x1, side_px)
        return [Box(y, x, y + side_px, x + side_px).intersect(self) for y in rows for x in columns]
