"""Zoom and pan with real events: wheel, buttons, trackpad, pinch and keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import CTRL, MIDDLE, NONE, SHIFT, drag, image_point, pinch, seen, swipe, wheel

Show = Callable[[CanvasView, str], None]


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


def test_space_comes_up_while_shift_is_down(canvas: CanvasView) -> None:
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.keyPress(canvas, Qt.Key.Key_Shift, SHIFT)
    QTest.keyRelease(canvas, Qt.Key.Key_Space, SHIFT)
    QTest.keyRelease(canvas, Qt.Key.Key_Shift)
    before = canvas.scene.transform
    drag(canvas, [QPoint(200, 150), QPoint(220, 160)])
    assert canvas.scene.transform == before
    assert not canvas.document.label_map.is_empty


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
