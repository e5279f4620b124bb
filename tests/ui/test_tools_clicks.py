"""Fill and pick with real mouse events, and what all tools have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint

from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.commands import BY_ID
from fcn_studio.ui.tools.toolbox import TOOLS
from tests.ui.pointing import ALT, RIGHT, WAIT_MS, drag, point_over

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2


@pytest.fixture
def channels() -> np.ndarray:
    """A network that sees a cat in the upper left, a dog in the lower right."""
    made = np.zeros((60, 80), int)
    made[5:25, 5:30] = CAT
    made[35:55, 40:75] = DOG
    return made


def test_fill_gives_a_region_of_the_mask_the_class(
    canvas: CanvasView,
    open_session: Session,
    predict: Callable[..., object],
    channels: np.ndarray,
    qtbot: QtBot,
) -> None:
    predict(channels)
    open_session.classes.choose(DOG)
    canvas.choose_tool("fill")
    drag(canvas, [point_over(canvas, 10.5, 10.5)])
    qtbot.waitUntil(lambda: not canvas.document.label_map.is_empty, timeout=WAIT_MS)
    labels = canvas.document.label_map.labels
    assert np.array_equal(labels == DOG, channels == CAT)
    drag(canvas, [point_over(canvas, 10.5, 10.5)], RIGHT)
    qtbot.waitUntil(lambda: canvas.document.label_map.is_empty, timeout=WAIT_MS)
    assert [edit.name for edit in canvas.document.history.done] == ["Fill with dog", "Erase region"]


def test_fill_outside_the_image_does_nothing(canvas: CanvasView, open_session: Session, qtbot: QtBot) -> None:
    canvas.choose_tool("fill")
    drag(canvas, [QPoint(1, 1)])
    qtbot.wait(100)
    assert not open_session.editing.can_undo


def test_pick_takes_the_label_before_the_prediction(
    canvas: CanvasView, open_session: Session, predict: Callable[..., object], channels: np.ndarray
) -> None:
    predict(channels)
    open_session.classes.choose(DOG)
    canvas.set_brush_size(4)
    drag(canvas, [point_over(canvas, 15, 15)])  # a dog painted on the cat
    open_session.classes.choose(0)
    canvas.choose_tool("pick")
    for point, class_id in (((10, 26), CAT), ((15, 15), DOG), ((57, 3), 0), ((45, 60), DOG)):
        drag(canvas, [point_over(canvas, *point)])
        assert open_session.classes.chosen_id == class_id
    drag(canvas, [QPoint(1, 1)])  # outside: the class stays
    assert open_session.classes.chosen_id == DOG


def test_alt_picks_in_the_fill_too(
    canvas: CanvasView,
    open_session: Session,
    predict: Callable[..., object],
    channels: np.ndarray,
    qtbot: QtBot,
) -> None:
    predict(channels)
    open_session.classes.choose(CAT)
    canvas.choose_tool("fill")
    drag(canvas, [point_over(canvas, 45, 60)], modifiers=ALT)
    qtbot.wait(50)
    assert open_session.classes.chosen_id == DOG
    assert canvas.document.label_map.is_empty


def test_pick_on_an_unlabelled_pixel_without_prediction_changes_nothing(
    canvas: CanvasView, open_session: Session
) -> None:
    before = open_session.classes.chosen_id
    canvas.choose_tool("pick")
    drag(canvas, [point_over(canvas, 30, 30)])
    assert open_session.classes.chosen_id == before


def test_every_tool_says_what_it_is() -> None:
    ids = [tool.id for tool in TOOLS]
    assert len(set(ids)) == len(ids)
    assert len({tool.key for tool in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert tool.title
        assert tool.hint
        assert tool.icon.startswith("mdi6.")


def test_every_tool_is_in_the_command_table_with_its_key() -> None:
    for tool in TOOLS:
        command = BY_ID[f"tool_{tool.id}"]
        assert command.keys[0] == tool.key
        assert f"mdi6.{command.icon}" == tool.icon


def test_choosing_another_tool_in_mid_stroke_keeps_the_stroke(
    canvas: CanvasView, open_session: Session
) -> None:
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 50)], let_go=False)
    canvas.choose_tool("eraser")
    assert not open_session.editing.in_stroke
    assert len(canvas.document.history.done) == 1
