"""The palette: a few letters find any command; it shows keys and why something cannot be done now."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fcn_studio.ui.app import App
from fcn_studio.ui.command import Need, Situation
from fcn_studio.ui.commands import BY_ID, COMMANDS
from fcn_studio.ui.dialogs.command_palette import ROW_TEXT, CommandPalette, find_commands
from fcn_studio.ui.dialogs.palette_words import OTHER_WORDS
from fcn_studio.ui.fuzzy import find_match
from tests.ui.window_kit import drag, key, wait_for_image

CTRL = Qt.KeyboardModifier.ControlModifier


@given(st.text(max_size=12), st.text(max_size=30))
def test_the_letters_found_are_the_letters_asked_for_in_order(query: str, text: str) -> None:
    match = find_match(query, text)
    letters = [letter for letter in query.casefold() if not letter.isspace()]
    if match is not None and len(text.casefold()) == len(text):
        assert [text.casefold()[place] for place in match.places] == letters
        assert list(match.places) == sorted(set(match.places))
    assert find_match(text[2:5], text) is not None or len(text.casefold()) != len(text)


def test_what_one_means_comes_first() -> None:
    full = Situation(has_project=True, has_document=True, has_labels=True, has_prediction=True)
    meant = {"brush": "tool_brush", "undo": "undo", "fine": "fine_tune", "acc": "accept_all",
             "hicon": "theme_contrast", "fit": "zoom_fit"}  # fmt: skip
    for query, wanted in meant.items():
        assert find_commands(query, full)[0].command.id == wanted, query
    assert find_commands("theme dark", full)[0].command.id == "theme_dark", "by its menu"
    assert find_commands("zzzz", full) == []


def test_a_command_is_found_by_the_word_that_a_newcomer_has_for_it() -> None:
    assert set(OTHER_WORDS) <= set(BY_ID)
    full = Situation(has_project=True, has_document=True, has_labels=True, has_prediction=True)
    meant = {
        "train": "fine_tune", "Learn": "fine_tune", "compare": "compare_swipe", "dark mode": "theme_dark",
        "shortcut": "show_keys", "brush  size": "brush_bigger", "minimap": "toggle_minimap",
        "gpu": "device_cuda", "brush": "tool_brush", "contrast": "theme_contrast",
    }  # fmt: skip
    for query, wanted in meant.items():
        assert find_commands(query, full)[0].command.id == wanted, query
    inside = [found.command.id for found in find_commands("rain", full)]
    assert "fine_tune" not in inside, "other words are known by their start"


def test_every_command_that_can_be_off_says_why() -> None:
    silent = [c.id for c in COMMANDS if not c.enabled_when(Situation()) and not c.is_hidden_when_off
              and not c.why_not(Situation(training_blocked_by="Open some images first."))]  # fmt: skip
    assert silent == []


def test_needs_are_told_in_their_order() -> None:
    first = Need(lambda s: s.has_project, "Open some images first.")
    both = first & Need(lambda s: s.has_labels, "Paint something first.")
    assert both.reason(Situation()) == "Open some images first."
    assert both.reason(Situation(has_project=True)) == "Paint something first."
    assert both.reason(Situation(has_project=True, has_labels=True)) == ""


@pytest.fixture
def used(app: App, photos: Path, qtbot) -> App:
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    QTest.qWait(20)
    return app


def open_palette(app: App) -> CommandPalette:
    key(app, Qt.Key.Key_K, CTRL)
    palette = app.window.findChild(CommandPalette)
    assert palette is not None
    assert palette.field.hasFocus()
    return palette


def test_ctrl_k_and_a_few_letters_do_a_command(used: App) -> None:
    palette = open_palette(used)
    QTest.keyClicks(palette.field, "eras")
    assert palette.found[0] == "tool_eraser"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    QTest.qWait(20)
    assert used.window.canvas.tool_id == "eraser"
    assert used.window.findChild(CommandPalette) is None
    assert used.session.settings["recent_commands"] == ["tool_eraser"]
    assert open_palette(used).found[0] == "tool_eraser", "what was used last comes first"


def test_what_cannot_be_done_says_why_and_stays(used: App) -> None:
    palette = open_palette(used)
    QTest.keyClicks(palette.field, "undo")
    row = palette.list.item(0).data(ROW_TEXT)
    assert (row.command_id, row.is_enabled, row.reason) == ("undo", False, "Nothing to undo on this image.")
    assert "Nothing to undo" in palette.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    QTest.qWait(10)
    assert used.window.findChild(CommandPalette) is None
    drag(used, (0.4, 0.5), (0.6, 0.5))
    palette = open_palette(used)
    QTest.keyClicks(palette.field, "undo")
    row = palette.list.item(0).data(ROW_TEXT)
    assert row.is_enabled
    assert row.text == "Undo: Paint cat"
    assert row.keys == "Ctrl+Z"


def test_arrows_go_round_and_a_click_elsewhere_closes(used: App) -> None:
    palette = open_palette(used)
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentRow() == palette.list.count() - 1
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 0
    used.window.canvas.setFocus()
    QTest.qWait(20)
    assert used.window.findChild(CommandPalette) is None
