"""All tools in random order with undo and redo, against full copies; and what interrupts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.protect import Protection
from fcn_studio.session.session import Session
from fcn_studio.session.whole_image import RegionOp
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.tools.toolbox import TOOLS
from tests.ui.pointing import ALT, LEFT, NONE, RIGHT, SHIFT, WAIT_MS, drag, point_over, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2
WRITING = [tool.id for tool in TOOLS if tool.writes]
State = tuple[bytes, bytes]


def state_of(view: CanvasView) -> State:
    assert view.scene.document is not None
    label_map = view.scene.document.label_map
    return label_map.labels.tobytes(), label_map.provenance.tobytes()


def settle(session: Session, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: session.editing._queue.is_empty, timeout=WAIT_MS)


class Person:
    """Somebody who does anything at all, but always the same things for one seed."""

    def __init__(self, view: CanvasView, session: Session, qtbot: QtBot, seed: int) -> None:
        self.view, self.session, self.qtbot = view, session, qtbot
        self.rng = np.random.default_rng(seed)
        assert view.document is not None
        self.document = view.document
        self.states = [state_of(view)]

    def places(self, count: int) -> list[QPoint]:
        width, height = self.view.width(), self.view.height()
        return [
            QPoint(int(self.rng.integers(0, width)), int(self.rng.integers(0, height))) for _ in range(count)
        ]

    def use_tool(self, tool: str) -> None:
        view, rng = self.view, self.rng
        view.choose_tool(tool)
        view.setFocus()
        if view.tool.has_size:
            view.set_brush_size(int(rng.integers(1, 25)))
        button = RIGHT if rng.random() < 0.3 else LEFT
        modifiers = [NONE, NONE, NONE, SHIFT, ALT][int(rng.integers(0, 5))]
        if tool == "polygon":
            for place in self.places(int(rng.integers(3, 7))):
                QTest.mousePress(view, button, modifiers, place)
                QTest.mouseRelease(view, button, modifiers, place)
            QTest.keyClick(view, Qt.Key.Key_Return)
            return
        drag(view, self.places(int(rng.integers(1, 5))), button, modifiers)
        if tool == "lasso":
            QTest.keyClick(view, Qt.Key.Key_Return)

    def do_something(self) -> None:
        rng, session = self.rng, self.session
        session.classes.choose(int(rng.integers(0, 3)))
        choice = int(rng.integers(0, 20))
        if choice == 0:
            wheel(self.view, self.places(1)[0], int(rng.integers(-6, 9)))
        elif choice == 1:
            rules = [
                Protection(),
                Protection(only_unlabelled=True),
                Protection(over=frozenset({CAT, 255})),
                Protection(intensity=(40, 150)),
            ]
            session.editing.protect(rules[int(rng.integers(0, 4))])
        elif choice == 2:
            session.editing.request_accept_all()
        elif choice in (3, 4):
            operation = list(RegionOp)[int(rng.integers(0, len(RegionOp)))]
            session.editing.request_region_op(operation, int(rng.integers(0, 3)), int(rng.integers(1, 6)))
        else:
            self.use_tool(WRITING[int(rng.integers(0, len(WRITING)))])
        settle(session, self.qtbot)

    def check(self) -> None:
        """The history knows one more edit exactly when something changed, and one more only."""
        done, now = len(self.document.history.done), state_of(self.view)
        if now == self.states[-1]:
            assert done == len(self.states) - 1
        else:
            assert done == len(self.states)
            self.states.append(now)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_order_of_tools_is_undone_and_redone_to_the_byte(
    canvas: CanvasView, open_session: Session, predict: Callable[..., object], qtbot: QtBot, seed: int
) -> None:
    channels = np.zeros((60, 80), int)
    channels[5:40, 10:50] = CAT
    channels[30:58, 45:75] = DOG
    predict(channels)
    person = Person(canvas, open_session, qtbot, seed)
    for _ in range(40):
        person.do_something()
        person.check()
        if person.rng.random() < 0.2 and len(person.states) > 1:
            open_session.editing.undo()
            assert state_of(canvas) == person.states[-2]
            open_session.editing.redo()
            assert state_of(canvas) == person.states[-1]
    assert len(person.states) > 15
    for state in reversed(person.states[:-1]):
        open_session.editing.undo()
        assert state_of(canvas) == state
    assert canvas.document.label_map.is_empty
    for state in person.states[1:]:
        open_session.editing.redo()
        assert state_of(canvas) == state


@pytest.mark.parametrize("tool", [tool for tool in WRITING if tool not in ("fill", "wand", "polygon")])
def test_another_image_in_mid_drag_leaves_a_whole_edit_or_none(
    canvas: CanvasView,
    open_session: Session,
    predict: Callable[..., object],
    show_image: Callable[[CanvasView, str], None],
    tool: str,
) -> None:
    predict(np.full((60, 80), CAT))
    canvas.choose_tool(tool)
    drag(canvas, [QPoint(100, 80), QPoint(250, 90), QPoint(280, 220)], let_go=False)
    left = canvas.document
    show_image(canvas, "b.png")
    QTest.mouseMove(canvas, QPoint(120, 130))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(120, 130))
    assert canvas.document.label_map.is_empty
    assert not canvas.tool.is_busy
    assert len(left.history.done) == (0 if left.label_map.is_empty else 1)
    kept = left.label_map.labels.copy(), left.label_map.provenance.copy()
    show_image(canvas, "a.png")
    assert np.array_equal(canvas.document.label_map.labels, kept[0])
    assert np.array_equal(canvas.document.label_map.provenance, kept[1])


@pytest.mark.parametrize("tool", ["brush", "smart", "accept", "rectangle", "lasso"])
def test_another_tool_or_undo_in_mid_drag_leaves_a_whole_edit_or_none(
    canvas: CanvasView, open_session: Session, predict: Callable[..., object], tool: str
) -> None:
    predict(np.full((60, 80), CAT))
    points = [QPoint(100, 80), QPoint(250, 90), QPoint(280, 220)]
    canvas.choose_tool(tool)
    drag(canvas, points, let_go=False)
    canvas.choose_tool("eraser")
    assert not open_session.editing.in_stroke
    before = len(canvas.document.history.done)
    assert before == (0 if canvas.document.label_map.is_empty else 1)
    QTest.mouseRelease(canvas, LEFT, NONE, points[-1])
    canvas.choose_tool(tool)
    drag(canvas, points[::-1], let_go=False)
    open_session.editing.undo()
    QTest.mouseMove(canvas, QPoint(90, 200))
    canvas.tool.cancel()
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(90, 200))
    assert not canvas.tool.is_busy
    for _ in range(3):
        open_session.editing.undo()
    assert canvas.document.label_map.is_empty


def test_a_class_that_goes_in_mid_stroke_ends_the_stroke_whole(
    canvas: CanvasView, open_session: Session
) -> None:
    drag(canvas, [QPoint(100, 80), QPoint(250, 90)], let_go=False)
    painted = state_of(canvas)
    table = open_session.classes.table
    open_session.classes.table = type(table)(tuple(c for c in table if c.id != CAT), table.next_id)
    QTest.mouseMove(canvas, QPoint(200, 250))
    QTest.mouseMove(canvas, QPoint(220, 250))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(220, 250))
    assert state_of(canvas) == painted
    assert not canvas.tool.is_busy
    assert len(canvas.document.history.done) == 1


def test_protection_is_seen_at_the_pointer_and_told_in_the_hint(
    canvas: CanvasView, open_session: Session
) -> None:
    hints: list[str] = []
    canvas.hint_changed.connect(hints.append)
    QTest.mouseMove(canvas, QPoint(200, 150))
    QApplication.processEvents()
    bare = canvas.grab().toImage()
    open_session.editing.protect(Protection(only_unlabelled=True))
    assert "only unlabelled" in hints[-1]
    assert canvas._ring.badges == ("shield-half-full",)
    assert canvas.grab().toImage() != bare
    open_session.editing.protect(Protection(over=frozenset({CAT}), intensity=(3, 90)))
    assert "only over cat" in hints[-1]
    assert "brightness 3 to 90" in hints[-1]
    open_session.classes.set_locked(DOG, True)
    assert "dog locked" in hints[-1]
    canvas.choose_tool("polygon")
    assert canvas._ring.badges == ("shield-half-full",)
    canvas.choose_tool("pick")
    assert canvas._ring is None
    assert "rotected" not in hints[-1]
    open_session.classes.set_locked(DOG, False)
    open_session.editing.protect(Protection())
    canvas.choose_tool("brush")
    QTest.mouseMove(canvas, QPoint(200, 150))
    assert canvas._ring.badges == ()
    assert "rotected" not in hints[-1]


def test_over_a_locked_class_the_pointer_shows_a_lock_and_nothing_is_painted(
    canvas: CanvasView, open_session: Session
) -> None:
    open_session.classes.choose(DOG)
    drag(canvas, [point_over(canvas, 30.5, 20.5), point_over(canvas, 30.5, 40.5)])
    labels = open_session.document.label_map.labels
    before = labels.copy()
    open_session.classes.set_locked(DOG, True)
    open_session.classes.choose(CAT)
    QTest.mouseMove(canvas, point_over(canvas, 30.5, 30.5))
    assert canvas._ring.badges == ("lock",)
    drag(canvas, [point_over(canvas, 30.5, 25.5), point_over(canvas, 30.5, 35.5)])
    assert (labels[before == DOG] == DOG).all()
    QTest.mouseMove(canvas, point_over(canvas, 5.5, 5.5))
    assert canvas._ring.badges == ("shield-half-full",)


def test_the_eraser_has_a_mark_at_the_pointer(canvas: CanvasView) -> None:
    canvas.choose_tool("eraser")
    QTest.mouseMove(canvas, QPoint(200, 150))
    assert canvas._ring.badges == ("eraser",)
