"""A pen: pressure, its other end, what odd drivers report; and tips of both shapes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.raster import make_capsule, make_square_stroke
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import LEFT, MIDDLE, RIGHT, drag, image_point, point_over, wheel

CAT = 1
PEN, ERASER = QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser
PRESS, MOVE, RELEASE = QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease
NO_BUTTON = Qt.MouseButton.NoButton
KEPT: list[QPointingDevice] = []  # Qt keeps pointers to them


def pen(
    view: CanvasView, kind: QEvent.Type, point: QPoint, pressure: float, end=PEN, *, button=LEFT, held=None
) -> QTabletEvent:
    """held: the buttons that are down then, where it is not just this one."""
    capabilities = QPointingDevice.primaryPointingDevice().capabilities()
    KEPT.append(QPointingDevice("pen", 7, QPointingDevice.DeviceType.Stylus, end, capabilities, 1, 3))
    if held is None:
        held = NO_BUTTON if kind == RELEASE else button
    event = QTabletEvent(
        kind, KEPT[-1], QPointF(point), QPointF(view.mapToGlobal(point)), pressure, 0, 0, 0, 0, 0,
        Qt.KeyboardModifier.NoModifier, NO_BUTTON if kind == MOVE else button, held,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    return event


def stroke(view: CanvasView, points: list[QPoint], pressures: list[float], end=PEN) -> None:
    pen(view, PRESS, points[0], pressures[0], end)
    for point, pressure in zip(points[1:], pressures[1:], strict=True):
        pen(view, MOVE, point, pressure, end)
    pen(view, RELEASE, points[-1], 0.0, end)


def expected_mask(
    view: CanvasView, points: list[QPoint], sizes: list[float], make=make_capsule
) -> np.ndarray:
    shape_hw = view.scene.transform.image_hw
    mask = np.zeros(shape_hw, bool)
    places = [image_point(view, point) for point in points]
    for (start, size), (end, end_size) in pairwise(
        zip([places[0], *places], [sizes[0], *sizes], strict=True)
    ):
        box, part = make(start, end, size, shape_hw, end_size)
        mask[box.slices] |= part
    return mask


def labels_of(view: CanvasView) -> np.ndarray:
    assert view.scene.document is not None
    return view.scene.document.label_map.labels.copy()


POINTS = [QPoint(100, 80), QPoint(180, 120), QPoint(260, 100), QPoint(300, 200)]


@pytest.mark.parametrize("notches", [0, 5, 12])
def test_the_tip_grows_and_shrinks_with_the_pressure(canvas: CanvasView, notches: int) -> None:
    wheel(canvas, QPoint(200, 140), notches)
    canvas.options.set_flag("pressure", True)
    canvas.set_brush_size(12)
    stroke(canvas, POINTS, [0.25, 1.0, 0.5, 0.75])
    expected = expected_mask(canvas, POINTS, [3, 12, 6, 9])
    assert expected.any()
    assert np.array_equal(labels_of(canvas) == CAT, expected)
    assert len(canvas.document.history.done) == 1


def test_pressure_means_nothing_until_it_is_asked_for(canvas: CanvasView) -> None:
    canvas.set_brush_size(8)
    stroke(canvas, POINTS, [0.1, 0.9, 0.3, 0.2])
    assert np.array_equal(labels_of(canvas) == CAT, expected_mask(canvas, POINTS, [8] * 4))


@pytest.mark.parametrize(("pressure", "size"), [(0.0, 1), (2.0, 10), (-1.0, 1), (math.nan, 10), (0.04, 1)])
def test_odd_pressures_paint_between_one_pixel_and_the_whole_tip(
    canvas: CanvasView, pressure: float, size: int
) -> None:
    canvas.options.set_flag("pressure", True)
    canvas.set_brush_size(10)
    stroke(canvas, POINTS, [pressure] * 4)
    assert np.array_equal(labels_of(canvas) == CAT, expected_mask(canvas, POINTS, [size] * 4))


def test_the_other_end_erases_whatever_the_tool(canvas: CanvasView) -> None:
    canvas.set_brush_size(10)
    stroke(canvas, POINTS, [0.5] * 4)
    painted = labels_of(canvas) == CAT
    canvas.set_brush_size(4)
    stroke(canvas, POINTS[1:3], [0.5] * 2, end=ERASER)
    assert np.array_equal(labels_of(canvas) == CAT, painted & ~expected_mask(canvas, POINTS[1:3], [4] * 2))
    canvas.choose_tool("rectangle")
    stroke(canvas, [QPoint(1, 1), QPoint(399, 299)], [0.5] * 2, end=ERASER)
    assert canvas.document.label_map.is_empty


def test_a_pen_that_hovers_shows_the_tip_and_paints_nothing(canvas: CanvasView) -> None:
    canvas.set_brush_size(10)
    for point in POINTS:
        pen(canvas, MOVE, point, 0.0)
    assert canvas._ring is not None
    assert canvas.document.label_map.is_empty


@pytest.mark.parametrize("other", [RIGHT, MIDDLE])
def test_a_tap_on_the_barrel_does_not_end_a_stroke(canvas: CanvasView, other: Qt.MouseButton) -> None:
    canvas.set_brush_size(6)
    pen(canvas, PRESS, POINTS[0], 0.5)
    pen(canvas, MOVE, POINTS[1], 0.5)
    pen(canvas, PRESS, POINTS[1], 0.5, button=other, held=LEFT | other)
    pen(canvas, RELEASE, POINTS[1], 0.5, button=other, held=LEFT)
    for point in POINTS[2:]:
        pen(canvas, MOVE, point, 0.5)
    pen(canvas, RELEASE, POINTS[-1], 0.0)
    assert np.array_equal(labels_of(canvas) == CAT, expected_mask(canvas, POINTS, [6] * 4))
    assert len(canvas.document.history.done) == 1


def test_a_stroke_that_the_barrel_button_began_erases_until_it_comes_up(canvas: CanvasView) -> None:
    canvas.set_brush_size(12)
    stroke(canvas, POINTS, [0.5] * 4)
    painted = labels_of(canvas) == CAT
    canvas.set_brush_size(4)
    pen(canvas, PRESS, POINTS[0], 0.0, button=RIGHT)
    pen(canvas, PRESS, POINTS[0], 0.5, held=LEFT | RIGHT)
    pen(canvas, MOVE, POINTS[1], 0.5, held=LEFT | RIGHT)
    pen(canvas, RELEASE, POINTS[1], 0.0, held=RIGHT)
    pen(canvas, MOVE, POINTS[2], 0.0, button=RIGHT)
    pen(canvas, RELEASE, POINTS[2], 0.0, button=RIGHT)
    pen(canvas, MOVE, POINTS[3], 0.0, held=NO_BUTTON)
    erased = expected_mask(canvas, POINTS[:3], [4] * 3)
    assert np.array_equal(labels_of(canvas) == CAT, painted & ~erased)


def test_the_pens_middle_button_is_left_to_the_mouse_which_pans(canvas: CanvasView) -> None:
    for kind in (PRESS, MOVE, RELEASE):
        event = pen(canvas, kind, POINTS[0], 0.0, button=MIDDLE)
        assert event.isAccepted() == (kind == MOVE)  # of what is not taken Qt makes a mouse event
    assert canvas.document.label_map.is_empty
    QTest.mousePress(canvas, MIDDLE, Qt.KeyboardModifier.NoModifier, POINTS[0])
    assert not pen(canvas, MOVE, POINTS[1], 0.0, button=MIDDLE).isAccepted()
    assert not pen(canvas, PRESS, POINTS[1], 0.5, held=LEFT | MIDDLE).isAccepted()
    QTest.mouseRelease(canvas, MIDDLE, Qt.KeyboardModifier.NoModifier, POINTS[1])
    assert canvas.document.label_map.is_empty


def test_a_pen_clicks_a_polygon(canvas: CanvasView) -> None:
    canvas.choose_tool("polygon")
    for point in [*POINTS, POINTS[0]]:
        pen(canvas, PRESS, point, 0.6)
        pen(canvas, RELEASE, point, 0.0)
    assert (labels_of(canvas) == CAT).any()
    assert len(canvas.document.history.done) == 1


@pytest.mark.parametrize("notches", [0, 8, 15])
@pytest.mark.parametrize("size_px", [1, 2, 9, 30])
def test_a_square_tip_paints_squares_of_whole_pixels_and_all_between(
    canvas: CanvasView, notches: int, size_px: int
) -> None:
    wheel(canvas, QPoint(200, 140), notches)
    canvas.options.set_square("brush", True)
    canvas.set_brush_size(size_px)
    drag(canvas, POINTS)
    expected = expected_mask(canvas, POINTS, [size_px] * 4, make_square_stroke)
    assert np.array_equal(labels_of(canvas) == CAT, expected)


def test_the_square_on_the_screen_is_the_square_that_a_click_paints(canvas: CanvasView) -> None:
    canvas.options.set_square("brush", True)
    canvas.set_brush_size(7)
    for number, point in enumerate((QPoint(201, 143), QPoint(120, 88), QPoint(333, 240))):
        wheel(canvas, point, number)
        before = labels_of(canvas)
        drag(canvas, [point])
        rows, columns = np.nonzero(labels_of(canvas) != before)
        rect = canvas._ring.rect
        for value, edge in ((rows.min(), rect.top()), (rows.max() + 1, rect.bottom())):
            assert canvas.scene.transform.to_view(value, 0)[0] == pytest.approx(edge, abs=0.01)
        for value, edge in ((columns.min(), rect.left()), (columns.max() + 1, rect.right())):
            assert canvas.scene.transform.to_view(0, value)[1] == pytest.approx(edge, abs=0.01)


def test_each_brush_remembers_its_own_size_and_tip(canvas: CanvasView) -> None:
    sizes: list[int] = []
    canvas.brush_size_changed.connect(sizes.append)
    canvas.set_brush_size(11)
    canvas.choose_tool("eraser")
    canvas.set_brush_size(99)
    canvas.options.set_square("eraser", True)
    canvas.choose_tool("brush")
    assert canvas.brush_size_px == 11
    assert not canvas.options.is_square("brush")
    canvas.choose_tool("eraser")
    assert canvas.brush_size_px == 99
    assert canvas.options.is_square("eraser")
    assert sizes == [11, 30, 99, 11, 99]
    wheel(canvas, point_over(canvas, 30, 30), 1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.brush_size_px == 109
    assert (canvas.options.size_of("brush"), canvas.options.size_of("smart")) == (11, 30)
