"""The canvas with real events: zoom, pan, layers, images that come and go, what is repainted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.box import Box
from fcn_studio.core.prediction import Prediction
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import (
    CTRL,
    MIDDLE,
    NONE,
    SHIFT,
    WAIT_MS,
    drag,
    image_point,
    make_pixels,
    pinch,
    point_over,
    swipe,
    wheel,
)  # fmt: skip

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Show = Callable[[CanvasView, str], None]
Predict = Callable[..., Prediction]


def seen(view: CanvasView) -> np.ndarray:
    """uint8 [h, w, 3]: what a person would see."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


# --- showing ------------------------------------------------------------------------------------------------


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


# --- zoom and pan -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [(60, 50), (200, 150), (330, 250)])
def test_the_wheel_keeps_the_point_under_the_pointer(canvas: CanvasView, at: tuple[int, int]) -> None:
    point = QPoint(*at)
    for notches in (3, 4, -2, 5, -4):
        before, scale = image_point(canvas, point), canvas.zoom
        wheel(canvas, point, notches)
        after = image_point(canvas, point)
        device_px = 1 / min(canvas.zoom, scale)
        assert after == pytest.approx(before, abs=0.51 * device_px)
        assert (canvas.zoom > scale) == (notches > 0)


def test_zoom_stops_at_64_to_1_and_at_the_whole_image(canvas: CanvasView) -> None:
    scales: list[float] = []
    canvas.zoom_changed.connect(scales.append)
    wheel(canvas, QPoint(200, 150), 60)
    assert canvas.zoom == 64
    wheel(canvas, QPoint(10, 10), -120)
    assert canvas.zoom == canvas.scene.transform.min_scale
    assert scales == [64, canvas.zoom]


def test_commands_zoom_in_out_fit_and_one_to_one(canvas: CanvasView) -> None:
    canvas.zoom_actual()
    assert canvas.zoom == 1
    canvas.zoom_in()
    assert canvas.zoom == 1.5
    canvas.zoom_out()
    assert canvas.zoom == 1
    canvas.zoom_fit()
    assert canvas.scene.transform == canvas.scene.transform.fitted()


@pytest.mark.parametrize("way", ["middle", "space"])
def test_dragging_pans_and_paints_nothing(canvas: CanvasView, open_session: Session, way: str) -> None:
    wheel(canvas, QPoint(200, 150), 6)
    before = canvas.scene.transform
    points = [QPoint(200, 150), QPoint(190, 160), QPoint(180, 175)]
    if way == "space":
        canvas.setFocus()
        QTest.keyPress(canvas, Qt.Key.Key_Space)
        assert canvas.cursor().shape() == Qt.CursorShape.OpenHandCursor
        drag(canvas, points)
        QTest.keyRelease(canvas, Qt.Key.Key_Space)
    else:
        drag(canvas, points, MIDDLE)
    after = canvas.scene.transform
    assert (after.offset_y - before.offset_y, after.offset_x - before.offset_x) == (25, -20)
    assert canvas.document.label_map.is_empty
    assert not open_session.editing.can_undo


def test_a_pan_draws_only_the_strips_that_come_into_view(canvas: CanvasView) -> None:
    wheel(canvas, QPoint(200, 150), 10)
    seen(canvas)
    drawn = canvas.scene.frame.refreshed_pixels
    canvas.move_to(canvas.scene.transform.panned(5, -7))
    seen(canvas)
    assert canvas.scene.frame.refreshed_pixels - drawn <= 5 * 400 + 7 * 300


def test_two_fingers_on_a_trackpad_push_and_with_ctrl_zoom(canvas: CanvasView) -> None:
    wheel(canvas, QPoint(200, 150), 8)
    before = canvas.scene.transform
    swipe(canvas, QPoint(200, 150), QPoint(-13, 9), NONE)
    after = canvas.scene.transform
    assert (after.offset_x - before.offset_x, after.offset_y - before.offset_y) == (-13, 9)
    assert after.scale == before.scale
    swipe(canvas, QPoint(200, 150), QPoint(0, 40), CTRL)
    assert canvas.zoom > after.scale


def test_a_pinch_zooms_at_the_fingers_and_a_double_tap_fits(canvas: CanvasView) -> None:
    point = QPoint(140, 120)
    before, scale = image_point(canvas, point), canvas.zoom
    pinch(canvas, point, Qt.NativeGestureType.ZoomNativeGesture, 0.5)
    assert canvas.zoom == pytest.approx(1.5 * scale)
    assert image_point(canvas, point) == pytest.approx(before, abs=1 / scale)
    pinch(canvas, point, Qt.NativeGestureType.SmartZoomNativeGesture, 0)
    assert canvas.scene.transform == canvas.scene.transform.fitted()


def test_arrow_keys_push_the_view(canvas: CanvasView) -> None:
    wheel(canvas, QPoint(200, 150), 8)
    before = canvas.scene.transform
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.scene.transform.offset_x == before.offset_x - 40
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    assert canvas.scene.transform.offset_y == before.offset_y + 30


def test_zoom_and_place_come_back(canvas: CanvasView, open_session: Session, show_image: Show) -> None:
    wheel(canvas, QPoint(120, 90), 7)
    state, transform = canvas.view_state(), canvas.scene.transform
    open_session.settings["last_view"] = state
    second = CanvasView(open_session)
    second.resize(400, 300)
    second.show()
    assert second.zoom == transform.scale
    assert second.scene.transform.offset_x == pytest.approx(transform.offset_x, abs=1)
    assert second.scene.transform.offset_y == pytest.approx(transform.offset_y, abs=1)
    second.dispose()
    second.close()


