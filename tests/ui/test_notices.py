"""Notices: what goes by itself, what stays, and how much room they take."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.session.events import Level, Notice, Saved
from fcn_studio.ui import notices as notices_module
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, key, put_prediction, wait_for_image


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


def test_a_cure_with_a_long_name_goes_below_the_text_where_there_is_no_room(app: App) -> None:
    text = "A long sentence about a file that the disk did not want. " * 2
    app.session.events.notice.emit(Notice(Level.ERROR, text, "toggle_stretch"))
    chip = app.window.notices.chips[0]
    QApplication.processEvents()
    assert 0 < chip.cure.geometry().left() - chip.text.geometry().right() < 20
    assert chip.height() >= chip.text.heightForWidth(chip.text.width())
    assert app.window.stage.rect().contains(chip.geometry())
    app.window.resize(900, 600)
    QApplication.processEvents()
    assert app.window.stage.rect().contains(chip.geometry())
    assert chip.cure.geometry().top() > chip.text.geometry().bottom()
    assert chip.text.width() >= notices_module.NARROWEST_TEXT_PX


def test_a_click_on_a_cure_leaves_the_keyboard_where_it_is(previewed: App) -> None:
    previewed.window.canvas.setFocus()
    previewed.session.events.notice.emit(Notice(Level.INFO, "It is dark.", "toggle_stretch"))
    QTest.mouseClick(previewed.window.notices.chips[0].cure, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert previewed.window.canvas.hasFocus()


def test_too_many_notices_drop_the_oldest_that_is_no_error(app: App) -> None:
    app.session.events.notice.emit(Notice(Level.ERROR, "Broken."))
    for number in range(6):
        app.session.events.notice.emit(Notice(Level.WARNING, f"{number}"))
    texts = [chip.notice.text for chip in app.window.notices.chips]
    assert texts == ["Broken.", "3", "4", "5"]


def texts(app: App) -> list[str]:
    return [chip.notice.text for chip in app.window.notices.chips]


def test_what_is_wrong_with_an_image_is_told_until_another_one_is_asked_for(
    app: App, photos: Path, qtbot
) -> None:
    for name in ("b.png", "c.png"):
        (photos / name).write_bytes(b"")
    shutil.copy(photos / "a.png", photos / "d.png")
    app.open([photos])
    wait_for_image(app, qtbot)
    for name in ("b.png", "c.png"):
        key(app, Qt.Key.Key_D)
        qtbot.waitUntil(lambda name=name: any(name in text for text in texts(app)), timeout=WAIT_MS)
        assert len(texts(app)) == 1
    key(app, Qt.Key.Key_D)
    wait_for_image(app, qtbot, "d.png")
    assert not texts(app)


def test_what_was_told_of_a_folder_is_over_when_another_one_opens(
    previewed: App, photos: Path, qtbot
) -> None:
    nothing = [photos.parent / "nowhere", photos.parent / "elsewhere"]
    for folder in nothing:
        previewed.open([folder])
        qtbot.waitUntil(lambda folder=folder: any(str(folder) in text for text in texts(previewed)))
        assert len(texts(previewed)) == 1  # the last attempt is the one that counts
    notice = previewed.session.events.notice
    notice.emit(Notice(Level.ERROR, "The masks were not exported."))
    notice.emit(Notice(Level.ERROR, "The disk is full.", until_saved=True))
    other = shutil.copytree(photos, photos.parent / "other")
    previewed.open([other])
    qtbot.waitUntil(lambda: previewed.session.project_root == other, timeout=WAIT_MS)
    assert texts(previewed) == ["The disk is full."]
    previewed.session.events.saved_changed.emit(Saved.ON_DISK)
    assert not texts(previewed)


def test_what_is_told_while_a_folder_opens_stays(previewed: App, photos: Path, qtbot) -> None:
    session, other = previewed.session, shutil.copytree(photos, photos.parent / "other")
    session.classes.use_own_classes(["cat"])
    session.project.set_active_checkpoint("gone")
    session.project.save()
    for folder in (other, photos):
        previewed.open([folder])
        qtbot.waitUntil(lambda folder=folder: session.project_root == folder, timeout=WAIT_MS)
        wait_for_image(previewed, qtbot)
    assert "“gone” is no longer there" in texts(previewed)[0]
