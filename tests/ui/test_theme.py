"""Dark and light: readable, complete, following the system, switchable while the window is open."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon
from PySide6.QtWidgets import QWidget

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.theme import Theme, Tokens, make_style_sheet, mix, read_tokens


def _luminance(color: str) -> float:
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(color).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(first: str, second: str) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    a, b = sorted((_luminance(first), _luminance(second)))
    return (b + 0.05) / (a + 0.05)


@pytest.fixture
def window(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize(
    ("ink", "paper", "least"),
    [
        ("text", "surface", 7.0), ("text", "field", 7.0), ("text", "raised", 7.0), ("text", "canvas", 7.0),
        ("muted", "surface", 4.5), ("muted", "field", 4.5), ("on_accent", "accent_fill", 4.5),
        ("accent", "surface", 4.5), ("warning", "surface", 4.5), ("error", "surface", 4.5),
        ("success", "surface", 4.5),
    ],
)  # fmt: skip
def test_text_is_readable(name: str, ink: str, paper: str, least: float) -> None:
    tokens = read_tokens(name)
    assert _contrast(getattr(tokens, ink), getattr(tokens, paper)) >= least


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_token_is_a_colour_and_the_style_sheet_is_complete(name: str) -> None:
    tokens = read_tokens(name)
    assert all(QColor(getattr(tokens, field.name)).isValid() for field in fields(Tokens))
    sheet = make_style_sheet(tokens, 13)
    assert "$" not in re.sub(r"/\*.*?\*/", "", sheet)
    assert sheet.count("{") == sheet.count("}")


def test_mixing_goes_from_one_colour_to_the_other() -> None:
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#000000", "#ffffff", 0.5) in ("#7f7f7f", "#808080")


def test_the_system_is_followed_until_the_person_chooses(window: QWidget) -> None:
    hints = QGuiApplication.styleHints()
    theme = Theme(window, "system")
    seen: list[bool] = []
    theme.changed.connect(lambda: seen.append(theme.is_dark))
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert not theme.is_dark
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.is_dark
    theme.set_mode("dark")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.is_dark
    theme.set_mode("system")
    assert not theme.is_dark
    assert seen == [False, True, False]


def test_switching_changes_colours_of_what_is_there(window: QWidget) -> None:
    theme = Theme(window, "dark")
    icon = make_icon(theme, "brush")
    before = icon.pixmap(24, 24).toImage()
    sheet = window.styleSheet()
    theme.set_mode("light")
    assert window.styleSheet() != sheet
    assert window.palette().window().color() == QColor(read_tokens("light").surface)
    after = icon.pixmap(24, 24).toImage()
    strongest = max((after.pixelColor(x, y) for x in range(24) for y in range(24)), key=QColor.alpha)
    assert strongest.rgb() == QColor(read_tokens("light").text).rgb()
    assert before != after


def test_an_unknown_mode_is_the_systems(window: QWidget) -> None:
    assert Theme(window, "purple").mode == "system"


def test_icons_draw_something_and_pale_when_disabled(window: QWidget) -> None:
    icon = make_icon(Theme(window, "dark"), "eraser")
    drawn = icon.pixmap(20, 20).toImage()
    pale = icon.pixmap(20, 20, QIcon.Mode.Disabled).toImage()
    assert any(drawn.pixelColor(x, y).alpha() for x in range(20) for y in range(20))
    assert drawn != pale


def test_a_wrong_icon_name_fails_where_it_is_written(window: QWidget) -> None:
    with pytest.raises(KeyError):
        make_icon(Theme(window, "dark"), "no-such-icon")
