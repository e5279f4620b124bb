"""Whose classes: the model's as a preview, or one's own, asked in place."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, drag, key, put_prediction


def test_a_folder_of_ones_own_shows_the_models_classes_as_a_preview(previewed: App) -> None:
    panel = previewed.window.classes
    assert panel.choice.isVisible()
    assert len(panel.list.rows) == len(previewed.session.classes.shown)
    assert all(row.property("preview") for row in panel.list.rows)
    assert not previewed.window.actions_of["fine_tune"].isEnabled()
    assert previewed.window.training.about.text() == "Choose the classes first."


def test_a_preview_begins_with_what_is_in_the_image(previewed: App, qtbot) -> None:
    cat = previewed.session.classes.shown.by_key("cat")
    put_prediction(previewed, seen_id=cat.id)
    rows = previewed.window.classes.list.rows
    qtbot.waitUntil(lambda: rows[0].entry.name == cat.name, timeout=WAIT_MS)
    assert rows[0].share.text() == "50 %"
    assert rows[-1].entry.key == "background"
    previewed.session.classes.use_model_classes()
    assert [row.entry.id for row in rows] == [*range(1, len(rows)), 0]


def test_the_first_stroke_asks_whose_classes_in_place(previewed: App) -> None:
    drag(previewed, (0.4, 0.5), (0.6, 0.5))
    panel = previewed.window.classes
    assert panel.choice.property("asked")
    assert panel.choice.use_model.hasFocus()
    assert "classes" in previewed.window.notices.chips[0].text.text()
    assert previewed.session.document.label_map.is_empty
    panel.choice.use_model.click()
    assert not previewed.session.classes.is_preview
    assert not panel.choice.isVisible()
    drag(previewed, (0.4, 0.5), (0.6, 0.5))
    assert not previewed.session.document.label_map.is_empty


def test_classes_of_ones_own_are_typed_one_by_one(previewed: App) -> None:
    choice = previewed.window.classes.choice
    choice.use_own.click()
    assert not choice.done.isEnabled(), "background alone is no list of classes"
    assert choice.field.hasFocus()
    for name in ("leaf", "rust"):
        QTest.keyClicks(choice.field, name)
        QTest.keyClick(choice.field, Qt.Key.Key_Return)
    QTest.keyClicks(choice.field, "Leaf")
    QTest.keyClick(choice.field, Qt.Key.Key_Return)
    assert "already" in choice.problem.text()
    choice.field.setText("stem")
    choice.done.click()
    assert list(previewed.session.classes.table.names) == ["background", "leaf", "rust", "stem"]
    assert [row.entry.name for row in previewed.window.classes.list.rows][-1] == "background"


def test_a_question_that_was_answered_gives_the_keyboard_to_the_canvas(previewed: App) -> None:
    panel, canvas = previewed.window.classes, previewed.window.canvas
    panel.choice.use_own.click()
    QTest.keyClicks(panel.choice.field, "leaf")
    panel.choice.done.setFocus()
    panel.choice.done.click()
    assert not previewed.session.classes.is_preview
    assert canvas.hasFocus(), "and not whatever stands below the buttons that are gone"
    for last in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
        panel.ask_new_class()
        QTest.keyClicks(panel.new_name, "rust")
        QTest.keyClick(panel.new_name, last)
        assert canvas.hasFocus()
    row = panel.list.rows[0]
    row.rename()
    QTest.keyClick(row.editor, Qt.Key.Key_Escape)
    assert row.hasFocus(), "the next arrow or Tab starts there"


def test_a_typed_name_can_be_taken_away_and_the_question_asked_again(previewed: App) -> None:
    choice = previewed.window.classes.choice
    key(previewed, Qt.Key.Key_N)
    QTest.keyClicks(choice.field, "leaf")
    QTest.keyClick(choice.field, Qt.Key.Key_Return)
    choice.names.setCurrentRow(1)
    choice.names.setFocus()
    QTest.keyClick(choice.names, Qt.Key.Key_Delete)
    assert choice.typed_names() == ["background"]
    choice.back.click()
    assert choice.use_model.isVisible()
    assert previewed.window.classes.list.isVisible()


def test_the_first_hint_speaks_of_choosing_classes_while_they_are_a_preview(previewed: App, qtbot) -> None:
    hint = previewed.window.hint
    previewed.window.actions_of.run("show_hint")
    first = hint.texts[0]
    qtbot.waitUntil(lambda: "your own" in first.text(), timeout=WAIT_MS)
    assert hint.keys[0].text() == "N"
    previewed.session.classes.use_model_classes()
    qtbot.waitUntil(lambda: "Choose a class" in first.text(), timeout=WAIT_MS)
    assert hint.keys[0].text() == "1"


LONG = "a cell wall with a very long name that does not fit into this list"


def test_a_long_name_brings_no_scroll_bar_and_is_told_whole_by_its_tip(previewed: App) -> None:
    choice = previewed.window.classes.choice
    choice.use_own.click()
    for name in ("cell", LONG):
        QTest.keyClicks(choice.field, name)
        QTest.keyClick(choice.field, Qt.Key.Key_Return)
    QTest.qWait(20)
    names = choice.names
    assert not names.horizontalScrollBar().isVisible()
    assert not names.verticalScrollBar().isVisible()
    assert names.item(2).toolTip() == LONG
    assert list(choice.typed_names()) == ["background", "cell", LONG]
