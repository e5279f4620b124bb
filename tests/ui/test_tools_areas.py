"""Polygon, lasso, rectangle and ellipse with real mouse and key events, at any zoom."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.shapes import make_ellipse, make_polygon, make_rectangle
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.tools import area
from fcn_studio.ui.tools import polygon as polygon_module
from tests.ui.pointing import ALT, CTRL, LEFT, NONE, RIGHT, SHIFT, drag, image_point, point_over, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2
CORNERS = [QPoint(90, 80), QPoint(300, 95), QPoint(330, 210), QPoint(200, 130), QPoint(110, 240)]
ZOOMS = [(0, (200, 150)), (6, (130, 101)), (-4, (301, 77)), (17, (211, 163))]


def labels_of(view: CanvasView) -> np.ndarray:
    assert view.scene.document is not None
    return view.scene.document.label_map.labels.copy()


def names_of(view: CanvasView) -> list[str]:
    assert view.scene.document is not None
    return [edit.name for edit in view.scene.document.history.done]


def click(
    view: CanvasView,
    point: QPoint,
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NONE,
) -> None:
    """A click with the pointer really going there, slow enough to be no double click."""
    QTest.mouseMove(view, point)
    QTest.mousePress(view, button, modifiers, point)
    QTest.mouseRelease(view, button, modifiers, point)
    QApplication.processEvents()


def expected_of(view: CanvasView, made: tuple) -> np.ndarray:
    box, mask = made
    canvas = np.zeros(view.scene.transform.image_hw, bool)
    canvas[box.slices] = mask
    return canvas


def polygon_of(view: CanvasView, points: list[QPoint]) -> np.ndarray:
    corners = [image_point(view, point) for point in points]
    return expected_of(view, make_polygon(corners, view.scene.transform.image_hw))


@pytest.fixture
def polygon(canvas: CanvasView, open_session: Session) -> CanvasView:
    open_session.classes.choose(DOG)
    canvas.choose_tool("polygon")
    canvas.setFocus()
    return canvas


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
def test_enter_closes_the_polygon_that_was_clicked(
    polygon: CanvasView, notches: int, at: tuple[int, int]
) -> None:
    wheel(polygon, QPoint(*at), notches)
    for point in CORNERS:
        click(polygon, point)
    assert labels_of(polygon).min() == UNLABELLED  # nothing before it is closed
    assert polygon.tools.current.is_open
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    expected = polygon_of(polygon, CORNERS)
    assert expected.any()
    assert np.array_equal(labels_of(polygon) == DOG, expected)
    assert names_of(polygon) == ["Polygon of dog"]
    assert not polygon.tools.current.is_open


def test_an_open_polygon_is_closed_when_another_folder_opens(
    polygon: CanvasView, open_session: Session, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    for point in CORNERS:
        click(polygon, point)
    expected, document = polygon_of(polygon, CORNERS), open_session.document
    assert document is not None
    shutil.copytree(photos, tmp_path / "others")
    open_session.open([tmp_path / "others"])
    qtbot.waitUntil(lambda: open_session.document not in (None, document), timeout=10_000)
    assert np.array_equal(document.label_map.labels == DOG, expected)


def test_a_double_click_puts_the_last_point_and_closes(polygon: CanvasView) -> None:
    for point in CORNERS[:2]:
        click(polygon, point)
    click(polygon, CORNERS[2])
    QTest.mouseDClick(polygon, LEFT, NONE, CORNERS[2])
    assert np.array_equal(labels_of(polygon) == DOG, polygon_of(polygon, CORNERS[:3]))


def test_a_click_on_the_first_point_closes_but_moving_it_does_not(polygon: CanvasView) -> None:
    for point in CORNERS:
        click(polygon, point)
    moved = QPoint(70, 60)
    drag(polygon, [CORNERS[0], QPoint(80, 70), moved])
    assert polygon.tools.current.is_open
    click(polygon, moved + QPoint(3, -2))
    assert not polygon.tools.current.is_open
    assert np.array_equal(labels_of(polygon) == DOG, polygon_of(polygon, [moved, *CORNERS[1:]]))


def test_points_are_moved_put_in_between_and_taken_out_before_closing(polygon: CanvasView) -> None:
    a, b, c = QPoint(90, 80), QPoint(310, 80), QPoint(310, 240)
    for point in (a, b, c):
        click(polygon, point)
    between, there = QPoint(200, 81), QPoint(200, 40)
    drag(polygon, [between, QPoint(200, 60), there])
    drag(polygon, [c, QPoint(320, 250)])
    d = QPoint(95, 230)
    click(polygon, d)
    click(polygon, b + QPoint(2, 2), modifiers=CTRL)
    QTest.keyClick(polygon, Qt.Key.Key_Enter)
    expected = polygon_of(polygon, [a, there, QPoint(320, 250), d])
    assert np.array_equal(labels_of(polygon) == DOG, expected)


def test_backspace_takes_the_last_point_back_and_so_does_undo(polygon: CanvasView) -> None:
    for point in CORNERS:
        click(polygon, point)
    QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    assert polygon.step_back()
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    assert np.array_equal(labels_of(polygon) == DOG, polygon_of(polygon, CORNERS[:3]))
    assert not polygon.step_back()


def test_escape_drops_the_polygon(polygon: CanvasView) -> None:
    for point in CORNERS:
        click(polygon, point)
    QTest.keyClick(polygon, Qt.Key.Key_Escape)
    assert not polygon.tools.current.is_open
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    assert names_of(polygon) == []


def test_two_points_are_no_polygon(polygon: CanvasView) -> None:
    for point in CORNERS[:2]:
        click(polygon, point)
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    assert names_of(polygon) == []


@pytest.mark.parametrize(("button", "modifiers"), [(RIGHT, NONE), (LEFT, ALT)])
def test_alt_or_the_right_button_take_labels_away(
    polygon: CanvasView, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier
) -> None:
    polygon.choose_tool("rectangle")
    drag(polygon, [QPoint(60, 40), QPoint(340, 250)])
    painted = labels_of(polygon) == DOG
    polygon.choose_tool("polygon")
    click(polygon, CORNERS[0], button, modifiers)
    assert polygon.tools.current.sketch.erases
    for point in CORNERS[1:]:
        click(polygon, point, button)
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    assert np.array_equal(labels_of(polygon) == DOG, painted & ~polygon_of(polygon, CORNERS))


def test_the_polygon_stays_open_while_the_person_looks_elsewhere_and_moves_with_the_image(
    polygon: CanvasView,
) -> None:
    for point in CORNERS[:3]:
        click(polygon, point)
    places = [image_point(polygon, point) for point in CORNERS[:3]]
    QApplication.sendEvent(polygon, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    assert polygon.tools.current.is_open
    wheel(polygon, QPoint(50, 50), 3)
    last = QPoint(100, 200)
    click(polygon, last)
    places.append(image_point(polygon, last))
    QTest.keyClick(polygon, Qt.Key.Key_Return)
    expected = expected_of(polygon, make_polygon(places, (60, 80)))
    assert np.array_equal(labels_of(polygon) == DOG, expected)


def test_another_tool_finishes_the_polygon_and_another_image_too_where_it_belongs(
    polygon: CanvasView, show_image: Callable[[CanvasView, str], None]
) -> None:
    for point in CORNERS:
        click(polygon, point)
    polygon.choose_tool("brush")
    first = polygon_of(polygon, CORNERS)
    assert np.array_equal(labels_of(polygon) == DOG, first)
    polygon.choose_tool("polygon")
    shifted = [point + QPoint(-20, 15) for point in CORNERS]
    for point in shifted:
        click(polygon, point)
    second = polygon_of(polygon, shifted)
    show_image(polygon, "b.png")
    assert not polygon.tools.current.is_open
    assert names_of(polygon) == []
    show_image(polygon, "a.png")
    assert np.array_equal(labels_of(polygon) == DOG, first | second)


def test_an_open_outline_is_drawn_and_goes_when_it_is_dropped(polygon: CanvasView) -> None:
    polygon.choose_tool("pick")
    bare = polygon.grab().toImage()
    polygon.choose_tool("polygon")
    for point in CORNERS:
        click(polygon, point)
    assert polygon.grab().toImage() != bare
    QTest.keyClick(polygon, Qt.Key.Key_Escape)
    assert polygon.grab().toImage() == bare


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
def test_a_lasso_closes_where_the_button_comes_up(
    canvas: CanvasView, notches: int, at: tuple[int, int]
) -> None:
    wheel(canvas, QPoint(*at), notches)
    canvas.choose_tool("lasso")
    path = [QPoint(120, 60), QPoint(250, 70), QPoint(330, 150), QPoint(240, 230), QPoint(100, 180)]
    drag(canvas, path)
    assert np.array_equal(labels_of(canvas) == CAT, polygon_of(canvas, path))
    assert names_of(canvas) == ["Lasso of cat"]


def test_a_lasso_let_go_with_shift_goes_on_by_clicks(canvas: CanvasView) -> None:
    canvas.choose_tool("lasso")
    canvas.setFocus()
    path = [QPoint(120, 60), QPoint(250, 70), QPoint(330, 150)]
    drag(canvas, path, modifiers=SHIFT)
    assert canvas.tools.current.is_open
    wrong, more = QPoint(10, 10), QPoint(200, 250)
    click(canvas, wrong)
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    click(canvas, more)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert np.array_equal(labels_of(canvas) == CAT, polygon_of(canvas, [*path, more]))


def test_escape_in_the_middle_of_a_lasso_drops_it(canvas: CanvasView) -> None:
    canvas.choose_tool("lasso")
    drag(canvas, [QPoint(120, 60), QPoint(250, 70), QPoint(330, 150)], let_go=False)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseMove(canvas, QPoint(100, 200))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(100, 200))
    assert names_of(canvas) == []


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
@pytest.mark.parametrize(("tool", "make"), [("rectangle", make_rectangle), ("ellipse", make_ellipse)])
def test_rectangle_and_ellipse_from_corner_to_corner(
    canvas: CanvasView, notches: int, at: tuple[int, int], tool: str, make: Callable
) -> None:
    wheel(canvas, QPoint(*at), notches)
    canvas.choose_tool(tool)
    start, end = QPoint(310, 220), QPoint(120, 75)
    drag(canvas, [start, QPoint(200, 200), end])
    corners = image_point(canvas, start), image_point(canvas, end)
    expected = expected_of(canvas, make(*corners, canvas.scene.transform.image_hw))
    assert expected.any()
    assert np.array_equal(labels_of(canvas) == CAT, expected)


@pytest.mark.parametrize(
    ("tool", "made_by"),
    [
        ("rectangle", (area, "make_rectangle")),
        ("ellipse", (area, "make_ellipse")),
        ("polygon", (polygon_module, "make_polygon")),
        ("lasso", (polygon_module, "make_polygon")),
    ],
)
def test_the_window_does_not_wait_for_the_pixels_of_a_large_area(
    canvas: CanvasView,
    open_session: Session,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    made_by: tuple[object, str],
) -> None:
    def draw() -> np.ndarray:
        canvas.choose_tool(tool)
        canvas.setFocus()
        points = [QPoint(310, 220), QPoint(200, 100), QPoint(120, 175)]
        for point in points if tool == "polygon" else ():
            click(canvas, point)
        if tool == "polygon":
            QTest.keyClick(canvas, Qt.Key.Key_Return)
        else:
            drag(canvas, points)
        qtbot.waitUntil(lambda: len(names_of(canvas)) == 1)
        return labels_of(canvas)

    made_on, make = [], getattr(*made_by)

    def watched(*given: object) -> object:
        made_on.append(threading.current_thread())
        return make(*given)

    monkeypatch.setattr(*made_by, watched)
    small = draw()
    open_session.editing.undo()
    monkeypatch.setattr("fcn_studio.session.editing.SMALL_AREA_PX", 10)
    assert np.array_equal(draw(), small)
    assert [thread is threading.main_thread() for thread in made_on] == [True, False]


@pytest.mark.parametrize("tool", ["rectangle", "ellipse"])
def test_shift_makes_it_regular(canvas: CanvasView, tool: str) -> None:
    canvas.choose_tool(tool)
    start, end = QPoint(150, 100), QPoint(220, 130)
    QTest.mousePress(canvas, LEFT, SHIFT, start)
    QTest.mouseRelease(canvas, LEFT, SHIFT, end)
    rows, columns = np.nonzero(labels_of(canvas) == CAT)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1
    assert np.ptp(columns) > 5


def test_a_click_with_the_rectangle_paints_the_pixel_under_it(canvas: CanvasView) -> None:
    canvas.choose_tool("rectangle")
    point = point_over(canvas, 20.5, 30.5)
    drag(canvas, [point])
    assert np.argwhere(labels_of(canvas) == CAT).tolist() == [[20, 30]]


@pytest.mark.parametrize("tool", ["rectangle", "ellipse", "polygon", "lasso"])
def test_what_lies_outside_the_image_is_no_label(canvas: CanvasView, tool: str, qtbot: QtBot) -> None:
    wheel(canvas, QPoint(200, 150), -3)
    canvas.resize(500, 400)
    QApplication.processEvents()
    canvas.choose_tool(tool)
    canvas.setFocus()
    corners = [QPoint(1, 1), QPoint(498, 2), QPoint(497, 398), QPoint(2, 397)]
    if tool == "polygon":
        for point in corners:
            click(canvas, point)
        QTest.keyClick(canvas, Qt.Key.Key_Return)
    else:
        drag(canvas, [corners[0], corners[2]] if tool in ("rectangle", "ellipse") else corners)
    labels = labels_of(canvas)
    assert (labels == CAT).sum() > 0.7 * labels.size
    beside = [QPoint(1, 1), QPoint(3, 1), QPoint(3, 3)]
    before = names_of(canvas)
    if tool == "polygon":
        for point in beside:
            click(canvas, point)
        QTest.keyClick(canvas, Qt.Key.Key_Return)
    else:
        drag(canvas, beside)
    assert names_of(canvas) == before
