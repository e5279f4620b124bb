"""What was painted since the network last learnt has a white line, however it was painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fcn_studio.core.label_map import Provenance
from fcn_studio.session.whole_image import RegionOp
from fcn_studio.ui.canvas import fresh
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import RIGHT, WAIT_MS, drag, point_over, read_view

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2


def is_white_at_the_left(view: CanvasView, class_id: int) -> bool:
    """Whether the line round a class is white where it begins in its middle row."""
    labels = view.document.label_map.labels == class_id
    rows = np.flatnonzero(labels.any(axis=1))
    row = rows[rows.size // 2]
    point = point_over(view, row + 0.5, np.flatnonzero(labels[row])[0] + 0.3)
    return bool((read_view(view)[point.y(), point.x()] == 255).all())


@pytest.fixture
def painted(canvas: CanvasView) -> CanvasView:
    """A rectangle of cat with a hole, just painted."""
    canvas.choose_tool("rectangle")
    drag(canvas, [point_over(canvas, 20, 25), point_over(canvas, 40, 55)])
    drag(canvas, [point_over(canvas, 28, 35), point_over(canvas, 30, 38)], RIGHT)
    assert is_white_at_the_left(canvas, CAT)
    return canvas


def operate(view: CanvasView, qtbot: QtBot, operation: RegionOp) -> None:
    before = view.document.label_map.revision
    view.session.editing.request_region_op(operation, CAT, 4)
    qtbot.waitUntil(lambda: view.document.label_map.revision != before, timeout=WAIT_MS)


@pytest.mark.parametrize("operation", [RegionOp.GROW, RegionOp.SHRINK, RegionOp.FILL_HOLES, RegionOp.SMOOTH])
def test_a_region_that_was_just_painted_keeps_its_white_line(
    painted: CanvasView, qtbot: QtBot, operation: RegionOp
) -> None:
    operate(painted, qtbot, operation)
    assert is_white_at_the_left(painted, CAT)
    labels = painted.document.label_map.labels
    assert painted.scene.marks.fresh.painted[labels == CAT].all()


def test_what_was_grown_round_an_old_region_alone_is_fresh(painted: CanvasView, qtbot: QtBot) -> None:
    old = painted.document.label_map.labels == CAT
    painted.scene.marks.clear()  # as when a network has learnt it
    operate(painted, qtbot, RegionOp.GROW)
    assert np.array_equal(
        painted.scene.marks.fresh.painted, (painted.document.label_map.labels == CAT) & ~old
    )
    assert is_white_at_the_left(painted, CAT)


def test_a_fill_is_fresh_and_what_was_accepted_is_not(
    canvas: CanvasView, predict: Callable[..., object], qtbot: QtBot
) -> None:
    channels = np.zeros((60, 80), int)
    channels[5:25, 5:30], channels[35:55, 40:75] = CAT, DOG
    predict(channels)
    canvas.session.editing.request_accept_region(40, 50)
    qtbot.waitUntil(lambda: not canvas.document.label_map.is_empty, timeout=WAIT_MS)
    assert canvas.scene.marks.fresh is None
    canvas.choose_tool("fill")
    drag(canvas, [point_over(canvas, 10.5, 10.5)])
    provenance = canvas.document.label_map.provenance
    qtbot.waitUntil(lambda: bool((provenance == Provenance.PAINTED).any()), timeout=WAIT_MS)
    assert np.array_equal(canvas.scene.marks.fresh.painted, channels == CAT)
    assert is_white_at_the_left(canvas, CAT)
    assert not is_white_at_the_left(canvas, DOG)


def test_an_edit_too_large_to_be_marked_at_once_is_as_it_was(
    painted: CanvasView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "FRESH_PX", 100)
    operate(painted, qtbot, RegionOp.GROW)
    assert not is_white_at_the_left(painted, CAT)


def test_what_undo_takes_back_is_as_fresh_as_it_was_before(painted: CanvasView, qtbot: QtBot) -> None:
    painted.scene.marks.clear()  # the rectangle is old now
    painted.choose_tool("brush")
    painted.set_brush_size(6)
    drag(painted, [point_over(painted, 22, 50), point_over(painted, 22, 60)])
    first = painted.scene.marks.fresh.painted.copy()
    assert first.any()
    painted.session.classes.choose(DOG)
    for start in (30.5, 40.5):
        drag(painted, [point_over(painted, start, 20), point_over(painted, 20, 58)])
    both = painted.scene.marks.fresh.painted.copy()
    assert is_white_at_the_left(painted, DOG)
    painted.session.editing.undo()
    painted.session.editing.undo()
    assert np.array_equal(painted.scene.marks.fresh.painted, first)
    assert not is_white_at_the_left(painted, CAT)
    painted.session.editing.redo()
    painted.session.editing.redo()
    assert np.array_equal(painted.scene.marks.fresh.painted, both)
    operate(painted, qtbot, RegionOp.GROW)
    assert painted.scene.marks.fresh.painted.sum() > both.sum()
    painted.session.history.go_to(painted.session.history.place - 3)
    assert np.array_equal(painted.scene.marks.fresh.painted, first)
    drag(painted, [point_over(painted, 50, 20), point_over(painted, 50, 58)])
    painted.session.editing.undo()
    assert np.array_equal(painted.scene.marks.fresh.painted, first)


def test_what_a_stroke_covered_is_old_again_when_it_is_cancelled(painted: CanvasView) -> None:
    painted.scene.marks.clear()
    painted.scene.mark_all_stale()
    painted.choose_tool("pick")
    before = read_view(painted)
    painted.choose_tool("brush")
    painted.set_brush_size(8)
    painted.session.classes.choose(DOG)
    drag(painted, [point_over(painted, 40, 20), point_over(painted, 40, 60)], let_go=False)
    assert painted.scene.marks.fresh.painted.any()
    QTest.keyClick(painted, Qt.Key.Key_Escape)
    assert not painted.scene.marks.fresh.painted.any()
    painted.choose_tool("pick")
    assert np.array_equal(read_view(painted), before)
