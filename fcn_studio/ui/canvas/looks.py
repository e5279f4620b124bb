"""The layers over the image, and how each is drawn: shown or not, how strongly, filled or outlined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Style(Enum):
    """What is drawn of a region."""

    BOTH = "both"
    FILL = "fill"
    OUTLINE = "outline"


@dataclass(frozen=True)
class Look:
    """How one layer is drawn; `opacity` 0 to 1. styles: those that make sense for it."""

    visible: bool
    opacity: float
    style: Style
    styles: tuple[Style, ...]

    @property
    def is_filled(self) -> bool:
        return self.style is not Style.OUTLINE

    @property
    def is_outlined(self) -> bool:
        return self.style is not Style.FILL


_ALL = (Style.BOTH, Style.OUTLINE, Style.FILL)

# From the lowest to the topmost. "mask": the label where there is one, else the prediction, as an export
# would hold it. "origin": how each label came about. "difference": where a label contradicts the prediction.
LOOKS: dict[str, Look] = {
    "prediction": Look(True, 0.4, Style.BOTH, _ALL),
    "labels": Look(True, 0.6, Style.BOTH, _ALL),
    "mask": Look(False, 0.6, Style.BOTH, _ALL),
    "origin": Look(False, 0.6, Style.BOTH, _ALL),
    "uncertainty": Look(False, 0.7, Style.FILL, (Style.FILL,)),
    "difference": Look(False, 0.55, Style.BOTH, _ALL),
}


def find_shown(looks: Mapping[str, Look]) -> frozenset[str]:
    """The layers that are visible."""
    return frozenset(layer for layer, look in looks.items() if look.visible)


def next_style(look: Look) -> Style:
    """The style after this one, round and round."""
    return look.styles[(look.styles.index(look.style) + 1) % len(look.styles)]


def changed_look(look: Look, **changes: Any) -> Look:
    """`look` with other values; an opacity out of range and a style that it lacks are put right."""
    made = replace(look, **changes)
    style = made.style if made.style in made.styles else look.style
    return replace(made, opacity=min(max(float(made.opacity), 0.0), 1.0), style=style)


def read_looks(kept: Mapping[str, Any]) -> dict[str, Look]:
    """Looks from a settings file; what is unknown or does not fit gets its default. All layers, always."""
    looks = {}
    for name, look in LOOKS.items():
        values = kept.get(name)
        values = values if isinstance(values, dict) else {}
        opacity, style = values.get("opacity"), values.get("style")
        changes: dict[str, Any] = {}
        if isinstance(opacity, int | float) and not isinstance(opacity, bool) and 0 <= opacity <= 1:
            changes["opacity"] = opacity
        if style in [known.value for known in look.styles]:
            changes["style"] = Style(style)
        looks[name] = changed_look(look, **changes)
    return looks


def keep_looks(looks: Mapping[str, Look]) -> dict[str, Any]:
    """The inverse of `read_looks`. What is hidden is not kept: nobody looks for labels that are not shown."""
    return {name: {"opacity": look.opacity, "style": look.style.value} for name, look in looks.items()}
