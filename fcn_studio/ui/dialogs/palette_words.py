"""Other words by which people look for a command, beside its title: those of peers, and of a first guess."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def _T(_context: str, text: str) -> str:
    """Marks a text for lupdate (-tr-function-alias QT_TRANSLATE_NOOP+=_T); it is translated when searched."""
    return text


OTHER_WORDS = {
    "fine_tune": _T("Words", "train learn teach"),
    "stop_training": _T("Words", "stop training cancel training"),
    "compare_swipe": _T("Words", "compare stride view before after"),
    "compare_side_by_side": _T("Words", "compare stride view split"),
    "theme_dark": _T("Words", "dark mode"),
    "theme_light": _T("Words", "light mode"),
    "theme_system": _T("Words", "automatic theme"),
    "show_keys": _T("Words", "keyboard shortcuts hotkeys cheat sheet"),
    "edit_keys": _T("Words", "keyboard shortcuts hotkeys settings preferences labelme napari rootpainter"),
    "brush_bigger": _T("Words", "brush size larger"),
    "brush_smaller": _T("Words", "brush size"),
    "toggle_minimap": _T("Words", "minimap navigator"),
    "toggle_outlines": _T("Words", "contours"),
    "toggle_difference": _T("Words", "errors mistakes"),
    "toggle_origin": _T("Words", "provenance accepted imported"),
    "toggle_stretch": _T("Words", "auto contrast brightness levels"),
    "reset_display": _T("Words", "reset brightness contrast gamma"),
    "zoom_actual": _T("Words", "100%"),
    "copy_previous": _T("Words", "previous labels"),
    "device_cuda": _T("Words", "gpu nvidia"),
    "quit": _T("Words", "exit close"),
    "export_masks": _T("Words", "save masks save as"),
    "add_class": _T("Words", "new class create class label"),
    "clear_labels": _T("Words", "delete labels remove labels"),
    "tool_smart": _T("Words", "superpixel edges"),
    "tool_pick": _T("Words", "eyedropper pipette"),
    "tool_fill": _T("Words", "bucket flood"),
    "tool_rectangle": _T("Words", "box"),
    "tool_ellipse": _T("Words", "circle"),
    "region_drop_islands": _T("Words", "specks small regions"),
    "region_grow": _T("Words", "dilate"),
    "region_shrink": _T("Words", "erode"),
}


def is_called(command_id: str, query: str) -> bool:
    """Whether `query` stands in the other words of a command, from the start of a word on."""
    words = QCoreApplication.translate("Words", OTHER_WORDS.get(command_id, "")).casefold()
    asked = " ".join(query.casefold().split())
    return bool(asked) and f" {asked}" in f" {words}"
