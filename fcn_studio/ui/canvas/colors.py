"""The colours of the overlay: one table of 256 entries for each way in which a class can be on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import BACKGROUND_KEY, UNLABELLED, ClassInfo, ClassTable
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.palette import Color
from fcn_studio.ui.canvas.inks import ColorTable, Inks, make_inks
from fcn_studio.ui.canvas.looks import LOOKS, Look

BACKGROUND_SHARE = 0.55  # of the labels' opacity: background is seen to be said, and hides little
ACCEPTED_GAP_SHARE = 0.35  # of the labels' opacity, in the gaps of the pattern of accepted pixels
STALE_GREY = 0.7  # how far a prediction of an older checkpoint goes towards grey
WHITE: Color = (255, 255, 255)

# How a pixel came to its class; the last two are of the network and of no label.
PREDICTED, PREDICTED_BACKGROUND = 4, 5
ORIGIN_COLORS: dict[int, Color] = {
    Provenance.PAINTED: (86, 180, 233),
    Provenance.ACCEPTED: (0, 158, 115),
    Provenance.IMPORTED: (230, 159, 0),
    PREDICTED: (204, 121, 167),
    PREDICTED_BACKGROUND: (154, 160, 170),
}
DIFFERENCE_COLOR: Color = (255, 40, 90)
UNSURE_COLORS: tuple[Color, Color] = ((255, 214, 90), (214, 40, 120))  # a little, very


@dataclass(frozen=True)
class LayerColors:
    """A layer's fill and outline, uint32 [256] premultiplied 0xAARRGGBB; transparent at 255.

    outline: None where no outline is drawn.
    """

    fill: ColorTable
    outline: ColorTable | None


@dataclass(frozen=True)
class OverlayColors:
    """Tables from a value to a colour.

    The prediction's are indexed by network channel, those of labels and mask by class id, the origin's by
    provenance (and PREDICTED, PREDICTED_BACKGROUND), uncertainty's by confidence, difference's by 1.
    """

    prediction: LayerColors
    labels: LayerColors
    fresh_outline: ColorTable | None
    accepted_outline: ColorTable | None
    accepted_gap: ColorTable
    mask: LayerColors
    origin: LayerColors
    uncertainty: LayerColors
    difference: LayerColors
    class_of_channel: NDArray[np.uint8]
    origin_of_channel: NDArray[np.uint8]  # PREDICTED, PREDICTED_BACKGROUND, or 255: not shown
    background_dot: ColorTable | None  # by channel, for marking what is predicted as background

    @cached_property
    def inks(self) -> Inks:
        """All colours of prediction and labels in one table."""
        predicted, said = self.prediction, self.labels
        dot = self.background_dot
        return make_inks(
            (predicted.fill, predicted.outline, dot if dot is None else np.where(dot, dot, predicted.fill)),
            (said.fill, said.outline, self.fresh_outline),
            (said.fill, self.accepted_outline, self.accepted_gap),
        )


def make_overlay_colors(
    classes: ClassTable,
    prediction_lut: NDArray[np.uint8],
    looks: Mapping[str, Look] = LOOKS,
    *,
    is_stale: bool = False,
    marks_background: bool = False,
) -> OverlayColors:
    """Tables for `classes`; prediction_lut: uint8 [256] network channel -> class id (255: not shown).

    marks_background: whether what is predicted as background is told from what nobody has looked at.
    """
    by_id = {entry.id: entry for entry in classes if entry.visible}
    known = {
        channel: by_id[int(class_id)]
        for channel, class_id in enumerate(prediction_lut[:UNLABELLED])
        if int(class_id) in by_id
    }
    predicted = {c: _paled(e.color, is_stale) for c, e in known.items() if not _is_background(e)}
    dots = {c: (_paled(e.color, is_stale), 0.9) for c, e in known.items() if _is_background(e)}
    labels = looks["labels"]
    shares = {class_id: _label_share(entry) for class_id, entry in by_id.items()}
    line = _line_opacity(labels.opacity)
    said = {i: (by_id[i].color, share * labels.opacity) for i, share in shares.items()}
    return OverlayColors(
        prediction=_layer(looks["prediction"], predicted),
        labels=_layer(labels, {i: e.color for i, e in by_id.items()}, shares, whiter=0.35),
        fresh_outline=_premultiplied(dict.fromkeys(said, (WHITE, line))) if labels.is_outlined else None,
        # accepted background is everywhere: a line round it would be one more round everything else
        accepted_outline=_premultiplied(
            {
                i: (color, opacity * labels.is_filled if _is_background(by_id[i]) else line)
                for i, (color, opacity) in said.items()
            }
        )
        if labels.is_outlined
        else None,
        accepted_gap=_premultiplied(
            {i: (c, o * ACCEPTED_GAP_SHARE * labels.is_filled) for i, (c, o) in said.items()}
        ),
        mask=_layer(looks["mask"], {i: e.color for i, e in by_id.items()}, shares),
        origin=_layer(looks["origin"], ORIGIN_COLORS, {PREDICTED: 0.6, PREDICTED_BACKGROUND: 0.35}),
        uncertainty=LayerColors(_premultiplied(_unsure(looks["uncertainty"].opacity)), None),
        difference=_layer(looks["difference"], {1: DIFFERENCE_COLOR}),
        class_of_channel=prediction_lut,
        origin_of_channel=_origins(known),
        background_dot=_premultiplied(dots) if marks_background else None,
    )


def _layer(
    look: Look, colors: Mapping[int, Color], shares: Mapping[int, float] | None = None, whiter: float = 0.0
) -> LayerColors:
    """Fill and outline of a layer; `shares` of its opacity for some values, `whiter` lines than fills."""
    shares = shares or {}
    fill = {i: (color, look.opacity * shares.get(i, 1.0)) for i, color in colors.items()}
    line = {i: (_mixed(color, WHITE, whiter), _line_opacity(look.opacity)) for i, color in colors.items()}
    return LayerColors(
        _premultiplied(fill if look.is_filled else {}), _premultiplied(line) if look.is_outlined else None
    )


def _origins(known: Mapping[int, ClassInfo]) -> NDArray[np.uint8]:
    table = np.full(256, UNLABELLED, np.uint8)
    for channel, entry in known.items():
        table[channel] = PREDICTED_BACKGROUND if _is_background(entry) else PREDICTED
    return table


def _unsure(opacity: float) -> dict[int, tuple[Color, float]]:
    """By confidence, 255 = certain: the less certain, the redder and the more opaque."""
    table = {}
    for confidence in range(255):
        doubt = 1.0 - confidence / 255
        table[confidence] = (_mixed(*UNSURE_COLORS, min(1.0, 1.5 * doubt)), opacity * min(1.0, 1.5 * doubt))
    return table


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


def _premultiplied(entries: Mapping[int, tuple[Color, float]]) -> ColorTable:
    table = np.zeros(256, np.uint32)
    for index, (color, opacity) in entries.items():
        alpha = round(opacity * 255)
        red, green, blue = (round(part * alpha / 255) for part in color)
        table[index] = alpha << 24 | red << 16 | green << 8 | blue
    return table
