"""Where the cells of a feature map lie on the input picture; free of torch."""

from __future__ import annotations

from dataclasses import dataclass


def padded_size(size_px: int, multiple: int, remainder: int, least_px: int = 1) -> int:
    """The next length >= ``size_px`` and ``least_px`` that leaves ``remainder`` over a ``multiple``."""
    size = max(size_px, least_px)
    return size + (remainder - size) % multiple


@dataclass(frozen=True)
class Grid:
    """The cells of one axis of a feature map, in input pixels (pixel centres are at whole numbers).

    Cell i has its centre on pixel ``start + jump * i``. The last cell's centre lies ``end`` pixels before the
    last pixel, for input sizes at which every window fits without rest (see ``remainder``): for other sizes
    rows are lost or added at the far side. A cell sees ``field_px`` pixels. ``least_px`` is the shortest such
    input that leaves a cell here and on the way. Rows and columns are alike.
    """

    start: float = 0.0
    jump: int = 1
    end: float = 0.0
    field_px: int = 1
    least_px: int = 1

    def through(
        self,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        dilation: int = 1,
        padding_end: int | None = None,
    ) -> Grid:
        """The grid behind a convolution or pooling (fcn-reference 1.2: offsets are derivable).

        ``padding`` cells are added on both sides, or ``padding_end`` at the right and the bottom.
        """
        reach = dilation * (kernel - 1)
        start = self.start + (reach / 2 - padding) * self.jump
        end = self.end + (reach / 2 - (padding if padding_end is None else padding_end)) * self.jump
        return Grid(
            start=start,
            jump=self.jump * stride,
            end=end,
            field_px=self.field_px + reach * self.jump,
            least_px=max(self.least_px, round(start + end) + 1),
        )

    @property
    def remainder(self) -> int:
        """Inputs of ``jump * k + remainder`` pixels fit without rest."""
        return round(self.start + self.end + 1) % self.jump

    def cells(self, size_px: int) -> int:
        """How many cells an input of ``size_px`` pixels (one that fits) has."""
        return round((size_px - 1 - self.start - self.end) / self.jump) + 1

    def fitting_size(self, size_px: int) -> int:
        """The next length >= ``size_px`` and >= ``least_px`` that fits without rest."""
        size = max(size_px, self.least_px)
        return size + (self.remainder - size) % self.jump

    def doubled_into(self, fine: Grid) -> tuple[bool, int, int]:
        """How this map, enlarged twice, comes to lie on ``fine``: (cells shared, cells before, cells after).

        Shared: the n cells here fall on cells of ``fine`` and become 2n - 1 (an odd kernel); otherwise each
        lies in the middle of two and they become 2n (an even kernel). So many cells are then missing before
        and after (negative: too many). Raises ValueError where the grids do not fit.
        """
        if self.jump != 2 * fine.jump:
            raise ValueError(f"a map of stride {self.jump} is not twice as coarse as one of {fine.jump}")
        before = (self.start - fine.start) / fine.jump
        after = (self.end - fine.end) / fine.jump
        shared = before == int(before)
        gap = 0.0 if shared else 0.5
        if (before - gap) % 1 or (after - gap) % 1:
            raise ValueError(f"the cells at stride {self.jump} do not fit those at stride {fine.jump}")
        return shared, int(before - gap), int(after - gap)
