"""Two predictions over one image: who is shown where, the line to drag, and painting in either half."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.box import Box
from fcn_studio.core.prediction import Prediction
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import LEFT, MIDDLE, NONE, drag, read_view, wheel

Predict = Callable[..., Prediction]
SPLIT = 200  # of the canvas of 400 px


@pytest.fixture
def comparing(canvas: CanvasView, open_session: Session, predict: Predict) -> CanvasView:
    """The canvas; the active network sees cats everywhere, the other one dogs."""
    predict(np.ones((60, 80), int))
    mine = open_session.document.prediction
    open_session.document.comparison = Prediction(
        np.full((60, 80), 2, np.uint8), mine.confidence, mine.class_keys, "other", True, 0.0, "test"
    )
    open_session.events.comparison_changed.emit("a.png")
    canvas.choose_tool("pick")  # no ring in the pictures
    return canvas


def look(view: CanvasView, shown: int) -> np.ndarray:
    """The picture with one prediction alone."""
    document = view.session.document
    kept = document.prediction, document.comparison
    document.prediction = kept[shown]
    mode = view.scene.comparison.mode
    view.set_compare_mode(CompareMode.OFF)
    view.scene.mark_all_stale(new_colors=True)
    picture = read_view(view)
    document.prediction = kept[0]
    view.set_compare_mode(mode)
    view.scene.mark_all_stale(new_colors=True)
    return picture


def test_swiping_shows_one_prediction_on_either_side(comparing: CanvasView) -> None:
    cats, dogs = look(comparing, 0), look(comparing, 1)
    assert not np.array_equal(cats, dogs)
    comparing.set_compare_mode(CompareMode.SWIPE)
    picture = read_view(comparing)
    rows = slice(60, 130)  # below the names, above the knob
    assert np.array_equal(picture[rows, : SPLIT - 4], cats[rows, : SPLIT - 4])
    assert np.array_equal(picture[rows, SPLIT + 4 :], dogs[rows, SPLIT + 4 :])
    comparing.set_compare_mode(CompareMode.OFF)
    assert np.array_equal(read_view(comparing), cats)


def test_the_knob_is_dragged_and_only_what_it_passed_is_drawn(comparing: CanvasView) -> None:
    comparing.set_compare_mode(CompareMode.SWIPE)
    cats = look(comparing, 0)
    read_view(comparing)
    knob, drawn = comparing.divider, comparing.scene.frame.refreshed_pixels
    middle = QPoint(knob.width() // 2, knob.height() // 2)
    QTest.mousePress(knob, LEFT, NONE, middle)
    QTest.mouseMove(knob, middle + QPoint(80, 0))
    QTest.mouseRelease(knob, LEFT, NONE, middle + QPoint(80, 0))
    QApplication.processEvents()
    assert comparing.scene.comparison.share == pytest.approx(0.7, abs=0.01)
    assert knob.geometry().center().x() == pytest.approx(280, abs=2)
    picture = read_view(comparing)
    assert comparing.scene.frame.refreshed_pixels - drawn <= 82 * 300
    assert np.array_equal(picture[60:130, :275], cats[60:130, :275])
    knob.setFocus()
    QTest.keyClick(knob, Qt.Key.Key_Left)
    assert comparing.scene.comparison.share == pytest.approx(0.68, abs=0.01)


def test_side_by_side_shows_the_same_part_twice(comparing: CanvasView) -> None:
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    transform = comparing.scene.transform
    assert transform.view_hw == (300, SPLIT)
    assert transform == transform.fitted()
    comparing.session.document.comparison = comparing.session.document.prediction
    comparing.session.events.comparison_changed.emit("a.png")
    wheel(comparing, QPoint(100, 150), 4)
    picture = read_view(comparing)
    assert np.array_equal(picture[60:, 4 : SPLIT - 4], picture[60:, SPLIT + 4 : 2 * SPLIT - 4])


@pytest.mark.parametrize("x", [110, 110 + SPLIT])
def test_painting_in_either_half_means_the_pixel_that_is_seen(comparing: CanvasView, x: int) -> None:
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    wheel(comparing, QPoint(100, 150), 8)
    comparing.choose_tool("brush")
    comparing.set_brush_size(1)
    transform = comparing.scene.transform
    before = read_view(comparing)
    drag(comparing, [QPoint(x, 160)])
    row, column = transform.rows_under(160, 161)[0], transform.columns_under(110, 111)[0]
    assert np.argwhere(comparing.document.label_map.labels != 255).tolist() == [[row, column]]
    changed = (read_view(comparing) != before).any(axis=2)
    assert changed[160, 108:113].any()
    assert changed[160, 108 + SPLIT : 113 + SPLIT].any()


@pytest.mark.parametrize("x", [120, 120 + SPLIT])
def test_zoom_keeps_the_point_under_the_pointer_in_either_half(comparing: CanvasView, x: int) -> None:
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    wheel(comparing, QPoint(x, 150), 4)
    before = comparing.scene.transform.to_image(150.5, 120.5)
    wheel(comparing, QPoint(x, 150), 3)
    assert comparing.scene.transform.to_image(150.5, 120.5) == pytest.approx(before, abs=0.2)


def test_a_stroke_stays_in_the_half_where_it_began(comparing: CanvasView) -> None:
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    comparing.choose_tool("brush")
    comparing.set_brush_size(2)
    drag(comparing, [QPoint(150, 150), QPoint(SPLIT - 2, 150), QPoint(SPLIT + 30, 150)])
    columns = np.nonzero((comparing.document.label_map.labels != 255).any(axis=0))[0]
    first = int(comparing.scene.transform.to_image(0, 150)[1])
    assert columns.min() >= first - 2


def test_panning_and_another_size_keep_both_halves_in_step(comparing: CanvasView) -> None:
    comparing.set_minimap_shown(False)
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    comparing.session.document.comparison = comparing.session.document.prediction
    wheel(comparing, QPoint(100, 150), 8)
    drag(comparing, [QPoint(300, 150), QPoint(280, 170)], MIDDLE)
    comparing.resize(500, 320)
    QApplication.processEvents()
    assert comparing.scene.transform.view_hw == (320, 250)
    picture = read_view(comparing)
    assert np.array_equal(picture[60:, 4:246], picture[60:, 254:496])


def test_an_open_outline_stays_on_its_pixels_when_the_halves_change(comparing: CanvasView) -> None:
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    comparing.choose_tool("polygon")
    for place in (QPoint(260, 120), QPoint(330, 120), QPoint(330, 190)):
        drag(comparing, [place])

    def is_in_place(shift: int) -> bool:
        points = [comparing.scene.transform.to_view(*point) for point in comparing.tool.sketch.points]
        drawn = [(point.y(), point.x() - shift) for point in comparing._sketch.points]
        return drawn == [pytest.approx(point) for point in points]

    assert is_in_place(SPLIT)
    comparing.resize(500, 300)
    QApplication.processEvents()
    assert is_in_place(250)
    comparing.set_compare_mode(CompareMode.OFF)
    assert is_in_place(0)


@pytest.mark.parametrize("width", [400, 401, 402, 403])
def test_both_halves_show_what_is_painted_to_their_last_column(comparing: CanvasView, width: int) -> None:
    comparing.resize(width, 300)
    comparing.set_compare_mode(CompareMode.SIDE_BY_SIDE)
    comparing.set_minimap_shown(False)
    wheel(comparing, QPoint(100, 150), 12)
    read_view(comparing)
    box = Box(0, 0, 60, 80)
    comparing.session.editing.apply_shape("all", box, lambda: (box, np.ones((60, 80), bool)), 2)
    picture = read_view(comparing)
    comparing.scene.mark_all_stale()
    assert np.array_equal(read_view(comparing), picture)
