"""The person's settings: one table of names, kinds, defaults and limits; stored as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One row of the table; `accepts` says whether a value from a file may be used."""

    name: str
    default: Any
    accepts: Callable[[Any], bool]
    about: str


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _key_lists(value: Any) -> bool:
    """Whether it is a mapping of names to lists of texts."""
    return isinstance(value, dict) and all(map(_texts, value.values()))


SETTINGS: tuple[Setting, ...] = (
    Setting("device", "auto", _one_of("auto", "cpu", "cuda"), "where networks run"),
    Setting("theme", "system", _one_of("system", "dark", "light", "contrast"), "colours of the window"),
    Setting("key_preset", "fcn-studio", _text, "whose keys: ours, labelme's, napari's, RootPainter's"),
    Setting("keys", {}, _key_lists, "keys that the person has changed, by command"),
    Setting("tool", "brush", _text, "tool in hand"),
    Setting("brush_size", 30, _number(1, 500), "diameter of the brush in image pixels"),
    Setting("tool_options", {}, _mapping, "sizes, tips and tolerances of the tools"),
    Setting("label_opacity", 0.6, _number(0, 1), "how strongly labels are drawn"),
    Setting("prediction_opacity", 0.4, _number(0, 1), "how strongly predictions are drawn"),
    Setting("pixel_grid", True, _flag, "lines between single pixels seen from near"),
    Setting("minimap", True, _flag, "the whole image, small, while a part of it is seen"),
    Setting("rulers", False, _flag, "image coordinates along the borders"),
    Setting("recent_commands", [], _texts, "commands last chosen from the palette"),
    Setting("background_dots", False, _flag, "dots on what is predicted as background"),
    Setting("layer_looks", {}, _mapping, "opacity and style of the layers"),
    Setting("display", {}, _mapping, "contrast, brightness, gamma and channel of images on the screen"),
    Setting("open_sections", [], _texts, "parts of the panels that are unfolded"),
    Setting("hint_seen", False, _flag, "whether the first hint was put away"),
    Setting("window_geometry", "", _text, "size and place of the window, base64"),
    Setting("window_state", "", _text, "docks and tool bars, base64"),
    Setting("last_paths", [], _texts, "what was open last"),
    Setting("last_image", "", _text, "image that was open last"),
    Setting("last_view", {}, _mapping, "zoom and centre of the last image"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


class Settings:
    """Values by name; unknown names raise KeyError, values that do not fit raise ValueError."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = {setting.name: deepcopy(setting.default) for setting in SETTINGS}
        for name, value in (values or {}).items():
            if name in _BY_NAME and _BY_NAME[name].accepts(value):
                self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not _BY_NAME[name].accepts(value):
            raise ValueError(f"{value!r} does not fit the setting {name} ({_BY_NAME[name].about})")
        self._values[name] = value

    def to_json(self) -> str:
        return json.dumps(self._values, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Settings from a file's text; what is unknown or does not fit gets its default."""
        try:
            values = json.loads(text)
        except ValueError:
            values = {}
        return cls(values if isinstance(values, dict) else {})
