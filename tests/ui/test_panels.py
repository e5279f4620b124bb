"""Panels and notices: what they show of the session, and what they ask of it."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QToolButton, QWidget

from fcn_studio.core.resources import resource_path
from fcn_studio.session.events import Level, Notice, Phase, Saved, TrainingStatus
from fcn_studio.ui import notices as notices_module
from fcn_studio.ui.app import App
from fcn_studio.ui.idle import IdleWork
from fcn_studio.ui.panels.image_rows import fit_name
from fcn_studio.ui.panels.tool_options import LARGEST_PX, size_of_step, step_of_size
from fcn_studio.ui.panels.training import describe_time
from tests.ui.window_kit import WAIT_MS, drag, key, put_prediction, wait_for_image


@pytest.fixture
def previewed(app: App, photos: Path, qtbot) -> App:
    """The program with a folder of one's own, which has no classes yet."""
    app.open([photos])
    wait_for_image(app, qtbot)
    assert app.session.classes.is_preview
    return app


# --- whose classes? -------------------------------------------------------------------------------


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


# --- fine-tuning ----------------------------------------------------------------------------------


def _losses(steps: int) -> tuple[tuple[int, float], ...]:
    return tuple((step, 3 * math.exp(-step / 20)) for step in range(1, steps + 1))


def test_the_button_says_why_it_cannot_be_pressed(previewed: App) -> None:
    panel = previewed.window.training
    previewed.session.classes.use_own_classes(["cat"])
    QTest.qWait(20)
    assert not panel.start.isEnabled()
    assert panel.about.text() == "Paint or accept something first."
    key(previewed, Qt.Key.Key_1)
    drag(previewed, (0.4, 0.5), (0.6, 0.5))
    QTest.qWait(20)
    assert panel.start.isEnabled()


def test_a_run_shows_step_time_left_and_curves(app: App) -> None:
    panel = app.window.training
    app.session.events.training_changed.emit(
        TrainingStatus(Phase.RUNNING, 84, 200, 62.0, _losses(84), ((0, 0.71), (80, 0.84)))
    )
    assert panel.progress_text.text() == "step 84 of 200  ·  1 min left"
    assert (panel.bar.value(), panel.bar.maximum()) == (84, 200)
    assert panel.stop.isVisible()
    assert not panel.start.isVisible()
    shown = panel._plot._score.getData()
    assert list(shown[0]) == [0, 80]
    assert panel._plot._loss.getData()[1].max() <= 1.0, "the loss shares the height of a mean IoU"
    assert "0.84" in panel._plot._score_key.text()


def test_when_a_run_is_over_its_curves_make_room_in_a_low_window(app: App) -> None:
    panel, teaching = app.window.training, app.session.teaching
    for height, is_roomy in ((700, False), (1040, True)):
        app.window.resize(1200, height)
        teaching._set(TrainingStatus(Phase.RUNNING, 9, 20, 8.0, _losses(9)))
        assert panel._plot_place.isVisible()
        assert not panel.fold.isVisible()
        teaching._set(TrainingStatus(Phase.DONE, 20, 20, None, _losses(20), message="Better than before."))
        assert panel.fold.isVisible()
        assert panel._plot_place.isVisible() == is_roomy
    panel.fold.click()
    assert not panel._plot_place.isVisible()
    panel.fold.click()
    assert panel._plot_place.isVisible()
    assert panel._plot._loss.getData()[0].max() == 20


def test_a_result_is_a_sentence_and_a_failure_too(app: App) -> None:
    panel = app.window.training
    for phase, text in ((Phase.DONE, "Better than before."), (Phase.FAILED, "The disk is full. Make room.")):
        app.session.events.training_changed.emit(TrainingStatus(phase, message=text))
        assert panel.result.text() == text
        assert panel.result.isVisible()
        assert panel.start.isVisible()
        assert not panel.bar.isVisible()


