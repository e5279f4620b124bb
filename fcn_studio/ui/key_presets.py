"""Keys as people know them from other programs: what differs from the command table's own keys.

From labelme's default_config.yaml, napari's shortcuts of a Labels layer and RootPainter's list of keys. A
command that is named with no key has none in that preset; one that is not named keeps its own, unless the
preset gives that key to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Keys = tuple[str, ...]

OURS = "fcn-studio"

LABELME: Mapping[str, Keys] = MappingProxyType({
    "next_image": ("D", "Ctrl+Shift+D"),
    "previous_image": ("A", "Ctrl+Shift+A"),
    "open_folder": ("Ctrl+U",),
    "tool_polygon": ("Ctrl+N",),
    "tool_rectangle": ("Ctrl+R",),
    "zoom_in": ("Ctrl++", "Ctrl+="),
    "zoom_out": ("Ctrl+-",),
    "zoom_actual": ("Ctrl+0",),
    "zoom_fit": ("Ctrl+F",),
    "find_image": ("Ctrl+Shift+F",),
    "toggle_labels": ("T",),
    "toggle_rulers": ("Ctrl+Alt+R",),
})  # fmt: skip

NAPARI: Mapping[str, Keys] = MappingProxyType({
    "tool_eraser": ("1", "E"),
    "tool_brush": ("2", "P"),
    "tool_polygon": ("3",),
    "tool_fill": ("4", "F"),
    "tool_pick": ("5", "L"),
    "next_class": ("=",),
    "previous_class": ("-",),
    "add_class": ("M",),
    "swap_background": ("X",),
    "toggle_labels": ("V",),
    "protect_unlabelled": ("B",),
    "tool_lasso": ("Shift+L",),
    "tool_accept": ("Shift+A",),
    "toggle_stretch": ("Ctrl+Shift+A",),
    "toggle_mask": ("Shift+M",),
    "toggle_rulers": ("Ctrl+Alt+R",),
    "zoom_fit": ("Ctrl+R",),
    "zoom_in": ("Ctrl++", "Ctrl+="),
    "zoom_out": ("Ctrl+-",),
    "fine_tune": ("Ctrl+Alt+T",),
    "toggle_theme": ("Ctrl+Shift+T",),
    "stop_training": ("Ctrl+Alt+Shift+T",),
    "show_keys": ("Ctrl+Alt+/", "F1"),
})  # fmt: skip

ROOT_PAINTER: Mapping[str, Keys] = MappingProxyType({
    "tool_brush": ("Q",),
    "swap_background": ("W",),
    "tool_eraser": ("E",),
    "undo": ("Z", "Ctrl+Z"),
    "redo": ("Ctrl+Shift+Z",),
    "toggle_prediction": ("S",),
    "toggle_labels": ("A",),
    "toggle_image": ("I",),
    "tool_pick": ("C",),
    "tool_smart": ("Shift+Q",),
    "tool_wand": ("Shift+W",),
    "compare_swipe": ("Ctrl+Alt+C",),
    "zoom_in": ("+", "="),
    "zoom_out": ("-",),
    "zoom_fit": ("Ctrl+F",),
    "zoom_actual": ("Ctrl+A",),
    "find_image": ("Ctrl+Shift+F",),
    "next_image": ("D", "PgDown"),
    "previous_image": ("Shift+D", "PgUp"),
})  # fmt: skip

PRESETS: Mapping[str, Mapping[str, Keys]] = MappingProxyType({
    OURS: MappingProxyType({}),
    "labelme": LABELME,
    "napari": NAPARI,
    "rootpainter": ROOT_PAINTER,
})  # fmt: skip

TITLES: Mapping[str, str] = MappingProxyType({
    OURS: "FCN Studio",
    "labelme": "labelme",
    "napari": "napari",
    "rootpainter": "RootPainter",
})  # fmt: skip
