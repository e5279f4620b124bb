"""The pointer on the canvas: the pixel it means, the brush's ring, what it repaints."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import SHIFT, drag, image_point, point_over, seen, wheel


def test_the_pointer_tells_the_pixel_below_it(canvas: CanvasView) -> None:
    told: list[tuple[int, int] | None] = []
    canvas.pointer_moved.connect(told.append)
    for pixel in ((0, 0), (59, 79), (30, 41)):
        QTest.mouseMove(canvas, point_over(canvas, pixel[0] + 0.5, pixel[1] + 0.5))
        assert told[-1] == pixel
    QTest.mouseMove(canvas, QPoint(1, 1))
    assert told[-1] is None


def test_at_any_zoom_the_pointer_means_the_pixel_that_is_seen(canvas: CanvasView) -> None:
    told: list[tuple[int, int] | None] = []
    canvas.pointer_moved.connect(told.append)
    rng = np.random.default_rng(0)
    for notches in (0, 3, 7, 4):
        wheel(canvas, QPoint(170, 140), notches)
        transform = canvas.scene.transform
        for x, y in rng.integers((100, 80), (300, 220), (20, 2)).tolist():
            QTest.mouseMove(canvas, QPoint(x, y))
            assert told[-1] == (transform.rows_under(y, y + 1)[0], transform.columns_under(x, x + 1)[0])


def test_moving_the_ring_composes_nothing(canvas: CanvasView) -> None:
    QTest.mouseMove(canvas, QPoint(150, 150))
    seen(canvas)
    drawn = canvas.scene.frame.refreshed_pixels
    for x in range(150, 190, 5):
        QTest.mouseMove(canvas, QPoint(x, 150))
        QApplication.processEvents()
    assert canvas._ring is not None
    assert canvas.scene.frame.refreshed_pixels == drawn


def test_the_ring_has_the_true_size_and_is_seen_on_black_and_white(canvas: CanvasView) -> None:
    canvas.set_backdrop(QColor("white"))
    canvas.set_brush_size(10)
    bare = seen(canvas)
    point = point_over(canvas, 30, 40)
    QTest.mouseMove(canvas, point)
    ringed = seen(canvas)
    ys, xs = np.nonzero(np.abs(ringed.astype(int) - bare).max(axis=2) > 25)
    diameter = 10 * canvas.zoom
    assert xs.max() - xs.min() == pytest.approx(diameter, abs=4)
    assert ys.max() - ys.min() == pytest.approx(diameter, abs=4)
    on_ring = ringed[ys, xs].mean(axis=1)
    assert on_ring.max() > 200
    assert on_ring.min() < 60
    QTest.mouseMove(canvas, QPoint(2, 2))


def test_a_brush_of_one_pixel_is_shown_as_that_pixel(canvas: CanvasView) -> None:
    canvas.set_brush_size(1)
    wheel(canvas, QPoint(200, 150), 30)
    QTest.mouseMove(canvas, QPoint(205, 155))
    ring, transform = canvas._ring, canvas.scene.transform
    assert ring is not None
    assert ring.is_square
    y, x = (int(value // 1) for value in image_point(canvas, QPoint(205, 155)))
    top, left = transform.to_view(y, x)
    assert (ring.rect.x(), ring.rect.y()) == pytest.approx((left, top))
    assert ring.rect.width() == pytest.approx(transform.scale)


def test_shift_and_wheel_size_the_brush_within_its_limits(canvas: CanvasView) -> None:
    sizes: list[int] = []
    canvas.brush_size_changed.connect(sizes.append)
    canvas.set_brush_size(1)
    wheel(canvas, QPoint(200, 150), 1, SHIFT)
    assert canvas.brush_size_px == 2
    wheel(canvas, QPoint(200, 150), 100, SHIFT)
    assert canvas.brush_size_px == 500
    for _ in range(100):
        wheel(canvas, QPoint(200, 150), -1, SHIFT)
    assert canvas.brush_size_px == 1
    assert sizes[:2] == [1, 2]
    assert canvas.zoom == canvas.scene.transform.fit_scale


def test_a_dab_repaints_its_own_box_only(canvas: CanvasView) -> None:
    canvas.set_brush_size(4)
    seen(canvas)
    drawn = canvas.scene.frame.refreshed_pixels
    drag(canvas, [point_over(canvas, 20, 20)])
    scale = canvas.zoom
    assert 0 < canvas.scene.frame.refreshed_pixels - drawn <= (5 * scale + 6) ** 2


def test_tools_and_hints_are_told(canvas: CanvasView) -> None:
    tools: list[str] = []
    hints: list[str] = []
    canvas.tool_changed.connect(tools.append)
    canvas.hint_changed.connect(hints.append)
    for tool in ("eraser", "fill", "pick", "nonsense", "brush"):
        canvas.choose_tool(tool)
    assert tools == ["eraser", "fill", "pick", "brush"]
    assert canvas.tool_id == "brush"
    assert all(hints)
