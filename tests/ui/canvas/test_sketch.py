"""A long open outline: only what is new of it is looked at and repainted, and it looks as if all were."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.ui.canvas.sketch import PIECE_POINTS, DrawnSketch
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.tools.base import Sketch
from tests.ui.pointing import LEFT, NONE, RIGHT, SHIFT, wheel


def on_screen(view: CanvasView) -> np.ndarray:
    """uint8 [h, w, 4]: what stands in the window, put together from all partial repaints."""
    QApplication.processEvents()
    image = view.screen().grabWindow(view.winId()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()


def spiral(count: int) -> list[QPoint]:
    angles = [number * 0.11 for number in range(count)]
    return [
        QPoint(round(200 + (20 + 3 * a) * math.sin(a)), round(150 + (20 + 2 * a) * math.cos(a)))
        for a in angles
    ]


def draw(view: CanvasView, points: list[QPoint], button: Qt.MouseButton) -> None:
    """A lasso's line, still held."""
    view.choose_tool("lasso")
    QTest.mousePress(view, button, NONE, points[0])
    for point in points[1:]:
        QTest.mouseMove(view, point)
        QApplication.processEvents()


@pytest.mark.parametrize("button", [LEFT, RIGHT])
def test_a_lasso_repainted_bit_by_bit_looks_like_one_painted_at_once(
    canvas: CanvasView, button: Qt.MouseButton
) -> None:
    wheel(canvas, QPoint(200, 150), 3)
    points = spiral(3 * PIECE_POINTS + 20)
    draw(canvas, points, button)
    steps = [lambda: QTest.mouseRelease(canvas, button, SHIFT, points[-1])]
    steps += [lambda at=at: QTest.mouseMove(canvas, at) for at in (QPoint(300, 40), QPoint(60, 250))]
    steps += [lambda: QTest.keyClick(canvas, Qt.Key.Key_Backspace)] * (2 * PIECE_POINTS)
    steps += [lambda: QTest.keyClick(canvas, Qt.Key.Key_Escape)]
    canvas.setFocus()
    for number, step in enumerate([lambda: None, *steps]):
        step()
        if number % 9 < 4 or number >= len(steps) - 1:
            bit_by_bit = on_screen(canvas)
            canvas.update()
            apart = np.abs(bit_by_bit.astype(int) - on_screen(canvas))
            assert apart.max() <= 8, number  # Qt cuts sides where the repainted part ends, and rounds there
    assert canvas._sketch is None


def test_an_outline_that_grows_and_shrinks_is_the_one_drawn_anew() -> None:
    points = tuple((float(point.y()), float(point.x())) for point in spiral(3 * PIECE_POINTS))

    def make(count: int) -> Sketch:
        return Sketch(points[:count], points[:1], is_closed=True, erases=True)

    def paint(drawn: DrawnSketch) -> np.ndarray:
        image = QImage(400, 300, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        drawn.paint(painter, None, QRegion(image.rect()))
        painter.end()
        return np.frombuffer(image.constBits(), np.uint8).copy()

    def to_view(y: float, x: float) -> QPointF:
        return QPointF(x, y)

    drawn = DrawnSketch(make(PIECE_POINTS + 1), to_view)
    counts = [*range(PIECE_POINTS + 2, len(points)), *range(len(points), PIECE_POINTS + 1, -1)]
    for count in counts:
        assert drawn.grow(make(count)) is not None
        if count % PIECE_POINTS < 6:
            assert np.array_equal(paint(drawn), paint(DrawnSketch(make(count), to_view))), count
    assert drawn.grow(make(len(points))) is not None
    assert drawn.grow(make(PIECE_POINTS)) is None


def test_a_move_of_a_long_lasso_looks_at_its_end_only(
    canvas: CanvasView, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[tuple[float, float]] = []
    to_logical = CanvasView._to_logical

    def count(view: CanvasView, y: float, x: float) -> object:
        converted.append((y, x))
        return to_logical(view, y, x)

    monkeypatch.setattr(CanvasView, "_to_logical", count)
    points = spiral(300)
    draw(canvas, points[:200], LEFT)
    assert len(canvas.tool.sketch.points) > 150
    converted.clear()
    for point in points[200:]:
        QTest.mouseMove(canvas, point)
        QApplication.processEvents()
    assert 100 <= len(converted) <= 2 * 100  # the new point, and the first one for its handle
    wheel(canvas, QPoint(200, 150), 1)
    assert len(converted) > 400, "elsewhere all of it has to be found anew"
    QTest.mouseRelease(canvas, LEFT, NONE, points[-1])
