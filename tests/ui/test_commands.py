"""The command table is the single source of menus, keys, tooltips and the tool row."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from fcn_studio.ui.app import App
from fcn_studio.ui.commands import BY_ID, COMMANDS, MENUS, Situation
from fcn_studio.ui.deeds import Deeds
from fcn_studio.ui.icons import glyph
from fcn_studio.ui.keymap import read_key
from fcn_studio.ui.tool_deeds import ToolDeeds
from fcn_studio.ui.tools.toolbox import TOOLS
from fcn_studio.ui.view_controls import ViewControls

NATIVE = QKeySequence.SequenceFormat.PortableText


def _actions_of(menu: QMenu) -> list[str]:
    """Ids of all commands in a menu and its submenus."""
    found = []
    for action in menu.actions():
        if action.menu() is not None:
            found += _actions_of(action.menu())
        elif not action.isSeparator():
            found.append(action.objectName())
    return found


def test_no_key_belongs_to_two_commands() -> None:
    keys = Counter(QKeySequence(key).toString(NATIVE) for command in COMMANDS for key in command.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert all(keys), "a key that Qt does not know"


def test_no_two_commands_have_one_id() -> None:
    assert len(BY_ID) == len(COMMANDS)


def test_menus_of_the_table_exist() -> None:
    assert {command.menu.split("/")[0] for command in COMMANDS} == set(MENUS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_each_command_can_be_asked_about_an_empty_window(command) -> None:
    situation = Situation()
    assert command.enabled_when(situation) in (True, False)
    if command.checked_when is not None:
        assert command.checked_when(situation) in (True, False)
    if command.icon:
        assert glyph(command.icon)


def test_nothing_about_an_image_can_be_done_without_one() -> None:
    enabled = {command.id for command in COMMANDS if command.enabled_when(Situation())}
    assert enabled.isdisjoint({"undo", "redo", "accept_all", "mark_reviewed", "fine_tune", "export_masks"})
    assert {"open_images", "open_folder", "open_samples", "quit", "show_keys"} <= enabled


PARTS = {"hand": ToolDeeds, "looks": ViewControls}


def test_every_deed_is_a_command() -> None:
    calls: set[tuple[type, str]] = set()

    class Recorder:
        def __init__(self, kind: type) -> None:
            self.kind = kind

        def __getattr__(self, name: str):
            if self.kind is Deeds and name in PARTS:
                return Recorder(PARTS[name])
            calls.add((self.kind, name))
            return lambda *_values: None

    for command in COMMANDS:
        command.action(Recorder(Deeds))  # type: ignore[arg-type]
    assert [name for kind, name in calls if not hasattr(kind, name)] == []
    for kind, others in ((Deeds, {"open_paths", *PARTS}), (ToolDeeds, set())):
        used = {name for of, name in calls if of is kind}
        assert {n for n in dir(kind) if not n.startswith("_")} - used - others == set()


def test_every_command_is_in_a_menu_once(app: App) -> None:
    menus = [action.menu() for action in app.window.menuBar().actions()]
    found = [command_id for menu in menus for command_id in _actions_of(menu)]
    assert sorted(found) == sorted(BY_ID)


def test_tooltips_and_buttons_name_the_key(app: App) -> None:
    for command in COMMANDS:
        if command.keys and not command.id.startswith("class_"):
            text = QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            assert text in app.window.actions_of[command.id].toolTip()
    brush = app.window.tool_column.buttons["tool_brush"]
    assert "(B)" in brush.toolTip()
    assert brush.accessibleName()


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_what_is_switched_on_is_seen_in_a_menu(app: App, theme: str) -> None:
    window = app.window
    window.theme.set_mode(theme)
    tokens, action = window.theme.tokens, window.actions_of["toggle_labels"]
    assert action.isChecked()
    menu = next(a.menu() for a in window.menuBar().actions() if action in a.menu().actions())
    menu.ensurePolished()
    menu.adjustSize()
    row = menu.grab(menu.actionGeometry(action)).toImage()
    drawn = {row.pixelColor(x, y).name() for x in range(40) for y in range(row.height())}
    assert {tokens.color("accent_fill").name(), tokens.color("on_accent").name()} <= drawn


def test_every_tool_of_the_toolbox_has_a_command_and_a_button(app: App) -> None:
    from fcn_studio.ui.tools.toolbox import TOOLS

    for tool in TOOLS:
        assert f"tool_{tool.id}" in BY_ID
        assert f"tool_{tool.id}" in app.window.tool_column.buttons


def test_the_guide_names_the_keys_that_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")
    keys = {read_key(key) for command in COMMANDS for key in command.keys}
    named = re.findall(r"(?:(?:Ctrl|Shift|Alt)\+)+[^\s*|,.;)]+", text)
    assert len(named) > 20
    assert [key for key in named if read_key(key.replace("Enter", "Return")) not in keys] == []
    rows = re.findall(r"^\| ([A-Z][^|]*) \| ([^|]+) \|", text, re.MULTILINE)
    told = {
        name.strip().capitalize(): key.strip()
        for names, its_keys in rows
        for name, key in zip(names.split(","), its_keys.split(","), strict=True)
    }
    layers = {c.id.removeprefix("toggle_").capitalize(): c.keys[0] for c in COMMANDS if c.holds}
    assert told == {tool.title: tool.key for tool in TOOLS} | layers