def test_preparing_shows_that_something_goes_on(app: App) -> None:
    app.session.events.training_changed.emit(TrainingStatus(Phase.PREPARING, message="Loading …"))
    assert app.window.training.bar.maximum() == 0
    assert app.window.training.result.text() == "Loading …"


def test_the_recipe_of_the_fine_tuning_is_chosen_in_its_panel(previewed) -> None:
    panel, teaching = previewed.window.training, previewed.session.teaching
    assert panel.recipes.currentData() == "fine_tune"
    row = panel.recipes.findData("paper-heavy")
    panel.recipes.setCurrentIndex(row)
    panel.recipes.activated.emit(row)
    assert teaching.recipe.name == "paper-heavy"
    assert "momentum 0.99" in panel.recipes.toolTip()
    teaching.choose_recipe("fine_tune")
    assert panel.recipes.currentData() == "fine_tune"
    previewed.session.events.training_changed.emit(TrainingStatus(Phase.RUNNING, step=1, steps=9))
    assert not panel.recipes.isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.4, "1 s left"),
        (12, "10 s left"),
        (54, "55 s left"),
        (61, "1 min left"),
        (300, "5 min left"),
    ],
)
def test_time_left_is_rounded_to_what_can_be_believed(seconds: float | None, text: str) -> None:
    assert describe_time(seconds) == text


# --- prediction -----------------------------------------------------------------------------------


def test_unusable_checkpoints_are_listed_with_their_reason_but_cannot_be_chosen(
    previewed: App, photos: Path, qtbot
) -> None:
    previewed.session.classes.use_own_classes(["cat"])
    shelf = photos.with_name("photos.fcnstudio") / "checkpoints"
    shelf.mkdir(parents=True, exist_ok=True)
    (shelf / "broken.safetensors").write_bytes(b"no tensors")
    (shelf / "broken.json").write_text("{}")
    previewed.open([photos])
    combo = previewed.window.prediction.checkpoints
    qtbot.waitUntil(lambda: combo.count() == 2, timeout=WAIT_MS)
    item = combo.model().item(1)
    assert not item.isEnabled()
    assert "cannot be used" in item.text()
    assert item.toolTip()
    assert combo.currentIndex() == 0


def _put_on_shelf(photos: Path, name: str, **changes: object) -> None:
    """A checkpoint on the project's shelf: the embedded one's bytes under another card."""
    shelf = photos.with_name("photos.fcnstudio") / "checkpoints"
    shelf.mkdir(parents=True, exist_ok=True)
    card = json.loads(resource_path("models", "embedded.json").read_text())
    card.update(changes)
    (shelf / f"{name}.json").write_text(json.dumps(card))
    shutil.copyfile(resource_path("models", "embedded.safetensors"), shelf / f"{name}.safetensors")


def test_checkpoints_show_their_figures_and_going_back_is_one_click(
    previewed: App, photos: Path, qtbot
) -> None:
    parent = json.loads(resource_path("models", "embedded.json").read_text())["id"]
    _put_on_shelf(photos, "first", id="one", parent=parent, figures={"held_out_miou": 0.84})
    _put_on_shelf(photos, "second", id="two", parent="one", figures={})
    lucky = {"held_out_miou": 1.0, "held_out_strokes": 1}
    _put_on_shelf(photos, "lucky", id="three", parent="one", figures=lucky)
    previewed.session.classes.use_own_classes(["cat"])
    previewed.open([photos])
    combo = previewed.window.prediction.checkpoints
    qtbot.waitUntil(lambda: combo.count() == 4, timeout=WAIT_MS)
    texts = [combo.itemText(row) for row in range(4)]
    assert any("84.0 held-out mIoU" in text for text in texts)
    assert any("100.0 mIoU on 1 stroke" in text for text in texts)
    tips = [combo.itemData(row, Qt.ItemDataRole.ToolTipRole) for row in range(4)]
    assert any("held out mIoU: 100.0 %\nheld out strokes: 1" in tip for tip in tips)
    assert any("not measured yet" in text for text in texts)
    previewed.session.shelf.activate("second")
    previewed.session.events.training_changed.emit(TrainingStatus(Phase.DONE, message="Done."))
    back = previewed.window.training.back
    assert back.isVisible()
    assert back.minimumSizeHint().width() < 100  # else a long name takes the sentence above its room
    assert "first" in back.text()
    back.click()
    assert previewed.session.shelf.active.id == "first"
    assert "first" in combo.currentText()
    assert previewed.window.training.result.text() == "“first” is used again."


