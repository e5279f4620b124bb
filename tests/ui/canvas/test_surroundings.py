"""Minimap, rulers and pixel grid: there when they are of use, out of the way when not."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.rulers import find_step
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import LEFT, NONE, drag, point_over, read_view, wheel


@pytest.fixture
def large(canvas: CanvasView) -> CanvasView:
    """A canvas with room for a minimap."""
    canvas.resize(640, 480)
    QApplication.processEvents()
    return canvas


def test_the_minimap_is_there_while_a_part_is_seen(large: CanvasView) -> None:
    minimap = large.surroundings.minimap
    assert not minimap.isVisible()
    wheel(large, QPoint(300, 200), 6)
    assert minimap.isVisible()
    assert large.rect().contains(minimap.geometry())
    large.set_minimap_shown(False)
    assert not minimap.isVisible()
    large.set_minimap_shown(True)
    large.zoom_fit()
    assert not minimap.isVisible()
    wheel(large, QPoint(300, 200), 6)
    large.resize(300, 240)
    QApplication.processEvents()
    assert not minimap.isVisible()  # no room


def test_a_click_and_a_drag_in_the_minimap_go_there(large: CanvasView) -> None:
    wheel(large, QPoint(300, 200), 10)
    minimap = large.surroundings.minimap
    scale = large.zoom

    def middle() -> tuple[float, float]:
        return large.scene.transform.to_image(240, 320)

    places = [QPoint(minimap.width() // 4, minimap.height() // 4), minimap.rect().center()]
    QTest.mousePress(minimap, LEFT, NONE, places[0])
    first = middle()
    QTest.mouseMove(minimap, places[1])
    QTest.mouseRelease(minimap, LEFT, NONE, places[1])
    assert first == pytest.approx((15, 20), abs=4)
    assert middle() == pytest.approx((30, 40), abs=3)
    assert large.zoom == scale
    assert not large.session.editing.can_undo


def test_the_minimap_gives_way_to_a_stroke(large: CanvasView) -> None:
    wheel(large, QPoint(300, 200), 6)
    minimap = large.surroundings.minimap
    corner = minimap.geometry().center()
    drag(large, [QPoint(300, 200), corner], let_go=False)
    assert not minimap.isVisible()
    QTest.mouseRelease(large, LEFT, NONE, corner)
    assert minimap.isVisible()


def test_rulers_are_off_until_they_are_wanted(canvas: CanvasView) -> None:
    bare = read_view(canvas)
    top, left = canvas.surroundings.rulers
    assert not top.isVisible()
    canvas.set_rulers_shown(True)
    assert top.isVisible()
    picture = read_view(canvas)
    assert (picture[:20] != bare[:20]).any()
    assert (picture[20:, :20] != bare[20:, :20]).any()
    assert np.array_equal(picture[20:, 20:], bare[20:, 20:])
    before = read_view(canvas)
    QTest.mouseMove(canvas, point_over(canvas, 30, 40))
    assert (read_view(canvas)[:20] != before[:20]).any()  # the pointer's place
    canvas.set_rulers_shown(False)
    assert not left.isVisible()


@pytest.mark.parametrize(("scale", "step"), [(64, 1), (20, 5), (2, 50), (1, 100), (0.1, 1000), (0.03, 5000)])
def test_numbers_on_rulers_are_round_and_apart(scale: float, step: int) -> None:
    assert find_step(scale) == step
    assert step * scale >= 64


def test_the_grid_appears_from_near_and_shows_the_borders_of_pixels(
    canvas: CanvasView, open_session: Session
) -> None:
    canvas.choose_tool("pick")
    for scale, is_seen in ((4.0, False), (16.0, True), (64.0, True)):
        canvas.move_to(canvas.scene.transform.centred_on(30, 40, scale))
        canvas.scene.set_grid_shown(False)
        bare = read_view(canvas).astype(int)
        canvas.scene.set_grid_shown(True)
        picture = read_view(canvas).astype(int)
        differs = (picture != bare).any(axis=2)
        assert differs.any() == is_seen
        if is_seen:
            columns = canvas.scene.transform.columns_under(0, 400)
            on_border = np.flatnonzero(columns[1:] != columns[:-1]) + 1
            assert differs[:, on_border].all()
            assert np.abs(picture - bare)[:, on_border].max(axis=2).min() >= 20
            inside = on_border[:-1] + int(scale) // 2
            rows = canvas.scene.transform.rows_under(0, 300)
            off_rows = np.flatnonzero(rows[1:] == rows[:-1]) + 1
            assert not differs[np.ix_(off_rows, inside)].any()