@pytest.mark.parametrize("state", [{}, {"image": "a.png"}, {"image": "a.png", "scale": "x", "y": 1, "x": 1},
                                   {"image": "a.png", "scale": float("nan"), "y": 1, "x": 1}])  # fmt: skip
def test_a_spoilt_place_is_ignored(canvas: CanvasView, state: dict[str, object]) -> None:
    before = canvas.scene.transform
    canvas.restore_view(state)
    assert canvas.scene.transform == before


# --- layers -------------------------------------------------------------------------------------------------


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


# --- pointer and repaints -----------------------------------------------------------------------------------


def test_the_pointer_tells_the_pixel_below_it(canvas: CanvasView) -> None:
    told: list[tuple[int, int] | None] = []
    canvas.pointer_moved.connect(told.append)
    for pixel in ((0, 0), (59, 79), (30, 41)):
        QTest.mouseMove(canvas, point_over(canvas, pixel[0] + 0.5, pixel[1] + 0.5))
        assert told[-1] == pixel
    QTest.mouseMove(canvas, QPoint(1, 1))
    assert told[-1] is None


def test_at_any_zoom_the_pointer_means_the_pixel_that_is_seen(canvas: CanvasView) -> None:
    told: list[tuple[int, int] | None] = []
    canvas.pointer_moved.connect(told.append)
    rng = np.random.default_rng(0)
    for notches in (0, 3, 7, 4):
        wheel(canvas, QPoint(170, 140), notches)
        transform = canvas.scene.transform
        for x, y in rng.integers((100, 80), (300, 220), (20, 2)).tolist():
            QTest.mouseMove(canvas, QPoint(x, y))
            assert told[-1] == (transform.rows_under(y, y + 1)[0], transform.columns_under(x, x + 1)[0])


def test_moving_the_ring_composes_nothing(canvas: CanvasView) -> None:
    QTest.mouseMove(canvas, QPoint(150, 150))
    seen(canvas)
    drawn = canvas.scene.frame.refreshed_pixels
    for x in range(150, 190, 5):
        QTest.mouseMove(canvas, QPoint(x, 150))
        QApplication.processEvents()
    assert canvas._ring is not None
    assert canvas.scene.frame.refreshed_pixels == drawn


def test_the_ring_has_the_true_size_and_is_seen_on_black_and_white(canvas: CanvasView) -> None:
    canvas.set_backdrop(QColor("white"))
    canvas.set_brush_size(10)
    bare = seen(canvas)
    point = point_over(canvas, 30, 40)
    QTest.mouseMove(canvas, point)
    ringed = seen(canvas)
    ys, xs = np.nonzero(np.abs(ringed.astype(int) - bare).max(axis=2) > 25)
    diameter = 10 * canvas.zoom
    assert xs.max() - xs.min() == pytest.approx(diameter, abs=4)
    assert ys.max() - ys.min() == pytest.approx(diameter, abs=4)
    on_ring = ringed[ys, xs].mean(axis=1)
    assert on_ring.max() > 200
    assert on_ring.min() < 60
    QTest.mouseMove(canvas, QPoint(2, 2))


def test_a_brush_of_one_pixel_is_shown_as_that_pixel(canvas: CanvasView) -> None:
    canvas.set_brush_size(1)
    wheel(canvas, QPoint(200, 150), 30)
    QTest.mouseMove(canvas, QPoint(205, 155))
    ring, transform = canvas._ring, canvas.scene.transform
    assert ring is not None
    assert ring.is_square
    y, x = (int(value // 1) for value in image_point(canvas, QPoint(205, 155)))
    top, left = transform.to_view(y, x)
    assert (ring.rect.x(), ring.rect.y()) == pytest.approx((left, top))
    assert ring.rect.width() == pytest.approx(transform.scale)


def test_shift_and_wheel_size_the_brush_within_its_limits(canvas: CanvasView) -> None:
    sizes: list[int] = []
    canvas.brush_size_changed.connect(sizes.append)
    canvas.set_brush_size(1)
    wheel(canvas, QPoint(200, 150), 1, SHIFT)
    assert canvas.brush_size_px == 2
    wheel(canvas, QPoint(200, 150), 100, SHIFT)
    assert canvas.brush_size_px == 500
    for _ in range(100):
        wheel(canvas, QPoint(200, 150), -1, SHIFT)
    assert canvas.brush_size_px == 1
    assert sizes[:2] == [1, 2]
    assert canvas.zoom == canvas.scene.transform.fit_scale


def test_a_dab_repaints_its_own_box_only(canvas: CanvasView) -> None:
    canvas.set_brush_size(4)
    seen(canvas)
    drawn = canvas.scene.frame.refreshed_pixels
    drag(canvas, [point_over(canvas, 20, 20)])
    scale = canvas.zoom
    assert 0 < canvas.scene.frame.refreshed_pixels - drawn <= (5 * scale + 6) ** 2


def test_tools_and_hints_are_told(canvas: CanvasView) -> None:
    tools: list[str] = []
    hints: list[str] = []
    canvas.tool_changed.connect(tools.append)
    canvas.hint_changed.connect(hints.append)
    for tool in ("eraser", "fill", "pick", "nonsense", "brush"):
        canvas.choose_tool(tool)
    assert tools == ["eraser", "fill", "pick", "brush"]
    assert canvas.tool_id == "brush"
    assert all(hints)


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
