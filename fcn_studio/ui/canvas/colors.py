"""The colours of the overlay: one table of 256 entries for each way in which a class can be on the screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import BACKGROUND_KEY, UNLABELLED, ClassInfo, ClassTable
from fcn_studio.core.palette import Color

BACKGROUND_SHARE = 0.55  # of the labels' opacity: background is seen to be said, and hides little
ACCEPTED_GAP_SHARE = 0.35  # of the labels' opacity, in the gaps of the pattern of accepted pixels
STALE_GREY = 0.7  # how far a prediction of an older checkpoint goes towards grey
WHITE: Color = (255, 255, 255)

ColorTable = NDArray[np.uint32]


@dataclass(frozen=True)
class OverlayColors:
    """Tables from a value to a colour.

    Fills go to Qt: 256 values 0xAARRGGBB, not premultiplied. The others are uint32 [256], premultiplied.
    The prediction's tables are indexed by network channel, the labels' by class id. 255 is transparent.
    """

    prediction_fill: list[int]
    prediction_outline: ColorTable
    label_fill: list[int]
    label_outline: ColorTable
    fresh_outline: ColorTable
    accepted_outline: ColorTable
    accepted_gap: ColorTable


def make_overlay_colors(
    classes: ClassTable,
    prediction_lut: NDArray[np.uint8],
    *,
    label_opacity: float,
    prediction_opacity: float,
    is_stale: bool,
) -> OverlayColors:
    """Tables for `classes`; prediction_lut: uint8 [256] network channel -> class id (255: not shown)."""
    by_id = {entry.id: entry for entry in classes if entry.visible}
    shown = {
        channel: by_id[int(class_id)]
        for channel, class_id in enumerate(prediction_lut[:UNLABELLED])
        if int(class_id) in by_id and not _is_background(by_id[int(class_id)])
    }
    predicted = {channel: _paled(entry.color, is_stale) for channel, entry in shown.items()}
    line = _line_opacity(prediction_opacity)
    label_line = _line_opacity(label_opacity)
    fills = {class_id: _label_share(entry) * label_opacity for class_id, entry in by_id.items()}
    return OverlayColors(
        prediction_fill=_straight({c: (color, prediction_opacity) for c, color in predicted.items()}),
        prediction_outline=_premultiplied({c: (color, line) for c, color in predicted.items()}),
        label_fill=_straight({i: (by_id[i].color, fill) for i, fill in fills.items()}),
        label_outline=_premultiplied({i: (_mixed(by_id[i].color, WHITE, 0.35), label_line) for i in fills}),
        fresh_outline=_premultiplied(dict.fromkeys(fills, (WHITE, label_line))),
        # accepted background is everywhere: a line round it would be one more round everything else
        accepted_outline=_premultiplied(
            {
                i: (by_id[i].color, fill if _is_background(by_id[i]) else label_line)
                for i, fill in fills.items()
            }
        ),
        accepted_gap=_premultiplied(
            {i: (by_id[i].color, fill * ACCEPTED_GAP_SHARE) for i, fill in fills.items()}
        ),
    )


def _label_share(entry: ClassInfo) -> float:
    return BACKGROUND_SHARE if _is_background(entry) else 1.0


def _is_background(entry: ClassInfo) -> bool:
    return entry.key == BACKGROUND_KEY


def _line_opacity(fill_opacity: float) -> float:
    """Outlines stay clear when the fill is faint, and go with it when it is off."""
    return min(1.0, 4.0 * fill_opacity)


def _paled(color: Color, is_stale: bool) -> Color:
    if not is_stale:
        return color
    grey = round(0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2])
    return _mixed(color, (grey, grey, grey), STALE_GREY)


def _mixed(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue


def _straight(entries: dict[int, tuple[Color, float]]) -> list[int]:
    table = [0] * 256
    for index, ((red, green, blue), opacity) in entries.items():
        table[index] = round(opacity * 255) << 24 | red << 16 | green << 8 | blue
    return table


def _premultiplied(entries: dict[int, tuple[Color, float]]) -> ColorTable:
    table = np.zeros(256, np.uint32)
    for index, (color, opacity) in entries.items():
        red, green, blue = (round(part * opacity) for part in color)
        table[index] = round(opacity * 255) << 24 | red << 16 | green << 8 | blue
    return table