# --- status bar -----------------------------------------------------------------------------------


def test_the_status_bar_tells_where_strokes_are(previewed: App) -> None:
    status = previewed.window.status
    for saved, text in ((Saved.ON_DISK, "all strokes on disk"), (Saved.IN_MEMORY, "in memory only")):
        previewed.session.events.saved_changed.emit(saved)
        assert status.saved.text() == text
    assert status.saved.objectName() == "warning"


def test_without_an_image_the_status_bar_speaks_of_no_zoom_and_no_tool(app: App, photos: Path, qtbot) -> None:
    status = app.window.status
    assert (status.zoom.text(), status.hint.text()) == ("", "")
    app.open([photos])
    wait_for_image(app, qtbot)
    assert status.zoom.text().endswith("%")
    assert status.hint.text()


def test_the_words_on_the_pixel_leave_the_hint_its_room(previewed: App, qtbot) -> None:
    window, status = previewed.window, previewed.window.status
    status.show_hint("Protected: only unlabelled, aeroplane and bicycle locked · " + "Drag to paint · " * 6)
    fitting = 0
    for width_px in range(1000, 2400, 200):
        window.resize(width_px, 800)
        qtbot.waitUntil(lambda width_px=width_px: status.width() == width_px, timeout=WAIT_MS)
        QApplication.processEvents()
        wanted_px = status.hint.sizeHint().width()
        fitting += status.hint.width() >= wanted_px
        assert status.hint.width() >= min(wanted_px, width_px - 400), width_px
    assert 0 < fitting < 7


def test_a_long_activity_takes_its_room_from_the_pixel_and_not_from_the_hint(previewed: App, qtbot) -> None:
    window, status = previewed.window, previewed.window.status
    for width_px in range(1000, 2000, 20):  # the narrowest with room for hint and pixel
        window.resize(width_px, 800)
        qtbot.waitUntil(lambda width_px=width_px: status.width() == width_px, timeout=WAIT_MS)
        QApplication.processEvents()
        if status.hint.x() > 300:
            break
    previewed.session.events.activity_changed.emit("predicting a picture.jpg")
    QApplication.processEvents()
    assert status.hint.width() >= status.hint.sizeHint().width()


def test_the_first_hint_speaks_of_choosing_classes_while_they_are_a_preview(previewed: App, qtbot) -> None:
    hint = previewed.window.hint
    previewed.window.actions_of.run("show_hint")
    first = hint.texts[0]
    qtbot.waitUntil(lambda: "your own" in first.text(), timeout=WAIT_MS)
    assert hint.keys[0].text() == "N"
    previewed.session.classes.use_model_classes()
    qtbot.waitUntil(lambda: "Choose a class" in first.text(), timeout=WAIT_MS)
    assert hint.keys[0].text() == "1"


