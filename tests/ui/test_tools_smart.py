"""Smart brush, magic wand and accept brush with real mouse events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.similar import compute_similar
from fcn_studio.core.smart import compute_smart_dab
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import ALT, LEFT, NONE, RIGHT, WAIT_MS, drag, image_point, point_over, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2
ZOOMS = [(0, (200, 150)), (6, (130, 101)), (-4, (301, 77)), (14, (211, 163))]


@pytest.fixture
def two_colours(canvas: CanvasView) -> CanvasView:
    """The image on the canvas is green to the left of column 40 and red to the right, with noise."""
    pixels = np.full((60, 80, 3), (90, 140, 60), np.int64)
    pixels[:, 40:] = (170, 60, 50)
    pixels += np.random.default_rng(5).integers(-8, 9, pixels.shape)
    assert canvas.document is not None
    canvas.document.pixels = pixels.astype(np.uint8)
    return canvas


def labels_of(view: CanvasView) -> np.ndarray:
    assert view.scene.document is not None
    return view.scene.document.label_map.labels.copy()


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
def test_the_smart_brush_stops_at_the_edge_and_covers_its_way(
    two_colours: CanvasView, notches: int, at: tuple[int, int]
) -> None:
    canvas = two_colours
    wheel(canvas, QPoint(*at), notches)
    canvas.choose_tool("smart")
    canvas.set_brush_size(14)
    start, end = point_over(canvas, 15, 35.5), point_over(canvas, 45, 35.5)
    drag(canvas, [start, end])
    painted = labels_of(canvas) == CAT
    assert not painted[:, 41:].any()
    assert painted[16:44, 34:39].all()
    dab = compute_smart_dab(canvas.document.pixels, image_point(canvas, start), 14, 40)
    assert painted[dab[0].slices][dab[1]].all()
    assert len(canvas.document.history.done) == 1


@pytest.mark.parametrize("size_px", [3, 4, 5])
def test_the_smart_brush_leaves_no_gaps_on_a_fast_stroke(two_colours: CanvasView, size_px: int) -> None:
    two_colours.choose_tool("smart")
    two_colours.set_brush_size(size_px)
    drag(two_colours, [point_over(two_colours, 2.5, 30.5), point_over(two_colours, 58.5, 30.5)])
    painted = labels_of(two_colours) == CAT
    assert painted[2:59, 30].all()
    assert not painted[:, 34:].any()


def test_how_strong_an_edge_stops_it_can_be_told(two_colours: CanvasView) -> None:
    two_colours.choose_tool("smart")
    two_colours.set_brush_size(20)
    two_colours.options.set_number("edge", 150)
    two_colours.document.pixels = np.where(np.arange(80)[None, :, None] < 40, np.uint8(100), np.uint8(150))
    two_colours.document.pixels = np.broadcast_to(two_colours.document.pixels, (60, 80, 3)).copy()
    drag(two_colours, [point_over(two_colours, 30, 35.5)])
    assert (labels_of(two_colours)[:, 41:] == CAT).any()
    two_colours.options.set_number("edge", 40)
    drag(two_colours, [point_over(two_colours, 30, 35.5)], RIGHT)
    assert (labels_of(two_colours)[25:36, 30:40] == UNLABELLED).all()
    assert (labels_of(two_colours)[25:36, 41:44] == CAT).all()


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
@pytest.mark.parametrize("contiguous", [True, False])
def test_the_wand_takes_what_looks_alike(
    two_colours: CanvasView, qtbot: QtBot, notches: int, at: tuple[int, int], contiguous: bool
) -> None:
    canvas = two_colours
    canvas.document.pixels[:, 60:] = canvas.document.pixels[:, :20]
    wheel(canvas, QPoint(*at), notches)
    canvas.choose_tool("wand")
    canvas.options.set_number("tolerance", 20)
    canvas.options.set_flag("contiguous", contiguous)
    point = point_over(canvas, 30, 30)
    y, x = (int(value) for value in image_point(canvas, point))
    box, mask = compute_similar(canvas.document.pixels, y, x, 20, contiguous=contiguous)
    expected = np.zeros((60, 80), bool)
    expected[box.slices] = mask
    drag(canvas, [point])
    qtbot.waitUntil(lambda: not canvas.document.label_map.is_empty, timeout=WAIT_MS)
    assert np.array_equal(labels_of(canvas) == CAT, expected)
    assert expected[:, 60:].any() != contiguous
    drag(canvas, [point], modifiers=ALT)
    qtbot.waitUntil(lambda: canvas.document.label_map.is_empty, timeout=WAIT_MS)


@pytest.fixture
def channels() -> np.ndarray:
    made = np.zeros((60, 80), int)
    made[5:25, 5:30] = CAT
    made[35:55, 40:75] = DOG
    return made


@pytest.mark.parametrize(("notches", "at"), ZOOMS)
def test_a_click_accepts_the_region_and_a_right_click_rejects_it(
    canvas: CanvasView,
    predict: Callable[..., object],
    channels: np.ndarray,
    qtbot: QtBot,
    notches: int,
    at: tuple[int, int],
) -> None:
    predict(channels)
    wheel(canvas, QPoint(*at), notches)
    canvas.choose_tool("accept")
    drag(canvas, [point_over(canvas, 10.5, 10.5)])
    qtbot.waitUntil(lambda: not canvas.document.label_map.is_empty, timeout=WAIT_MS)
    assert np.array_equal(labels_of(canvas) == CAT, channels == CAT)
    assert (canvas.document.label_map.provenance[channels == CAT] == Provenance.ACCEPTED).all()
    drag(canvas, [point_over(canvas, 45.5, 60.5)], RIGHT)
    qtbot.waitUntil(lambda: len(canvas.document.history.done) == 2, timeout=WAIT_MS)
    assert (labels_of(canvas)[channels == DOG] == 0).all()
    assert (labels_of(canvas)[channels == 0] == UNLABELLED).all()


def test_a_drag_accepts_what_the_tip_passes_over(
    canvas: CanvasView, predict: Callable[..., object], channels: np.ndarray
) -> None:
    predict(channels)
    canvas.choose_tool("accept")
    canvas.set_brush_size(6)
    drag(canvas, [point_over(canvas, 15, 15), point_over(canvas, 15, 70)])
    labels = labels_of(canvas)
    assert (labels[13:17, 16:30] == CAT).all()
    assert (labels[13:17, 30:68] == 0).all()
    assert set(np.unique(labels)) == {0, CAT, UNLABELLED}
    assert [edit.name for edit in canvas.document.history.done] == ["Accept"]
    drag(canvas, [point_over(canvas, 15, 15), point_over(canvas, 15, 70)], RIGHT)
    assert (labels_of(canvas)[13:17, 16:68] == 0).all()


def test_escape_takes_a_running_accept_back(
    canvas: CanvasView, predict: Callable[..., object], channels: np.ndarray
) -> None:
    predict(channels)
    canvas.choose_tool("accept")
    drag(canvas, [point_over(canvas, 15, 15), point_over(canvas, 15, 70)], let_go=False)
    canvas.tool.cancel()
    QTest.mouseRelease(canvas, LEFT, NONE, point_over(canvas, 15, 70))
    assert canvas.document.label_map.is_empty


def test_without_a_prediction_a_click_says_so(
    canvas: CanvasView, open_session: Session, qtbot: QtBot
) -> None:
    told = []
    open_session.events.notice.connect(told.append)
    canvas.choose_tool("accept")
    drag(canvas, [point_over(canvas, 15, 15)])
    assert "no prediction" in told[0].text
    drag(canvas, [point_over(canvas, 15, 15), point_over(canvas, 40, 40)])
    assert canvas.document.label_map.is_empty
