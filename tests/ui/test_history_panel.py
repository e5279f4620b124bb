"""The history panel: edits by name, the present one marked; a click or Enter goes there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fcn_studio.core.classes import ClassTable
from fcn_studio.session.region_words import name_region_edit
from fcn_studio.session.whole_image import RegionOp
from fcn_studio.ui.app import App
from fcn_studio.ui.commands import BY_ID
from fcn_studio.ui.icons import glyph
from fcn_studio.ui.panels.history import ICONS, color_of, icon_of
from tests.ui.window_kit import WAIT_MS, drag, key, wait_for_image


@pytest.fixture
def painted(app: App, photos: Path, qtbot) -> App:
    """Three strokes on a.png: cat, dog, and one that erases."""
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    QTest.qWait(20)
    drag(app, (0.4, 0.4), (0.6, 0.4))
    key(app, Qt.Key.Key_2)
    drag(app, (0.4, 0.6), (0.6, 0.6))
    key(app, Qt.Key.Key_E)
    drag(app, (0.4, 0.5), (0.6, 0.5))
    QTest.qWait(20)
    return app


def _texts(app: App) -> list[str]:
    model = app.window.history.model
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def _now(app: App) -> int:
    return app.window.history.model.place


def _click(app: App, row: int) -> None:
    view = app.window.history.view
    place = view.visualRect(app.window.history.model.index(row, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_edits_are_listed_by_name_and_a_click_goes_to_them(painted: App, qtbot) -> None:
    assert _texts(painted) == ["Start", "Paint cat", "Paint dog", "Erase"]
    assert _now(painted) == 3
    _click(painted, 1)
    qtbot.waitUntil(lambda: _now(painted) == 1, timeout=WAIT_MS)
    labels = painted.session.document.label_map.labels
    assert set(labels.ravel()) == {1, 255}
    assert painted.window.history.count.text() == "1 of 3"
    last = painted.window.history.model.index(3, 0)
    assert last.data(Qt.ItemDataRole.UserRole).is_undone
    assert "undone" in last.data(Qt.ItemDataRole.AccessibleTextRole)
    _click(painted, 0)
    qtbot.waitUntil(lambda: _now(painted) == 0, timeout=WAIT_MS)
    assert painted.session.document.label_map.is_empty
    view = painted.window.history.view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: _now(painted) == 2, timeout=WAIT_MS)


def test_a_new_edit_takes_the_place_of_what_was_undone(painted: App, qtbot) -> None:
    _click(painted, 1)
    qtbot.waitUntil(lambda: _now(painted) == 1, timeout=WAIT_MS)
    key(painted, Qt.Key.Key_B)
    drag(painted, (0.3, 0.7), (0.7, 0.7))
    qtbot.waitUntil(lambda: _texts(painted) == ["Start", "Paint cat", "Paint dog"], timeout=WAIT_MS)


def test_each_image_has_its_own_list(painted: App, qtbot) -> None:
    key(painted, Qt.Key.Key_D)
    wait_for_image(painted, qtbot, "b.png")
    qtbot.waitUntil(lambda: _texts(painted) == ["Start"], timeout=WAIT_MS)
    assert painted.window.history.nothing.isVisible()
    key(painted, Qt.Key.Key_A)
    wait_for_image(painted, qtbot, "a.png")
    qtbot.waitUntil(lambda: len(_texts(painted)) == 4, timeout=WAIT_MS)


def test_the_panel_can_be_put_away(painted: App) -> None:
    key(painted, Qt.Key.Key_F9)
    assert not painted.window.history_dock.isVisible()
    key(painted, Qt.Key.Key_F9)
    assert painted.window.history_dock.isVisible()


@pytest.mark.parametrize("operation", RegionOp)
def test_an_operation_on_regions_has_the_icon_of_its_menu_entry(operation: RegionOp) -> None:
    entry = BY_ID[f"region_{operation.name.lower()}"]
    name = name_region_edit(operation, "big cat")
    assert icon_of(name) == entry.icon
    table = ClassTable().add("cat").add("big cat")
    assert color_of(name, table) == table.by_key("big_cat").color


def test_undo_and_redo_name_what_they_take_back(painted: App, qtbot) -> None:
    painted.session.editing.request_region_op(RegionOp.DROP_ISLANDS, 1, 100_000)
    qtbot.waitUntil(lambda: _texts(painted)[-1] == "Remove islands of cat", timeout=WAIT_MS)
    painted.window.refresh()
    row = painted.window.history.model.index(4, 0)
    assert row.data(Qt.ItemDataRole.ToolTipRole) == "Remove islands of cat"  # where it is cut off
    actions = painted.window.actions_of
    assert actions["undo"].text() == "Undo: Remove islands of cat"
    painted.session.editing.undo()
    painted.window.refresh()
    assert actions["redo"].text() == "Redo: Remove islands of cat"


def test_names_have_icons_and_the_colour_of_their_class() -> None:
    assert all(glyph(name) for name in ICONS.values())
    assert glyph(icon_of("Something that nobody has thought of"))
    assert icon_of("Fill with cat") != icon_of("Paint cat") != icon_of("Erase")
    assert len({icon_of(f"{area} of cat") for area in ("Polygon", "Lasso", "Rectangle", "Ellipse")}) == 4
    assert icon_of("Magic wand: cat") == BY_ID["tool_wand"].icon
    assert icon_of("Erase region") == icon_of("Erase similar") == icon_of("Erase")
    table = ClassTable().add("cat").add("big cat")
    assert color_of("Paint big cat", table) == table.by_key("big_cat").color
    assert color_of("Paint cat", table) == table.by_key("cat").color
    assert color_of("Magic wand: big cat", table) == table.by_key("big_cat").color
    assert color_of("Erase", table) is None


def test_the_present_edit_stays_in_sight_when_the_panel_gets_lower(painted: App) -> None:
    for _ in range(9):
        drag(painted, (0.4, 0.4), (0.6, 0.4))
        drag(painted, (0.4, 0.5), (0.6, 0.5))
    history = painted.window.history
    for height in (420, 130):
        history.setFixedHeight(height)
        QTest.qWait(50)
        place = history.view.visualRect(history.view.currentIndex())
        assert history.view.currentIndex().row() == _now(painted) > 3
        assert history.view.viewport().rect().contains(place)
