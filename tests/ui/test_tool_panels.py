"""Tool column, options of the tool in hand, protection and regions, as a person uses them in the window."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.protect import Protection
from fcn_studio.ui.app import App
from fcn_studio.ui.tools.options import ToolOptions
from fcn_studio.ui.tools.toolbox import TOOLS
from tests.ui.window_kit import WAIT_MS, drag, key, put_prediction, start, wait_for_image

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

CAT = 1


@pytest.fixture
def used(app: App, photos: Path, qtbot: QtBot) -> App:
    """Photos open, classes background, cat (1) and dog (2); the left half is predicted to be a cat."""
    app.session.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    put_prediction(app, CAT)
    app.window.refresh()
    return app


def settle(app: App, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: app.session.editing._queue.is_empty, timeout=WAIT_MS)
    app.window.refresh()


def labels_of(app: App) -> np.ndarray:
    assert app.session.document is not None
    return app.session.document.label_map.labels


def point_at(app: App, x: float, y: float) -> None:
    canvas = app.window.canvas
    QTest.mouseMove(canvas, QPoint(round(canvas.width() * x), round(canvas.height() * y)))
    QApplication.processEvents()


def test_each_key_takes_its_tool_and_shows_what_it_can_be_told(used: App, qtbot: QtBot) -> None:
    window = used.window
    options = window.tool_row.options
    for tool in TOOLS:
        key(used, Qt.Key(ord(tool.key)))
        assert window.canvas.tool_id == tool.id
        qtbot.waitUntil(window.tool_column.buttons[f"tool_{tool.id}"].isChecked, timeout=WAIT_MS)
        shown = {name for name, part in options._parts.items() if part.isVisible()}
        assert shown == set(tool.option_names)
        assert window.status.hint.text()


def test_the_row_of_options_changes_the_tool_in_hand(used: App) -> None:
    options, canvas = used.window.tool_row.options, used.window.canvas
    options.square.click()
    assert canvas.options.is_square("brush")
    options.pressure.click()
    assert canvas.options.flag("pressure")
    canvas.choose_tool("eraser")
    assert not options.square.isChecked()
    options.slider.setValue(80)
    assert canvas.options.size_of("eraser") > 300
    assert canvas.options.size_of("brush") == 30
    canvas.choose_tool("wand")
    options.tolerance.setValue(77)
    options.contiguous.click()
    assert (canvas.options.number("tolerance"), canvas.options.flag("contiguous")) == (77, False)
    canvas.choose_tool("smart")
    options.edge.setValue(99)
    assert canvas.options.number("edge") == 99
    assert options.edge_text.text() == "99"


def test_options_are_there_again_at_the_next_start(tmp_path: Path, photos: Path, qtbot: QtBot) -> None:
    first = start(tmp_path / "home", qtbot)
    canvas = first.window.canvas
    canvas.options.set_square("eraser", True)
    canvas.choose_tool("eraser")
    canvas.set_brush_size(123)
    canvas.options.set_number("tolerance", 5)
    assert first.close()
    again = start(tmp_path / "home", qtbot)
    options = again.window.canvas.options
    assert again.window.canvas.tool_id == "eraser"
    assert (options.size_of("eraser"), options.size_of("brush")) == (123, 30)
    assert options.is_square("eraser")
    assert options.number("tolerance") == 5
    assert again.close()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"sizes": 3},
        {"sizes": {"brush": "x", "eraser": True}, "squares": [1]},
        {"tolerance": None, "edge": 10_000, "pressure": "yes", "contiguous": 1, "nonsense": {}},
        {"sizes": {"brush": -5, "smart": 1e9}},
    ],
)
def test_options_that_somebody_has_spoilt_get_their_defaults_or_limits(spoilt: dict) -> None:
    options = ToolOptions(spoilt)
    assert all(1 <= options.size_of(tool) <= 500 for tool in ("brush", "eraser", "smart", "accept"))
    assert not options.flag("pressure")
    assert options.flag("contiguous")
    assert options.number("tolerance") == 24
    assert ToolOptions(options.to_values()).to_values() == options.to_values()


def test_protection_by_keys_is_seen_in_the_row_the_menu_and_the_status_bar(used: App) -> None:
    window, editing = used.window, used.session.editing
    key(used, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    assert editing.protection == Protection(only_unlabelled=True)
    window.refresh()
    assert window.actions_of["protect_unlabelled"].isChecked()
    assert "only unlabelled" in window.tool_row.guard.toolTip()
    assert "only unlabelled" in window.status.hint.text()
    key(used, Qt.Key.Key_K)
    assert editing.protection.locked == {CAT}
    row = window.classes.list.row_of(CAT)
    assert row.lock.isVisible()
    assert "locked" in row.accessibleName()
    assert "cat locked" in window.tool_row.guard.toolTip()
    key(used, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert editing.protection.over == {CAT}
    window.refresh()
    window.actions_of.run("protect_nothing")
    assert editing.protection == Protection()
    assert not used.session.classes.table.by_id(CAT).locked
    assert not row.lock.isVisible()
    used.session.classes.set_locked(CAT, True)
    row.lock.click()
    assert not used.session.classes.table.by_id(CAT).locked, "a click on the lock opens it"
    assert "rotected" not in window.status.hint.text()


def test_a_brightness_range_is_set_in_the_menu_and_shown_when_set_elsewhere(used: App) -> None:
    guard, editing = used.window.tool_row.guard, used.session.editing
    guard.low.setValue(200)
    assert editing.protection.intensity is None
    guard.limits.setChecked(True)
    assert editing.protection.intensity == (192, 200)  # whichever way round they are typed
    guard.high.setValue(250)
    assert editing.protection.intensity == (200, 250)
    editing.protect(Protection(intensity=(3, 77)))
    assert editing.protection.intensity == (3, 77)
    assert (guard.low.value(), guard.high.value()) == (3, 77)
    guard.limits.setChecked(False)
    assert editing.protection.intensity is None


def test_regions_are_worked_on_by_the_size_in_the_menu(used: App, qtbot: QtBot) -> None:
    window = used.window
    window.canvas.set_brush_size(12)
    drag(used, (0.45, 0.5), (0.55, 0.5))
    window.refresh()
    before = int((labels_of(used) == CAT).sum())
    window.tool_row.regions.radius.setValue(2)
    key(used, Qt.Key.Key_BracketRight, Qt.KeyboardModifier.ControlModifier)
    settle(used, qtbot)
    grown = int((labels_of(used) == CAT).sum())
    assert grown > before
    window.tool_row.regions.radius.setValue(4)
    window.actions_of.run("region_shrink")
    settle(used, qtbot)
    assert int((labels_of(used) == CAT).sum()) < before
    window.tool_row.regions.island.setValue(100_000)
    window.actions_of.run("region_drop_islands")
    settle(used, qtbot)
    assert not (labels_of(used) == CAT).any()
    assert used.session.editing.undo_name == "Remove islands of cat"


def test_accepting_and_rejecting_what_is_under_the_pointer_by_keys(used: App, qtbot: QtBot) -> None:
    point_at(used, 0.4, 0.5)
    key(used, Qt.Key.Key_Y)
    settle(used, qtbot)
    assert (labels_of(used)[:, :40] == CAT).all()
    assert (labels_of(used)[:, 40:] == 255).all()
    key(used, Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    settle(used, qtbot)
    assert (labels_of(used)[:, :40] == 0).all()
    used.session.editing.undo()
    used.session.editing.undo()
    key(used, Qt.Key.Key_V, Qt.KeyboardModifier.ShiftModifier)
    settle(used, qtbot)
    assert (labels_of(used) == CAT).sum() == 60 * 40
    point_at(used, 0.001, 0.001)
    key(used, Qt.Key.Key_Y)
    settle(used, qtbot)
    assert len(used.session.document.history.done) == 1


def test_undo_by_key_takes_the_last_point_of_an_open_polygon(used: App) -> None:
    canvas = used.window.canvas
    drag(used, (0.45, 0.5), (0.55, 0.5))
    key(used, Qt.Key.Key_P)
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6)):
        place = QPoint(round(canvas.width() * x), round(canvas.height() * y))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    used.window.refresh()
    key(used, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(canvas.tool.sketch.handles) == 2
    assert len(used.session.document.history.done) == 1
    key(used, Qt.Key.Key_Escape)
    key(used, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not used.session.document.history.done


@pytest.mark.parametrize("size", [(1000, 700), (880, 560)])
def test_everything_fits_into_a_small_window(used: App, size: tuple[int, int]) -> None:
    window = used.window
    window.resize(*size)
    for tool in TOOLS:
        window.canvas.choose_tool(tool.id)
        QApplication.processEvents()
        assert (window.width(), window.height()) == size
        row = window.tool_row
        for button in row.buttons.values():
            assert row.rect().contains(button.geometry())
        visible = [row.options, row.guard, row.regions, *row.buttons.values()]
        edges = sorted((w.geometry().left(), w.geometry().right()) for w in visible)
        assert all(first[1] < second[0] for first, second in itertools.pairwise(edges))
    if size[1] >= 700:
        column = window.tool_column
        for button in column.buttons.values():
            assert column.rect().contains(button.geometry())
