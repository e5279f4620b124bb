"""Notices: what goes by itself, what stays, and how much room they take."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.session.events import Level, Notice
from fcn_studio.ui import notices as notices_module
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, put_prediction


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


def test_too_many_notices_drop_the_oldest_that_is_no_error(app: App) -> None:
    app.session.events.notice.emit(Notice(Level.ERROR, "Broken."))
    for number in range(6):
        app.session.events.notice.emit(Notice(Level.WARNING, f"{number}"))
    texts = [chip.notice.text for chip in app.window.notices.chips]
    assert texts == ["Broken.", "3", "4", "5"]
