"""The canvas shows images that come and go, and the layers over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fcn_studio.core.box import Box
from fcn_studio.core.prediction import Prediction
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import MIDDLE, WAIT_MS, drag, image_point, make_pixels, seen, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


Show = Callable[[CanvasView, str], None]


Predict = Callable[..., Prediction]


def test_the_open_image_is_shown_whole_and_in_its_colours(canvas: CanvasView) -> None:
    document = canvas.document
    assert document is not None
    canvas.zoom_actual()
    picture, transform = seen(canvas), canvas.scene.transform
    rows, columns = transform.rows_under(100, 200), transform.columns_under(170, 230)
    box = Box(100, 170, 200, 230).intersect(transform.image_view_box)
    assert box.area > 1000
    expected = document.pixels[np.ix_(rows, columns)]
    part = expected[box.y0 - 100 : box.y1 - 100, box.x0 - 170 : box.x1 - 170]
    assert np.abs(picture[box.slices].astype(int) - part).max() <= 1


def test_it_fits_at_first_and_after_resizing(canvas: CanvasView, qtbot: QtBot) -> None:
    transform = canvas.scene.transform
    assert transform == transform.fitted()
    canvas.resize(700, 500)
    qtbot.waitUntil(lambda: canvas.scene.transform.view_hw == (500, 700))
    assert canvas.scene.transform == canvas.scene.transform.fitted()
    assert canvas.scene.transform.scale > transform.scale


def test_after_zooming_resizing_keeps_the_middle(canvas: CanvasView, qtbot: QtBot) -> None:
    wheel(canvas, QPoint(150, 120), 8)
    before = image_point(canvas, QPoint(200, 150))
    scale = canvas.zoom
    canvas.resize(600, 420)
    qtbot.waitUntil(lambda: canvas.scene.transform.view_hw == (420, 600))
    assert canvas.zoom == scale
    assert image_point(canvas, QPoint(300, 210)) == pytest.approx(before, abs=1 / scale + 1e-6)


def test_another_image_replaces_the_first(canvas: CanvasView, show_image: Show) -> None:
    first = seen(canvas)
    wheel(canvas, QPoint(200, 150), 5)
    show_image(canvas, "b.png")
    transform = canvas.scene.transform
    assert transform.image_hw == (48, 64)
    assert transform == transform.fitted()
    assert np.abs(seen(canvas).astype(int) - first).mean() > 1


def test_going_through_images_quickly_ends_at_the_last(
    canvas: CanvasView, open_session: Session, qtbot: QtBot
) -> None:
    for _ in range(5):
        for image_id in ("b.png", "c.png", "a.png", "c.png"):
            open_session.images.open(image_id)
            qtbot.wait(3)
    qtbot.waitUntil(
        lambda: canvas.document is not None and canvas.document.image_id == "c.png", timeout=WAIT_MS
    )
    assert canvas.scene.transform.image_hw == (33, 57)


def test_back_before_the_next_image_has_come_nothing_has_changed(
    canvas: CanvasView, open_session: Session, qtbot: QtBot
) -> None:
    wheel(canvas, QPoint(200, 150), 5)
    drag(canvas, [QPoint(200, 150), QPoint(230, 160)])
    transform, fresh = canvas.scene.transform, canvas.scene.marks.fresh
    assert fresh is not None
    before = seen(canvas)
    open_session.images.next()
    canvas._messages._on_takes_a_while()
    open_session.images.previous()
    qtbot.wait(50)
    assert canvas.document.image_id == "a.png"
    assert canvas.scene.transform == transform
    assert canvas.scene.marks.fresh is fresh
    assert np.array_equal(seen(canvas), before)  # also that nothing is said to be opening any more


def test_a_broken_image_leaves_the_old_one_and_says_why_when_there_is_none(
    session: Session, photos: Path, qtbot: QtBot
) -> None:
    (photos / "a.png").write_bytes(b"no image")
    view = CanvasView(session)
    view.resize(400, 300)
    view.show()
    empty = seen(view)
    with qtbot.waitSignal(view._messages.changed, timeout=WAIT_MS):
        session.open([photos])
        qtbot.waitUntil(lambda: bool(view._messages.failure), timeout=WAIT_MS)
    assert "a.png" in view._messages.failure
    assert np.abs(seen(view).astype(int) - empty).max() > 50
    session.images.open("b.png")
    qtbot.waitUntil(lambda: view.document is not None, timeout=WAIT_MS)
    assert view._messages.failure == ""
    view.dispose()
    view.close()


def test_large_images_are_drawn_from_cuts(session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "wide"
    folder.mkdir()
    Image.fromarray(make_pixels(6, 40_000)).save(folder / "wide.png")  # wider than Qt's rasters reach
    view = CanvasView(session)
    view.resize(500, 200)
    view.show()
    session.open([folder])
    qtbot.waitUntil(lambda: view.document is not None, timeout=WAIT_MS)
    view.scene.set_grid_shown(False)
    for scale in (1.0, 3.0, 40.0):
        view.move_to(view.scene.transform.centred_on(3, 39_900, scale))
        picture, box = seen(view), view.scene.transform.image_view_box
        rows, columns = (
            view.scene.transform.rows_under(box.y0, box.y1),
            view.scene.transform.columns_under(box.x0, box.x1),
        )
        expected = view.document.pixels[np.ix_(rows, columns)]
        shown = picture[box.slices]
        assert np.abs(shown.astype(int) - expected)[1:-1, 1:-1].max(initial=0) <= 1, scale
    view.dispose()
    view.close()


def test_the_picture_of_a_closed_project_goes_when_the_next_one_fails(
    canvas: CanvasView, open_session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "broken.png").write_bytes(b"no image")
    open_session.open([other])
    qtbot.waitUntil(lambda: "broken.png" in canvas._messages.failure, timeout=WAIT_MS)
    assert canvas.scene.document is None
    assert canvas.view_state() == {}


def test_layers_show_and_hide(canvas: CanvasView, predict: Predict) -> None:
    bare = seen(canvas)
    channels = np.zeros((60, 80), int)
    channels[20:40, 20:60] = 1
    predict(channels)
    over = seen(canvas)
    assert np.abs(over.astype(int) - bare).max() > 40
    told: list[tuple[str, bool]] = []
    canvas.layer_changed.connect(lambda layer, visible: told.append((layer, visible)))
    canvas.set_layer_visible("prediction", False)
    assert np.array_equal(seen(canvas), bare)
    canvas.set_layer_visible("prediction", True)
    assert np.array_equal(seen(canvas), over)
    assert told == [("prediction", False), ("prediction", True)]
    canvas.set_layer_opacity("prediction", 0.0)
    assert np.array_equal(seen(canvas), bare)


def test_a_hidden_class_disappears_and_comes_back(
    canvas: CanvasView, open_session: Session, predict: Predict
) -> None:
    bare = seen(canvas)
    predict(np.ones((60, 80), int))
    over = seen(canvas)
    open_session.classes.set_visible(1, False)
    assert np.array_equal(seen(canvas), bare)
    open_session.classes.set_visible(1, True)
    assert np.array_equal(seen(canvas), over)


def test_a_prediction_of_an_older_checkpoint_is_marked(canvas: CanvasView, predict: Predict) -> None:
    predict(np.ones((60, 80), int))
    new = seen(canvas)
    predict(np.ones((60, 80), int), is_stale=True)
    assert np.abs(seen(canvas).astype(int) - new).max() > 15


def test_channels_are_matched_to_classes_by_the_predictions_own_keys(
    canvas: CanvasView, open_session: Session, predict: Predict
) -> None:
    # the class table changes after the answer came: channel 1 is still "cat"
    predict(np.ones((60, 80), int))
    before = seen(canvas)
    open_session.classes.add("bird")
    assert np.array_equal(seen(canvas), before)


def test_nothing_is_open_and_nothing_breaks(session: Session) -> None:
    view = CanvasView(session)
    view.resize(400, 300)
    view.show()
    blank = seen(view)
    assert blank.std() > 0  # the friendly card
    drag(view, [QPoint(50, 50), QPoint(90, 90)])
    drag(view, [QPoint(50, 50), QPoint(90, 90)], MIDDLE)
    wheel(view, QPoint(50, 50), 3)
    QTest.keyClick(view, Qt.Key.Key_Left)
    view.zoom_in()
    view.zoom_fit()
    assert view.view_state() == {}
    view.dispose()
    view.close()
