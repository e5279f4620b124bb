"""Looking, in the whole window: keys and panels for layers, display and comparing, and what is remembered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.app import App
from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.canvas.looks import Style
from tests.ui.pointing import read_view
from tests.ui.window_kit import drag, key, put_prediction, start, wait_for_image

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def used(app: App, photos: Path, qtbot) -> App:
    """The program with a.png open, the classes cat and dog, and an answer of a network."""
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    put_prediction(app)
    QApplication.processEvents()
    app.window.refresh()
    return app


@pytest.mark.parametrize(
    ("layer", "which", "modifier"),
    [
        ("uncertainty", Qt.Key.Key_U, Qt.KeyboardModifier.NoModifier),
        ("mask", Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier),
        ("origin", Qt.Key.Key_O, SHIFT),
        ("image", Qt.Key.Key_I, SHIFT),
    ],
)
def test_a_key_shows_a_layer_and_hides_it_again(
    used: App, layer: str, which: Qt.Key, modifier: Qt.KeyboardModifier
) -> None:
    canvas, panel = used.window.canvas, used.window.layers
    before, was_shown = read_view(canvas), canvas.layer_visible(layer)
    key(used, which, modifier)
    assert canvas.layer_visible(layer) != was_shown
    assert panel.eyes[layer].property("shown") == (not was_shown)
    assert panel.eyes[layer].isVisible()  # also while the panel is folded
    assert not np.array_equal(read_view(canvas), before)
    key(used, which, modifier)
    assert np.array_equal(read_view(canvas), before)


def test_the_panel_unfolds_to_all_layers(used: App) -> None:
    panel = used.window.layers
    assert not panel.eyes["mask"].isVisible()
    panel.chevron.click()
    assert all(eye.isVisible() for eye in panel.eyes.values())
    assert panel.compare.isVisible()
    panel.chevron.click()
    assert not panel.eyes["mask"].isVisible()


def test_a_click_goes_from_filled_to_outlined_and_round(used: App) -> None:
    panel, looks = used.window.layers, used.window.canvas.scene.looks
    styles = []
    for _ in range(3):
        panel.styles["prediction"].click()
        styles.append(looks["prediction"].style)
    assert styles == [Style.OUTLINE, Style.FILL, Style.BOTH]
    key(used, Qt.Key.Key_H, SHIFT)
    assert looks["labels"].style is looks["prediction"].style is Style.OUTLINE


def test_the_display_changes_what_is_seen_and_nothing_else(used: App, qtbot) -> None:
    canvas, document = used.window.canvas, used.session.document
    pixels, before = document.pixels.copy(), read_view(canvas)
    for layer in ("labels", "prediction"):
        canvas.set_layer_visible(layer, False)
    bare = read_view(canvas)
    used.window.display.sliders["brightness"].setValue(40)
    assert read_view(canvas).astype(int).mean() > bare.mean() + 20
    assert np.array_equal(document.pixels, pixels)
    used.session.images.open("b.png")
    wait_for_image(used, qtbot, "b.png")
    assert canvas.scene.display.brightness == pytest.approx(0.4)
    used.window.display.reset.click()
    assert canvas.scene.display.is_neutral
    assert used.window.display.sliders["brightness"].value() == 0
    used.session.images.open("a.png")
    wait_for_image(used, qtbot, "a.png")
    canvas.set_layer_visible("labels", True)
    canvas.set_layer_visible("prediction", True)
    put_prediction(used)
    assert np.array_equal(read_view(canvas), before)


def test_one_channel_after_the_other(used: App) -> None:
    seen = []
    for _ in range(4):
        key(used, Qt.Key.Key_N, SHIFT)
        seen.append(used.window.canvas.scene.display.channel)
    assert seen == [0, 1, 2, -1]
    assert used.window.display.channels.currentIndex() == 0


def test_comparing_takes_the_likeliest_checkpoint_and_ends_with_it(
    used: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, canvas = used.session, used.window.canvas
    others = [SimpleNamespace(id="old", name="old", usable=True, active=False)]
    kind = type(session.comparing)
    monkeypatch.setattr(kind, "candidates", property(lambda _self: tuple(others)))
    monkeypatch.setattr(kind, "suggest", lambda _self: others[0] if others else None)
    monkeypatch.setattr(session.prediction, "request_other", lambda *_arguments: None)
    session.events.checkpoints_changed.emit()
    used.window.refresh()
    document = session.document
    key(used, Qt.Key.Key_C)
    assert canvas.scene.comparison.mode is CompareMode.SWIPE
    assert session.comparing.chosen_id == "old"
    first = document.prediction
    document.comparison = Prediction(
        np.full_like(first.channels, 2), first.confidence, first.class_keys, "old", True, 0.0, "test"
    )
    session.events.comparison_changed.emit(document.image_id)
    assert used.window.layers.compare.buttons[CompareMode.SWIPE].isChecked()
    key(used, Qt.Key.Key_C, SHIFT)
    assert canvas.scene.comparison.mode is CompareMode.SIDE_BY_SIDE
    others.clear()
    session.events.checkpoints_changed.emit()
    assert canvas.scene.comparison.mode is CompareMode.OFF
    assert not used.window.layers.compare.checkpoints.isEnabled()


def test_who_edits_hidden_labels_is_told_why_nothing_is_seen(used: App, qtbot) -> None:
    notices = used.window.notices
    drag(used, (0.4, 0.5), (0.6, 0.5))
    key(used, Qt.Key.Key_H)
    assert not notices.chips, "looking alone is no mistake"
    key(used, Qt.Key.Key_D)
    wait_for_image(used, qtbot, "b.png")
    assert not notices.chips, "neither is going to another image"
    drag(used, (0.4, 0.5), (0.6, 0.5))
    (chip,) = notices.chips
    assert "hidden" in chip.text.text()
    chip.cure.click()
    assert used.window.canvas.layer_visible("labels")
    drag(used, (0.4, 0.6), (0.6, 0.6))
    assert not notices.chips


def test_who_paints_a_hidden_class_is_told_why_nothing_is_seen(used: App, qtbot) -> None:
    classes, notices = used.session.classes, used.window.notices
    painted = classes.table.by_id(classes.chosen_id)
    classes.set_visible(painted.id, False)
    drag(used, (0.4, 0.5), (0.6, 0.5))
    (chip,) = notices.chips
    assert f"“{painted.name}” is hidden" in chip.text.text()
    chip.close_button.click()
    used.session.editing.undo()
    assert not notices.chips, "what is taken back was not seen before either"
    classes.set_visible(painted.id, True)
    drag(used, (0.4, 0.5), (0.6, 0.5))
    assert not notices.chips


def test_the_next_start_looks_as_the_last_one(tmp_path: Path, photos: Path, qtbot) -> None:
    app = start(tmp_path / "home", qtbot)
    app.open([photos])
    wait_for_image(app, qtbot)
    window = app.window
    window.view_controls.toggle_extra("rulers")
    window.view_controls.change_display(contrast=0.3, gamma=2.0)
    window.layers.chevron.click()
    window.layers.sliders["mask"].setValue(33)
    window.layers.styles["labels"].click()
    window.view_controls.toggle("labels")
    assert app.close()
    again = start(tmp_path / "home", qtbot)
    again.open([photos])
    wait_for_image(again, qtbot)
    scene = again.window.canvas.scene
    assert again.window.canvas.surroundings.rulers[0].isVisible()
    assert scene.display.contrast == pytest.approx(0.3)
    assert again.window.display.sliders["gamma"].value() == pytest.approx(43, abs=1)
    assert scene.looks["mask"].opacity == pytest.approx(0.33)
    assert scene.looks["labels"].style is Style.OUTLINE
    assert scene.looks["labels"].visible, "nobody looks for labels that are hidden from the start"
    assert again.window.layers.is_open
    QTest.qWait(1)
    assert again.close()


def test_deep_images_that_are_dark_as_stored_point_to_stretching_once(
    app: App, tmp_path: Path, qtbot
) -> None:
    ramp = np.linspace(0, 1, 60 * 80).reshape(60, 80)
    for name, highest in (("a", 60_000), ("b", 10_700), ("c", 10_700)):
        Image.fromarray((ramp * highest).astype(np.uint16)).save(tmp_path / f"{name}.tif")
    app.open([tmp_path / f"{name}.tif" for name in "abc"])
    wait_for_image(app, qtbot, "a.tif")
    notices = app.window.notices
    assert not notices.chips
    key(app, Qt.Key.Key_D)
    wait_for_image(app, qtbot, "b.tif")
    qtbot.waitUntil(lambda: bool(notices.chips))
    assert notices.chips[0].text.text().startswith("b.tif is dark")
    before, pixels = read_view(app.window.canvas), app.session.document.pixels.copy()
    QTest.mouseClick(notices.chips[0].cure, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: read_view(app.window.canvas).mean() > 2 * before.mean())
    assert np.array_equal(app.session.document.pixels, pixels)  # the network gets these
    key(app, Qt.Key.Key_A, SHIFT)
    key(app, Qt.Key.Key_D)
    wait_for_image(app, qtbot, "c.tif")
    QTest.qWait(50)
    assert not notices.chips
