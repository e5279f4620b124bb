"""Keys: each belongs to one command; presets and the person's own are laid over the table's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.settings import Settings
from fcn_studio.ui.app import App
from fcn_studio.ui.command_actions import key_text
from fcn_studio.ui.commands import BY_ID, COMMANDS
from fcn_studio.ui.dialogs.key_editor import KeyEditor
from fcn_studio.ui.dialogs.keys import list_keys
from fcn_studio.ui.key_presets import OURS, PRESETS, TITLES
from fcn_studio.ui.keymap import RESERVED, Keymap, read_key
from tests.ui.window_kit import key, start, wait_for_image


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_belongs_to_two_commands_in_any_preset(preset: str) -> None:
    keymap = Keymap(Settings({"key_preset": preset}))
    keys = Counter(key for command in COMMANDS for key in keymap[command.id])
    assert [key for key, count in keys.items() if count > 1] == []
    assert not set(keys) & set(RESERVED), "the canvas needs them itself"
    assert all(read_key(key) == key for key in keys)
    assert preset in TITLES


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_promises_is_what_one_gets(preset: str) -> None:
    keymap = Keymap(Settings({"key_preset": preset}))
    for command_id, keys in PRESETS[preset].items():
        assert command_id in BY_ID
        assert keymap[command_id] == tuple(map(read_key, keys)), command_id
        assert all(read_key(key) for key in keys)


def test_the_defaults_are_those_of_paint_programs() -> None:
    keymap = Keymap()
    wanted = {"tool_brush": "B", "tool_eraser": "E", "brush_smaller": "[", "brush_bigger": "]",
              "swap_background": "X", "undo": "Ctrl+Z", "class_1": "1", "class_9": "9"}  # fmt: skip
    assert {i: keymap[i][0] for i in wanted} == wanted
    assert keymap.preset == OURS


def test_an_assigned_key_leaves_its_former_owner_and_is_kept() -> None:
    settings = Settings()
    keymap = Keymap(settings)
    told: list[str] = []
    keymap.on_changed(lambda: told.append(keymap["tool_brush"][0]))
    keymap.assign("tool_brush", ("E", "Ctrl+B"))
    assert keymap["tool_brush"] == ("E", "Ctrl+B")
    assert keymap["tool_eraser"] == ()
    assert keymap.find_owner("e") == "tool_brush"
    assert told == ["E"]
    again = Keymap(Settings.from_json(settings.to_json()))
    assert again["tool_brush"] == ("E", "Ctrl+B")
    assert again["tool_eraser"] == ()
    again.reset("tool_eraser")
    assert (again["tool_eraser"], again["tool_brush"]) == (("E",), ("Ctrl+B",))
    again.reset("tool_brush")
    assert dict(again.own) == {}
    again.assign("undo", ())
    assert again["undo"] == ()
    again.choose_preset("rootpainter")
    assert again["undo"] == ("Z", "Ctrl+Z")


def test_nonsense_in_a_settings_file_does_no_harm() -> None:
    keymap = Keymap(
        Settings({"key_preset": "emacs", "keys": {"undo": ["Nonsense+Q", ""], "gone": ["Ctrl+Alt+F12"]}})
    )
    assert keymap.preset == OURS
    assert keymap["undo"] == ()
    assert keymap.find_owner("Ctrl+Alt+F12") is None
    assert Keymap(Settings({"keys": {"undo": "Ctrl+Z"}}))["undo"] == ("Ctrl+Z",)


def test_other_keys_work_at_once_and_stand_in_every_text(app: App, photos: Path, qtbot) -> None:
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    QTest.qWait(20)
    keymap, window = app.window.actions_of.keymap, app.window
    keymap.choose_preset("napari")
    key(app, Qt.Key.Key_4)
    assert window.canvas.tool_id == "fill"
    key(app, Qt.Key.Key_B)
    assert window.canvas.tool_id == "fill", "B is no brush in napari"
    chosen = app.session.classes.chosen_id
    key(app, Qt.Key.Key_Equal)
    assert app.session.classes.chosen_id != chosen
    assert "(2)" in window.tool_column.buttons["tool_brush"].toolTip()
    assert key_text("toggle_labels") == "V"
    assert window.actions_of["tool_brush"].shortcut() == QKeySequence("2")
    sheet = dict(row for _menu, rows in list_keys(keymap) for row in rows)
    assert sheet["4   F"] == "Fill"
    # A key that is held to peek is heard under its new name.
    key(app, Qt.Key.Key_V)
    assert not window.canvas.layer_visible("labels")


def test_the_editor_says_whose_key_it_is_before_it_takes_it(app: App) -> None:
    app.window.actions_of.run("edit_keys")
    editor = QApplication.activeModalWidget()
    assert isinstance(editor, KeyEditor)
    editor.filter.setText("brush")
    shown = [item.text(0) for item in editor._items() if not item.isHidden()]
    assert "Brush" in shown
    assert "Quit" not in shown
    items = {item.data(0, Qt.ItemDataRole.UserRole): item for item in editor._items()}
    editor.tree.setCurrentItem(items["tool_brush"])
    assert not editor.take.isEnabled()
    editor.field.setFocus()
    QTest.keyClick(editor.field, Qt.Key.Key_G)
    assert "Fill" in editor.told.text()
    assert editor.take.isEnabled()
    editor.also.setFocus()
    editor.also.click()
    assert editor.focusWidget() is editor.tree, "and not the button beside it, which takes the key away"
    keymap = app.window.actions_of.keymap
    assert keymap["tool_brush"] == ("B", "G")
    assert keymap["tool_fill"] == ()
    assert items["tool_brush"].text(1).split() == ["B", "G"]
    QTest.keyClick(editor.field, Qt.Key.Key_Space)
    assert not editor.take.isEnabled(), "Space moves the image"
    editor.back.click()
    assert keymap["tool_brush"] == ("B",)
    assert keymap["tool_fill"] == ()
    editor.all_back.click()
    assert keymap["tool_fill"] == ("G",)
    editor.presets.activated.emit(editor.presets.findData("labelme"))
    assert keymap["zoom_fit"] == ("Ctrl+F",)
    names = [editor.presets.itemText(i) for i in range(editor.presets.count())]
    assert editor.presets.width() >= max(map(editor.fontMetrics().horizontalAdvance, names)) + 44
    editor.accept()


def test_keys_are_remembered(tmp_path: Path, qtbot) -> None:
    app = start(tmp_path, qtbot)
    app.window.actions_of.keymap.assign("tool_brush", ("J",))
    assert app.close()
    again = start(tmp_path, qtbot)
    assert again.window.actions_of["tool_brush"].shortcut() == QKeySequence("J")
    assert again.close()
