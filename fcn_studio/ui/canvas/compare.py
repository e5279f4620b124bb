"""Two checkpoints over one image: which part of the view shows whose prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.transform import ViewTransform

LEAST_SHARE, MOST_SHARE = 0.02, 0.98


class CompareMode(Enum):
    """How the other checkpoint's prediction is shown."""

    OFF = "off"
    SWIPE = "swipe"  # one picture, the other prediction right of a line
    SIDE_BY_SIDE = "side_by_side"  # the same part of the image twice


@dataclass(frozen=True)
class Comparison:
    """The mode, and where the line lies: a share of the view's width (swiping only)."""

    mode: CompareMode = CompareMode.OFF
    share: float = 0.5

    def moved(self, share: float) -> Comparison:
        return replace(self, share=min(max(share, LEAST_SHARE), MOST_SHARE))

    def split_px(self, view_hw: tuple[int, int]) -> int:
        """The first device column that belongs to the other prediction; beyond the view for none."""
        if self.mode is CompareMode.OFF:
            return view_hw[1]
        share = self.share if self.mode is CompareMode.SWIPE else 0.5
        return round(view_hw[1] * share)

    def own_hw(self, view_hw: tuple[int, int]) -> tuple[int, int]:
        """The part of the view, in device pixels, that the image is fitted into."""
        is_halved = self.mode is CompareMode.SIDE_BY_SIDE
        return (view_hw[0], self.split_px(view_hw)) if is_halved else view_hw

    def shift_px(self, view_hw: tuple[int, int]) -> int:
        """How far right of its place on the left the other pane shows each pixel."""
        return self.split_px(view_hw) if self.mode is CompareMode.SIDE_BY_SIDE else 0

    def boxes(self, view_hw: tuple[int, int]) -> tuple[Box, Box]:
        """The view's parts, own prediction and other; the second is empty when nothing is compared."""
        split = self.split_px(view_hw)
        return Box(0, 0, view_hw[0], split), Box(0, split, view_hw[0], view_hw[1])

    def other_transform(self, transform: ViewTransform, view_hw: tuple[int, int]) -> ViewTransform:
        """Where the image lies for the other pane, in the whole view."""
        shifted = transform.offset_x + self.shift_px(view_hw)
        return replace(transform, view_hw=view_hw, offset_x=shifted)
