"""Every tool without a mouse: Ctrl and arrows move the cross, Enter uses the tool there; real key events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.box import Box
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.raster import make_capsule
from fcn_studio.core.shapes import make_ellipse, make_polygon, make_rectangle
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import ALT, CTRL, LEFT, NONE, SHIFT, image_point, wheel
from tests.ui.window_kit import wait_for_image

if TYPE_CHECKING:
    from fcn_studio.ui.app import App

CAT, DOG = 1, 2
Key = Qt.Key
MIDDLE = QPoint(200, 150)  # of the canvas
STEP = 20
ZOOMS = [(0, (200, 150)), (5, (150, 120))]  # notches of the wheel, and where
CORNERS = [QPoint(140, 90), QPoint(260, 110), QPoint(240, 190), QPoint(180, 150), QPoint(120, 210)]


class Fingers:
    """Keys on a canvas, and where its cross must be now (in the view's pixels)."""

    def __init__(self, view: CanvasView) -> None:
        self.view, self.cross = view, MIDDLE
        view.setFocus()
        QTest.mouseMove(view, MIDDLE)
        self.press(Key.Key_Up, CTRL)  # where the mouse was left the cross begins
        self.press(Key.Key_Down, CTRL)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.view, key, modifiers)
        QApplication.processEvents()

    def enter(self, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.press(Key.Key_Return, modifiers)

    def go(self, place: QPoint) -> list[QPoint]:
        """Large steps, then small ones, first along the row; returns all places on the way."""
        way = []
        for axis, keys in (("x", (Key.Key_Left, Key.Key_Right)), ("y", (Key.Key_Up, Key.Key_Down))):
            left = getattr(place, axis)() - getattr(self.cross, axis)()
            key, sign = keys[left > 0], 1 if left > 0 else -1
            for size, modifiers in ((STEP, CTRL), (1, CTRL | SHIFT)):
                for _ in range(abs(left) // size):
                    self.press(key, modifiers)
                    step = QPoint(sign * size, 0) if axis == "x" else QPoint(0, sign * size)
                    self.cross = self.cross + step  # not in place: it may be one of CORNERS
                    way.append(self.cross)
                left = sign * (abs(left) % size)
        return way


@pytest.fixture(params=ZOOMS, ids=["fit", "near"])
def fingers(canvas: CanvasView, open_session: Session, request: pytest.FixtureRequest) -> Fingers:
    notches, at = request.param
    wheel(canvas, QPoint(*at), notches)
    open_session.classes.choose(DOG)
    return Fingers(canvas)


def labels_of(view: CanvasView) -> np.ndarray:
    assert view.document is not None
    return view.document.label_map.labels.copy()


def names_of(view: CanvasView) -> list[str]:
    assert view.document is not None
    return [edit.name for edit in view.document.history.done]


def spread(made: tuple[Box, np.ndarray]) -> np.ndarray:
    box, mask = made
    canvas = np.zeros((60, 80), bool)
    canvas[box.slices] = mask
    return canvas


def polygon_of(view: CanvasView, places: list[QPoint]) -> np.ndarray:
    return spread(make_polygon([image_point(view, place) for place in places], (60, 80)))


def click(view: CanvasView, place: QPoint) -> None:
    QTest.mouseMove(view, place)
    QTest.mouseClick(view, LEFT, NONE, place)
    QApplication.processEvents()


AREAS = [("rectangle", make_rectangle), ("ellipse", make_ellipse)]


@pytest.mark.parametrize(("tool", "make"), AREAS)
def test_enter_begins_an_area_arrows_draw_it_and_enter_ends_it(
    fingers: Fingers, tool: str, make: Callable
) -> None:
    view = fingers.view
    view.choose_tool(tool)
    start, end = QPoint(263, 191), QPoint(141, 104)
    fingers.go(start)
    bare = view.grab().toImage()
    fingers.enter()
    fingers.go(end)
    assert view.grab().toImage() != bare
    corners = image_point(view, start), image_point(view, end)
    sketched = np.array(view.tool.sketch.points)
    assert np.abs(sketched.min(axis=0) - np.min(corners, axis=0)).max() <= 1, "the sketch follows the keys"
    assert names_of(view) == [], "nothing before the end"
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, spread(make(*corners, (60, 80))))
    assert names_of(view) == [f"{tool.capitalize()} of dog"]
    assert not view.tool.is_open


@pytest.mark.parametrize("tool", ["rectangle", "ellipse"])
@pytest.mark.parametrize("at_the_end", [False, True])
def test_shift_and_enter_make_an_area_regular(fingers: Fingers, tool: str, at_the_end: bool) -> None:
    view = fingers.view
    view.choose_tool(tool)
    fingers.enter(NONE if at_the_end else SHIFT)
    fingers.go(MIDDLE + QPoint(60, 25))
    if not at_the_end:
        assert np.allclose(*np.ptp(view.tool.sketch.points, axis=0), atol=0.1), "it is seen before the end"
    fingers.enter(SHIFT if at_the_end else NONE)
    rows, columns = np.nonzero(labels_of(view) == DOG)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1
    assert np.ptp(rows) >= 4
    fingers.go(MIDDLE + QPoint(-110, -60))
    before = labels_of(view)
    fingers.enter()
    fingers.go(MIDDLE + QPoint(-30, -35))
    fingers.enter()
    rows, columns = np.nonzero(labels_of(view) != before)
    assert np.ptp(columns) > 1.5 * np.ptp(rows) > 0, "the next one is as it is drawn"


@pytest.mark.parametrize("tool", ["rectangle", "ellipse", "polygon", "lasso"])
def test_alt_and_enter_take_labels_away(fingers: Fingers, tool: str) -> None:
    view = fingers.view
    view.choose_tool("rectangle")
    for place in (QPoint(110, 70), QPoint(290, 220)):
        fingers.go(place)
        fingers.enter()
    painted = labels_of(view) == DOG
    view.choose_tool(tool)
    fingers.go(CORNERS[0])
    fingers.enter(ALT)
    assert view.tool.sketch.erases
    for place in CORNERS[1:3]:
        fingers.go(place)
        if tool == "polygon":
            fingers.enter()
    fingers.enter()
    left = labels_of(view) == DOG
    assert (painted & ~left).any()
    assert not (left & ~painted).any()
    assert names_of(view)[-1] == "Erase"


@pytest.mark.parametrize("way", ["again", "first", "shift"])
def test_enter_adds_points_to_a_polygon_and_closes_it(fingers: Fingers, way: str) -> None:
    view = fingers.view
    view.choose_tool("polygon")
    for number, place in enumerate(CORNERS, start=1):
        fingers.go(place)
        fingers.enter()
        assert len(view.tool.sketch.handles) == number
    assert names_of(view) == []
    if way != "again":
        fingers.go(CORNERS[0] + QPoint(3, -2) if way == "first" else QPoint(290, 200))
    fingers.enter(SHIFT if way == "shift" else NONE)
    assert not view.tool.is_open
    assert np.array_equal(labels_of(view) == DOG, polygon_of(view, CORNERS))


def test_a_polygon_of_keys_keeps_small_steps_and_loses_nothing_to_a_second_enter(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("polygon")
    places = [CORNERS[0], CORNERS[0] + QPoint(2, 0), QPoint(240, 190), QPoint(237, 193)]
    for place in places:
        fingers.go(place)
        fingers.enter()
        if len(view.tool.sketch.handles) < 3:
            fingers.enter()
    assert len(view.tool.sketch.handles) == 4
    assert [tuple(point) for point in view.tool.sketch.handles] == [image_point(view, p) for p in places]


def test_backspace_takes_a_point_back_and_it_can_be_put_again(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("polygon")
    for place in CORNERS:
        fingers.go(place)
        fingers.enter()
    fingers.press(Key.Key_Backspace)
    fingers.enter()
    assert view.tool.is_open
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, polygon_of(view, CORNERS))


def test_a_polygon_of_the_mouse_goes_on_by_keys_and_closes_by_enter_under_the_mouse(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("polygon")
    for place in CORNERS[:3]:
        click(view, place)
    fingers.cross = CORNERS[2]
    fingers.go(CORNERS[3])
    fingers.enter()
    assert view.tool.is_open
    click(view, CORNERS[4])
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, polygon_of(view, CORNERS))


def test_arrows_draw_the_line_of_a_lasso_between_two_enters(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("lasso")
    fingers.go(CORNERS[0])
    fingers.enter()
    way = [CORNERS[0]]
    for place in CORNERS[1:]:
        way += fingers.go(place)
        assert view.tool.sketch.points[-1] == image_point(view, place)
    assert names_of(view) == []
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, polygon_of(view, way))
    assert names_of(view) == ["Lasso of dog"]


def test_backspace_takes_steps_of_the_lasso_back(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("lasso")
    fingers.go(CORNERS[0])
    fingers.enter()
    way = [CORNERS[0], *fingers.go(CORNERS[1]), *fingers.go(CORNERS[2])]
    wrong = fingers.go(CORNERS[2] + QPoint(40, 0))
    for _ in wrong:
        fingers.press(Key.Key_Backspace)
    back = fingers.go(CORNERS[4])
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, polygon_of(view, way + back))


@pytest.mark.parametrize("tool", ["rectangle", "ellipse", "polygon", "lasso"])
def test_escape_drops_what_keys_began_and_nothing_of_it_stays(fingers: Fingers, tool: str) -> None:
    view = fingers.view
    view.choose_tool(tool)
    fingers.go(CORNERS[0])
    fingers.enter()
    fingers.go(CORNERS[2])
    drawn = view.grab().toImage()
    fingers.press(Key.Key_Escape)
    assert not view.tool.is_open
    assert view.tool.sketch is None
    assert view.grab().toImage() != drawn
    fingers.enter()
    assert view.tool.sketch.points[0] == pytest.approx(image_point(view, CORNERS[2]), abs=1), "it begins anew"
    fingers.press(Key.Key_Escape)
    assert names_of(view) == []


@pytest.mark.parametrize("tool", ["rectangle", "ellipse"])
def test_backspace_drops_an_area(fingers: Fingers, tool: str) -> None:
    view = fingers.view
    view.choose_tool(tool)
    fingers.enter()
    fingers.go(CORNERS[1])
    fingers.press(Key.Key_Backspace)
    assert view.tool.sketch is None
    assert names_of(view) == []


def test_an_area_stays_open_while_the_person_looks_elsewhere_and_goes_on(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("rectangle")
    fingers.go(CORNERS[0])
    fingers.enter()
    QApplication.sendEvent(view, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.PopupFocusReason))
    assert view.tool.is_open
    fingers.go(CORNERS[2])
    fingers.enter()
    corners = [image_point(view, place) for place in (CORNERS[0], CORNERS[2])]
    assert np.array_equal(labels_of(view) == DOG, spread(make_rectangle(*corners, (60, 80))))


def test_an_area_follows_when_arrows_push_the_image_under_the_cross(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("rectangle")
    start = image_point(view, MIDDLE)
    fingers.enter()
    before = image_point(view, MIDDLE)
    fingers.press(Key.Key_Right)
    end = image_point(view, MIDDLE)
    assert end[1] > before[1]
    seen = np.max(view.tool.sketch.points, axis=0)[1]
    assert seen == np.floor(end[1]) + 1
    fingers.enter()
    assert np.array_equal(labels_of(view) == DOG, spread(make_rectangle(start, end, (60, 80))))


@pytest.mark.parametrize("ends_by", ["click", "Enter"])
def test_a_mouse_takes_over_what_keys_began(fingers: Fingers, ends_by: str) -> None:
    view = fingers.view
    view.choose_tool("rectangle")
    fingers.go(CORNERS[0])
    fingers.enter()
    QTest.mouseMove(view, CORNERS[2])
    QApplication.processEvents()
    if ends_by == "click":
        click(view, CORNERS[2])
    else:
        fingers.enter()
    corners = [image_point(view, place) for place in (CORNERS[0], CORNERS[2])]
    assert np.array_equal(labels_of(view) == DOG, spread(make_rectangle(*corners, (60, 80))))
    assert names_of(view) == ["Rectangle of dog"]


@pytest.mark.parametrize("tool", ["rectangle", "polygon", "lasso", "brush"])
def test_a_finger_that_rests_on_enter_counts_once(fingers: Fingers, tool: str) -> None:
    view = fingers.view
    view.choose_tool(tool)
    fingers.enter()
    before = view.tool.sketch, names_of(view)
    again = QKeyEvent(QEvent.Type.KeyPress, Key.Key_Return, NONE, "\r", True)
    QApplication.sendEvent(view, again)
    assert (view.tool.sketch, names_of(view)) == before


@pytest.mark.parametrize("tool", ["rectangle", "ellipse", "polygon", "lasso"])
def test_another_tool_finishes_what_keys_began(fingers: Fingers, tool: str) -> None:
    view = fingers.view
    view.choose_tool(tool)
    for place in CORNERS:
        fingers.go(place)
        if tool == "polygon" or place is CORNERS[0]:
            fingers.enter()
    view.choose_tool("brush")
    assert names_of(view) == [f"{tool.capitalize()} of dog"]
    view.choose_tool(tool)
    assert not view.tool.is_open


def test_enter_paints_one_dab_and_with_shift_a_line(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("brush")
    view.set_brush_size(6)
    places = [image_point(view, place) for place in (CORNERS[0], CORNERS[1])]
    fingers.go(CORNERS[0])
    fingers.enter()
    dab = spread(make_capsule(places[0], places[0], 6, (60, 80)))
    assert np.array_equal(labels_of(view) == DOG, dab)
    fingers.go(CORNERS[1])
    assert np.array_equal(labels_of(view) == DOG, dab), "arrows alone paint nothing"
    fingers.enter(SHIFT)
    line = spread(make_capsule(*places, 6, (60, 80)))
    assert np.array_equal(labels_of(view) == DOG, dab | line)


def test_alt_and_enter_pick_the_class_below(fingers: Fingers) -> None:
    view = fingers.view
    view.choose_tool("brush")
    fingers.enter()
    view.session.classes.choose(CAT)
    fingers.enter(ALT)
    assert view.session.classes.chosen_id == DOG
    assert len(names_of(view)) == 1


@pytest.mark.parametrize("tool", ["brush", "eraser", "polygon", "lasso", "rectangle", "ellipse", "accept"])
def test_the_hint_speaks_of_what_leads(canvas: CanvasView, tool: str) -> None:
    hints: list[str] = []
    canvas.hint_changed.connect(hints.append)
    canvas.choose_tool(tool)
    assert hints[-1] == canvas.tool.hint
    fingers = Fingers(canvas)
    assert hints[-1] == canvas.tool.key_hint
    assert "Enter" in hints[-1]
    told = len(hints)
    fingers.go(CORNERS[0])
    assert len(hints) == told, "not again with every step"
    QTest.mouseMove(canvas, CORNERS[2])
    QApplication.processEvents()
    assert hints[-1] == canvas.tool.hint


def test_areas_are_drawn_in_the_window_by_keys_alone(app: App, photos: Path, qtbot) -> None:
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    canvas = app.window.canvas
    canvas.setFocus()
    QApplication.processEvents()

    def press(*keys: tuple[Qt.Key, Qt.KeyboardModifier]) -> None:
        for key, modifiers in keys:
            QTest.keyClick(QApplication.focusWidget(), key, modifiers)
            QApplication.processEvents()

    right, down, enter = (Key.Key_Right, CTRL), (Key.Key_Down, CTRL), (Key.Key_Return, NONE)
    sizes = []
    for letter in (Key.Key_T, Key.Key_O, Key.Key_P, Key.Key_L):
        press((letter, NONE), right, enter, right, right)
        press(*[enter] * (letter == Key.Key_P), down, down, enter, *[enter] * (letter == Key.Key_P))
        sizes.append(int((labels_of(canvas) != UNLABELLED).sum()))
        press((Key.Key_Z, CTRL))
        assert labels_of(canvas).min() == labels_of(canvas).max() == UNLABELLED
    assert min(sizes) > 5, sizes
