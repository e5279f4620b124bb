"""Commands for looking: layers, outlines, comparing two checkpoints, how the image is shown."""

from __future__ import annotations

from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.command import Command, Need
from fcn_studio.ui.tools.base import translatable as _T

HAS_DOCUMENT = Need(lambda s: s.has_document, _T("Command", "Open an image first."))
CAN_COMPARE = HAS_DOCUMENT & Need(
    lambda s: s.can_compare, _T("Command", "There is only one checkpoint: fine-tune first.")
)


def _layer(layer: str, title: str, key: str, icon: str) -> Command:
    return Command(
        f"toggle_{layer}", title, "View", lambda d: d.looks.toggle(layer), (key,), icon, group=1,
        checked_when=lambda s: layer in s.shown, holds=True,
    )  # fmt: skip


def _extra(name: str, title: str, keys: tuple[str, ...], icon: str) -> Command:
    return Command(
        f"toggle_{name}", title, "View/Display", lambda d: d.looks.toggle_extra(name), keys, icon, group=1,
        checked_when=lambda s: name in s.shown,
    )  # fmt: skip


def _compare(mode: CompareMode, title: str, key: str, icon: str) -> Command:
    return Command(
        f"compare_{mode.value}", title, "View", lambda d: d.looks.toggle_compare(mode), (key,), icon, group=2,
        enabled_when=CAN_COMPARE, checked_when=lambda s: mode.value in s.shown,
    )  # fmt: skip


LAYERS = (
    _layer("uncertainty", _T("Command", "Show uncertainty"), "U", "help-circle-outline"),
    _layer("difference", _T("Command", "Show where labels and prediction differ"), "Shift+U", "not-equal"),
    _layer("mask", _T("Command", "Show the mask"), "M", "layers-triple-outline"),
    _layer("origin", _T("Command", "Show where labels come from"), "Shift+O", "account-question-outline"),
    _layer("image", _T("Command", "Show the image"), "Shift+I", "image-outline"),
    Command("toggle_outlines", _T("Command", "Outlines only"), "View",
            lambda d: d.looks.toggle_outlines(), ("Shift+H",), "square-outline", group=1,
            checked_when=lambda s: "outlines" in s.shown),
    _compare(CompareMode.SWIPE, _T("Command", "Swipe between two checkpoints"), "C", "compare"),
    _compare(CompareMode.SIDE_BY_SIDE, _T("Command", "Two checkpoints side by side"), "Shift+C",
             "view-split-vertical"),
)  # fmt: skip

DISPLAY = (
    Command("toggle_stretch", _T("Command", "Stretch the contrast of each image"), "View/Display",
            lambda d: d.looks.toggle_stretch(), ("Shift+A",), "auto-fix",
            checked_when=lambda s: "stretch" in s.shown),
    Command("next_channel", _T("Command", "Next channel of the image"), "View/Display",
            lambda d: d.looks.next_channel(), ("Shift+N",), "layers-search-outline",
            enabled_when=HAS_DOCUMENT, repeats=True),
    Command("reset_display", _T("Command", "Show images as they are"), "View/Display",
            lambda d: d.looks.reset_display(), (), "restore"),
    _extra("pixel_grid", _T("Command", "Pixel grid seen from near"), ("Ctrl+'",), "grid"),
    _extra("minimap", _T("Command", "Overview in the corner"), ("Shift+M",), "map-outline"),
    _extra("rulers", _T("Command", "Rulers"), ("Ctrl+R",), "ruler"),
    _extra("background_dots", _T("Command", "Dots on predicted background"), ("Shift+B",), "dots-grid"),
)  # fmt: skip
