"""The window under a person's hands: keys, mouse, panels; each with real input events on a real session."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, drag, key, put_prediction, wait_for_image

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def used(app: App, photos: Path, qtbot) -> App:
    """The program with a.png open and the classes background (0), cat (1), dog (2)."""
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    QApplication.processEvents()
    app.window.refresh()
    return app


def _labels(app: App) -> np.ndarray:
    assert app.session.document is not None
    return app.session.document.label_map.labels


def _names(app: App) -> list[str]:
    return [row.entry.name for row in app.window.classes.list.rows if row.entry]


def test_letters_take_tools_in_hand(used: App) -> None:
    for letter, tool in ((Qt.Key.Key_E, "eraser"), (Qt.Key.Key_G, "fill"), (Qt.Key.Key_I, "pick")):
        key(used, letter)
        assert used.window.canvas.tool_id == tool
        QTest.qWait(10)
        assert used.window.tool_column.buttons[f"tool_{tool}"].isChecked()
    used.window.tool_column.buttons["tool_brush"].click()
    assert used.window.canvas.tool_id == "brush"


def test_ctrl_z_takes_a_point_of_an_outline_and_the_first_stroke_back_while_they_are_made(used: App) -> None:
    canvas, none = used.window.canvas, Qt.KeyboardModifier.NoModifier
    assert not used.window.actions_of["undo"].isEnabled(), "nothing is there to be undone"
    key(used, Qt.Key.Key_P)
    QTest.qWait(20)
    for share in (0.4, 0.5, 0.6):
        place = QPoint(round(canvas.width() * share), round(canvas.height() * share * share * 2))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, none, place)
    key(used, Qt.Key.Key_Z, CTRL)
    assert len(canvas.tool._points) == 2
    key(used, Qt.Key.Key_Escape)
    key(used, Qt.Key.Key_B)
    used.session.classes.choose(1)
    QTest.qWait(20)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, none, middle)
    QTest.mouseMove(canvas, middle + QPoint(30, 0))
    assert (_labels(used) == 1).any()
    QTest.qWait(20)
    key(used, Qt.Key.Key_Z, CTRL)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, none, middle + QPoint(30, 0))
    assert (_labels(used) == UNLABELLED).all()
    QTest.qWait(20)
    assert used.session.editing.can_redo


def test_digits_choose_classes_and_x_swaps_with_background(used: App) -> None:
    classes = used.session.classes
    key(used, Qt.Key.Key_2)
    assert classes.table.by_id(classes.chosen_id).name == "dog"
    key(used, Qt.Key.Key_X)
    assert classes.table.by_id(classes.chosen_id).name == "background"
    key(used, Qt.Key.Key_X)
    assert classes.table.by_id(classes.chosen_id).name == "dog"
    key(used, Qt.Key.Key_0)
    assert classes.table.by_id(classes.chosen_id).name == "background"
    chosen = [row for row in used.window.classes.list.rows if row.property("chosen")]
    assert [row.entry.name for row in chosen] == ["background"]


def test_brackets_and_slider_change_the_brush(used: App) -> None:
    canvas, row = used.window.canvas, used.window.tool_row.options
    before = canvas.brush_size_px
    key(used, Qt.Key.Key_BracketRight)
    assert canvas.brush_size_px > before
    assert row.size_text.text() == f"{canvas.brush_size_px} px"
    key(used, Qt.Key.Key_BracketLeft)
    key(used, Qt.Key.Key_BracketLeft)
    assert canvas.brush_size_px < before
    row.slider.setValue(60)
    assert row.size_text.text() == f"{canvas.brush_size_px} px"
    key(used, Qt.Key.Key_G)
    QTest.qWait(10)
    assert not row.slider.isVisible(), "a fill has no size"


def test_d_and_a_go_through_the_images(used: App, qtbot) -> None:
    key(used, Qt.Key.Key_D)
    wait_for_image(used, qtbot, "b.png")
    assert used.window.images.view.currentIndex().data() == "b.png"
    assert "b.png" in used.window.windowTitle()
    key(used, Qt.Key.Key_A)
    wait_for_image(used, qtbot, "a.png")


def test_a_click_in_the_list_opens_an_image(used: App, qtbot) -> None:
    view = used.window.images.view
    index = used.window.images.shown.index(2, 0)
    middle = view.visualRect(index).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    wait_for_image(used, qtbot, "c.png")


def test_a_stroke_paints_the_chosen_class_and_is_undone_and_redone(used: App) -> None:
    key(used, Qt.Key.Key_2)
    drag(used, (0.4, 0.5), (0.6, 0.5))
    dog = used.session.classes.chosen_id
    painted = int((_labels(used) == dog).sum())
    assert painted > 0
    QTest.qWait(20)
    assert used.window.actions_of["undo"].isEnabled()
    key(used, Qt.Key.Key_Z, CTRL)
    assert (_labels(used) == UNLABELLED).all()
    QTest.qWait(20)
    key(used, Qt.Key.Key_Z, CTRL | SHIFT)
    assert int((_labels(used) == dog).sum()) == painted
    key(used, Qt.Key.Key_Z, CTRL)
    QTest.qWait(20)
    key(used, Qt.Key.Key_Y, CTRL)
    assert int((_labels(used) == dog).sum()) == painted


def test_a_tap_toggles_a_layer_and_holding_only_peeks(used: App) -> None:
    canvas = used.window.canvas
    key(used, Qt.Key.Key_S)
    assert not canvas.layer_visible("prediction")
    key(used, Qt.Key.Key_S)
    assert canvas.layer_visible("prediction")
    QTest.keyPress(canvas, Qt.Key.Key_S)
    assert not canvas.layer_visible("prediction")
    time.sleep(0.35)
    QTest.keyRelease(canvas, Qt.Key.Key_S)
    assert canvas.layer_visible("prediction"), "the key was held: back to what it was"
    used.window.layers.eyes["labels"].click()
    assert not canvas.layer_visible("labels")
    assert not used.window.layers.sliders["labels"].isEnabled()


@pytest.mark.parametrize("first_up", [Qt.Key.Key_U, Qt.Key.Key_Shift])
def test_a_key_with_shift_peeks_until_either_part_comes_up(used: App, first_up: Qt.Key) -> None:
    canvas = used.window.canvas
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_U, SHIFT)
    assert canvas.layer_visible("difference")
    time.sleep(0.35)
    QTest.keyRelease(canvas, first_up, SHIFT)
    assert not canvas.layer_visible("difference")
    assert not canvas.layer_visible("uncertainty"), "U alone is another command"
    QTest.keyClick(canvas, Qt.Key.Key_U, SHIFT)
    time.sleep(0.35)
    QTest.keyRelease(canvas, Qt.Key.Key_Shift)
    assert canvas.layer_visible("difference"), "it was tapped"


def test_a_toggle_from_a_menu_is_no_peek(used: App) -> None:
    canvas = used.window.canvas
    canvas.setFocus()
    used.window.actions_of.run("toggle_difference")
    time.sleep(0.35)
    QTest.keyRelease(canvas, Qt.Key.Key_Shift)
    assert canvas.layer_visible("difference")


def test_a_peek_ends_when_the_window_is_left(used: App) -> None:
    canvas = used.window.canvas
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_S)
    time.sleep(0.35)
    QApplication.sendEvent(used.window, QEvent(QEvent.Type.WindowDeactivate))
    assert canvas.layer_visible("prediction")
    QTest.keyRelease(canvas, Qt.Key.Key_S)
    assert canvas.layer_visible("prediction")


@pytest.mark.parametrize("where", ["menu", "field", "canvas"])
def test_a_peek_ends_wherever_its_key_comes_up(used: App, where: str) -> None:
    canvas, field = used.window.canvas, used.window.images.filter
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_S)
    menu = QMenu(used.window)
    menu.addAction("x")
    if where == "field":
        field.setFocus()
    else:
        menu.popup(used.window.mapToGlobal(QPoint(300, 300)))
    time.sleep(0.35)
    QTest.qWait(10)
    assert not canvas.layer_visible("prediction")
    if where == "canvas":
        menu.close()
        drag(used, (0.4, 0.4), (0.5, 0.5))
        assert not canvas.layer_visible("prediction"), "painting and looking about do not end it"
    QTest.keyRelease({"menu": menu, "field": field, "canvas": canvas}[where], Qt.Key.Key_S)
    assert canvas.layer_visible("prediction")
    menu.close()
    QTest.keyRelease(canvas, Qt.Key.Key_S)
    assert canvas.layer_visible("prediction")
    menu.deleteLater()


def test_letters_typed_into_a_field_are_letters(used: App) -> None:
    field = used.window.images.filter
    field.setFocus()
    QTest.keyClicks(field, "gb s1")
    assert field.text() == "gb s1"
    assert used.window.canvas.tool_id == "brush"
    assert used.window.canvas.layer_visible("prediction")


def test_the_filter_finds_by_name_and_by_state(used: App, qtbot) -> None:
    panel = used.window.images
    key(used, Qt.Key.Key_R)
    assert panel.count.text() == "1 of 3 reviewed"
    panel.filter.setText("reviewed")
    assert [panel.shown.index(r, 0).data() for r in range(panel.shown.rowCount())] == ["a.png"]
    panel.filter.setText("unlabelled C.p")
    assert [panel.shown.index(r, 0).data() for r in range(panel.shown.rowCount())] == ["c.png"]
    QTest.keyClick(panel.filter, Qt.Key.Key_Return)
    wait_for_image(used, qtbot, "c.png")
    assert not panel.nothing.isVisible()
    panel.filter.setText("zebra")
    assert panel.nothing.isVisible(), "an empty list says why it is empty"
    panel.filter.clear()
    assert panel.shown.rowCount() == 3
    assert not panel.nothing.isVisible()


def test_mark_reviewed_accepts_nothing_and_can_be_taken_back(used: App) -> None:
    put_prediction(used)
    QTest.qWait(10)
    used.window.prediction.review.click()
    assert used.session.images.entries[0].state.value == "reviewed"
    assert (_labels(used) == UNLABELLED).all()
    QTest.qWait(10)
    used.window.prediction.review.click()
    assert used.session.images.entries[0].state.value != "reviewed"


def test_accept_all_makes_the_prediction_the_label(used: App, qtbot) -> None:
    put_prediction(used)
    QTest.qWait(10)
    used.window.prediction.accept.click()
    qtbot.waitUntil(lambda: not (_labels(used) == UNLABELLED).any(), timeout=WAIT_MS)
    used.window.status.show_pointer((5, 5))
    assert used.window.status.label.text() == "cat, accepted"
    assert used.window.status.network.text() == "network: cat, 0.80"
    QTest.qWait(20)
    key(used, Qt.Key.Key_Delete, CTRL)
    qtbot.waitUntil(lambda: bool((_labels(used) == UNLABELLED).all()), timeout=WAIT_MS)


def test_the_panel_shows_the_share_of_each_class(used: App, qtbot) -> None:
    put_prediction(used)
    rows = {row.entry.name: row for row in used.window.classes.list.rows}
    qtbot.waitUntil(lambda: rows["cat"].share.text() == "50 %", timeout=WAIT_MS)
    assert rows["background"].share.text() == "50 %"
    assert rows["dog"].share.text() == ""


def test_a_class_is_renamed_in_place(used: App) -> None:
    row = used.window.classes.list.row_of(1)
    QTest.mouseDClick(row, Qt.MouseButton.LeftButton)
    assert row.editor.isVisible()
    row.editor.selectAll()
    QTest.keyClicks(row.editor, "kitten")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert _names(used) == ["kitten", "dog", "background"]
    assert used.session.classes.table.by_id(1).key == "cat", "checkpoints still know the class"
    row.rename()
    QTest.keyClicks(row.editor, "never mind")
    QTest.keyClick(row.editor, Qt.Key.Key_Escape)
    assert _names(used)[0] == "kitten"
    row.rename()
    row.editor.setText("dog")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert _names(used)[0] == "kitten"
    assert "dog" in used.window.classes.problem.text()
    assert used.window.classes.problem.isVisible()


def test_a_class_is_added_hidden_and_given_a_colour(used: App) -> None:
    panel = used.window.classes
    key(used, Qt.Key.Key_N)
    QTest.keyClicks(panel.new_name, "hay")
    QTest.keyClick(panel.new_name, Qt.Key.Key_Return)
    assert _names(used) == ["cat", "dog", "hay", "background"]
    assert not panel.new_name.isVisible()
    hay = used.session.classes.table.by_key("hay")
    assert hay.shortcut == "3"
    assert used.session.classes.chosen_id == hay.id
    panel.list.row_of(hay.id).eye.click()
    assert not used.session.classes.table.by_id(hay.id).visible
    panel.list.row_of(hay.id).swatch.click()
    dialog = QApplication.activeModalWidget()
    dialog.setCurrentColor(Qt.GlobalColor.red)
    dialog.accept()
    assert used.session.classes.table.by_id(hay.id).color == (255, 0, 0)


def test_dropped_folders_and_images_open(app: App, photos: Path, qtbot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos / "b.png"))])
    event = QDropEvent(
        QPointF(300, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    app.window.dropEvent(event)
    wait_for_image(app, qtbot, "b.png")
    assert [entry.image_id for entry in app.session.images.entries] == ["b.png"]


def test_what_cannot_be_opened_leaves_a_notice_and_what_was_open(used: App, tmp_path: Path, qtbot) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    used.window.deeds.open_paths([empty])
    qtbot.waitUntil(lambda: bool(used.window.notices.chips), timeout=WAIT_MS)
    chip = used.window.notices.chips[0]
    assert chip.notice.level.value == "error"
    assert "empty" in chip.text.text()
    assert used.session.document.image_id == "a.png"
    chip.close_button.click()
    assert not used.window.notices.chips


def test_zoom_keys_are_shown_in_the_status_bar(used: App) -> None:
    key(used, Qt.Key.Key_1, CTRL)
    assert used.window.status.zoom.text() == "100 %"
    key(used, Qt.Key.Key_Plus)
    assert used.window.status.zoom.text() == "150 %"
    key(used, Qt.Key.Key_F)
    fitted = used.window.status.zoom.text()
    assert fitted not in ("100 %", "150 %")


def test_export_writes_masks_and_areas(used: App, tmp_path: Path, qtbot) -> None:
    used.window.actions_of.run("export_masks")
    dialog = QApplication.activeModalWidget()
    assert dialog.kinds["composite"].isChecked()
    dialog.reject()
    assert used.window.actions_of["export_masks"].isEnabled()


def test_device_and_theme_are_chosen_in_menus_and_remembered(used: App) -> None:
    actions = used.window.actions_of
    actions.run("theme_light")
    QTest.qWait(10)
    assert not used.window.theme.is_dark
    assert used.session.settings["theme"] == "light"
    assert actions["theme_light"].isChecked()
    assert not actions["theme_dark"].isChecked()
    actions.run("device_cpu")
    QTest.qWait(10)
    assert used.session.settings["device"] == "cpu"
    assert actions["device_cpu"].isChecked()


def test_the_list_of_keys_names_every_command_with_a_key(used: App) -> None:
    from PySide6.QtWidgets import QLabel

    from fcn_studio.ui.commands import COMMANDS
    from fcn_studio.ui.dialogs.keys import name_of

    used.window.actions_of.run("show_keys")
    dialog = QApplication.activeModalWidget()
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    for command in COMMANDS:
        if command.keys and not command.id.startswith("class_"):
            assert name_of(command) in texts
    left = {label.x() for label in dialog.findChildren(QLabel) if label.objectName() != "heading"}
    assert len(left) == 4, "two columns of keys, two of what they do"
    dialog.accept()


def test_panels_can_be_put_away_and_come_back(used: App) -> None:
    key(used, Qt.Key.Key_F7)
    assert not used.window.images_dock.isVisible()
    key(used, Qt.Key.Key_F, CTRL)
    assert used.window.images_dock.isVisible()
    assert used.window.images.filter.hasFocus()


def test_nothing_but_the_window_is_ever_shown_as_a_window(app: App, photos: Path, qtbot) -> None:
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_model_classes()
    app.session.classes.add("hay")
    QTest.qWait(30)
    assert app.window.isActiveWindow(), "a widget without a parent took the focus"
    assert [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()] == [app.window]
