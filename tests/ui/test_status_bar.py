"""The bottom line: strokes, pixel, hint and device."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from fcn_studio.session.events import Saved
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, drag, key, wait_for_image


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