def test_the_status_bar_tells_class_and_confidence_under_the_pointer(previewed: App) -> None:
    previewed.session.classes.use_own_classes(["cat"])
    key(previewed, Qt.Key.Key_1)
    drag(previewed, (0.5, 0.5), (0.6, 0.5))
    status = previewed.window.status
    height, width = previewed.session.document.shape_hw
    status.show_pointer((height // 2, width // 2))
    assert status.position.text() == f"x {width // 2}   y {height // 2}"
    assert status.label.text() == "cat, painted"
    previewed.session.classes.set_locked(previewed.session.classes.chosen_id, True)
    assert status.label.text() == "cat, painted, locked"
    status.show_pointer((0, 0))
    assert status.label.text() == "unlabelled"
    status.show_pointer(None)
    assert status.position.text() == ""


def test_the_status_bar_tells_what_the_device_does(app: App) -> None:
    app.session.events.activity_changed.emit("predicting a.png")
    assert "predicting a.png" in app.window.status.device.text()
    app.session.events.activity_changed.emit("")
    assert "idle" in app.window.status.device.text()


# --- notices --------------------------------------------------------------------------------------


def test_good_news_goes_by_itself_and_errors_stay(app: App, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(notices_module, "SHOWN_MS", {"info": 60, "success": 60, "warning": 60})
    for level in Level:
        app.session.events.notice.emit(Notice(level, f"{level.value}."))
    assert len(app.window.notices.chips) == 4
    qtbot.waitUntil(lambda: len(app.window.notices.chips) == 1, timeout=WAIT_MS)
    QTest.qWait(150)
    assert app.window.notices.chips[0].notice.level is Level.ERROR


def test_what_a_command_lacks_is_told_and_goes_by_itself(previewed: App, qtbot, monkeypatch) -> None:
    monkeypatch.setitem(notices_module.SHOWN_MS, "warning", 50)
    previewed.session.classes.use_model_classes()
    put_prediction(previewed)
    QApplication.processEvents()
    QApplication.sendEvent(previewed.window.canvas, QEvent(QEvent.Type.Leave))  # nothing is pointed at
    previewed.window.actions_of.run("accept_region")
    notices = previewed.window.notices
    assert notices.chips[0].text.text() == "Point at the region first."
    qtbot.waitUntil(lambda: not notices.chips, timeout=WAIT_MS)


def test_a_name_that_is_cut_stands_whole_in_the_tooltip(previewed: App) -> None:
    combo = previewed.window.prediction.checkpoints
    combo.setItemText(0, "a network with quite a long name of forty letters")
    assert combo.full_tip().startswith("a network with quite a long name of forty letters\n")
    combo.setItemText(0, "short")
    assert combo.full_tip() == combo.toolTip()


def test_the_same_sentence_is_shown_once(app: App) -> None:
    for _ in range(3):
        app.session.events.notice.emit(Notice(Level.WARNING, "Twice."))
    assert len(app.window.notices.chips) == 1


def test_a_cure_runs_its_command_and_closes_the_notice(app: App) -> None:
    app.session.events.notice.emit(Notice(Level.ERROR, "It is dark.", "theme_light"))
    app.window.theme.set_mode("dark")
    chip = app.window.notices.chips[0]
    assert chip.cure.text() == "Light"
    chip.cure.click()
    assert not app.window.theme.is_dark
    assert not app.window.notices.chips


def test_long_notices_wrap_inside_the_stage(app: App) -> None:
    app.session.events.notice.emit(Notice(Level.ERROR, "A long sentence about a file. " * 12))
    app.session.events.notice.emit(Notice(Level.INFO, "Short."))
    first, second = app.window.notices.chips
    stage = app.window.stage.rect()
    assert stage.contains(first.geometry())
    assert first.height() > second.height()
    assert second.geometry().top() > first.geometry().bottom()


def test_too_many_notices_drop_the_oldest_that_is_no_error(app: App) -> None:
    app.session.events.notice.emit(Notice(Level.ERROR, "Broken."))
    for number in range(6):
        app.session.events.notice.emit(Notice(Level.WARNING, f"{number}"))
    texts = [chip.notice.text for chip in app.window.notices.chips]
    assert texts == ["Broken.", "3", "4", "5"]


# --- bricks ---------------------------------------------------------------------------------------


def test_the_brush_slider_is_fine_below_and_coarse_above() -> None:
    sizes = [size_of_step(step) for step in range(101)]
    assert sizes[0] == 1
    assert sizes[-1] == LARGEST_PX
    assert sizes == sorted(sizes)
    assert all(abs(size_of_step(step_of_size(size)) - size) <= max(2, 0.12 * size) for size in range(1, 501))


def test_every_button_says_what_it_is_to_a_screen_reader(previewed: App) -> None:
    buttons = [b for b in previewed.window.findChildren(QToolButton) if b.isVisible()]
    assert buttons
    own = [b for b in buttons if b.objectName() not in ("qt_toolbar_ext_button", "qt_menubar_ext_button")]
    assert [b for b in own if not (b.accessibleName() or b.text())] == []
    assert [b for b in own if not b.toolTip()] == []


def test_idle_work_waits_for_quiet_and_runs_one_thing_at_a_time(qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    done: list[str] = []
    work = IdleWork(window)
    work.add(lambda: done.append("first"), lambda: done.append("second"))
    for _ in range(8):
        QTest.qWait(100)
        QTest.mouseMove(window)
        QTest.mouseClick(window, Qt.MouseButton.LeftButton)
    assert done == []
    qtbot.waitUntil(lambda: done == ["first"], timeout=WAIT_MS)
    QTest.mouseClick(window, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: done == ["first", "second"], timeout=WAIT_MS)
    assert not work.is_watching


def test_idle_work_does_not_look_at_every_event_of_a_stroke(qtbot) -> None:
    class Counting(IdleWork):
        looked = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            self.looked += event.type() == QEvent.Type.MouseMove
            return super().eventFilter(watched, event)

    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    window.setMouseTracking(True)
    work = Counting(window)
    work.add(lambda: None)
    for step in range(100):
        QTest.mouseMove(window, QPoint(step, 20))
    assert 1 <= work.looked <= 3  # half a second may end meanwhile
    work.stop()


@pytest.mark.parametrize("size", [(880, 560), (1024, 640), (2560, 1440)])
def test_no_label_or_button_is_cut_at_any_window_size(previewed: App, size: tuple[int, int], qtbot) -> None:
    previewed.session.classes.use_model_classes()
    previewed.window.resize(*size)
    QTest.qWait(60)
    window = previewed.window
    for widget in (window.prediction.accept, window.prediction.review, window.training.start):
        assert widget.width() >= widget.minimumSizeHint().width(), widget.text()
    scrolled = previewed.window.teach_dock.widget().scrolled
    assert scrolled.widget().width() <= scrolled.viewport().width()
    start = window.training.start
    assert window.rect().contains(QRect(start.mapTo(window, QPoint(0, 0)), start.size()))


def test_a_long_name_of_an_image_loses_its_suffix_before_its_middle(qapp) -> None:
    metrics = QFontMetrics(QApplication.font())
    name = "2007_000504.jpg"
    whole, stem = metrics.horizontalAdvance(name), metrics.horizontalAdvance("2007_000504")
    assert fit_name(name, metrics, whole) == name
    assert fit_name(name, metrics, whole - 1) == "2007_000504"
    short = fit_name(name, metrics, stem - 1)
    assert short.startswith("2")
    assert "…" in short
    assert short.endswith("4")


def test_action_buttons_follow_their_action(qtbot) -> None:
    from fcn_studio.ui.panels.prediction import ActionButton

    parent = QWidget()
    qtbot.addWidget(parent)
    action = QAction("Do it", parent)
    done: list[bool] = []
    action.triggered.connect(lambda: done.append(True))
    button = ActionButton(action)
    qtbot.addWidget(button)
    action.setEnabled(False)
    assert not button.isEnabled()
    action.setEnabled(True)
    action.setText("Do it again")
    button.click()
    assert done == [True]
    assert button.accessibleName() == "Do it again"
