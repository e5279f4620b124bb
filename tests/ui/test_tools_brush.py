"""Brush and eraser with real mouse events: the very pixels of the raster, at any zoom, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.raster import make_capsule
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import ALT, LEFT, RIGHT, SHIFT, drag, image_point, point_over, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CAT, DOG = 1, 2


def expected_mask(view: CanvasView, points: list[QPoint], size_px: int) -> np.ndarray:
    """bool [H, W]: what the raster says about a drag through these pixels of the view."""
    shape_hw = view.scene.transform.image_hw
    mask = np.zeros(shape_hw, bool)
    places = [image_point(view, point) for point in points]
    for start, end in zip([places[0], *places[:-1]], places, strict=True):
        box, part = make_capsule(start, end, size_px, shape_hw)
        if not box.is_empty:
            mask[box.slices] |= part
    return mask


def labels_of(view: CanvasView) -> np.ndarray:
    assert view.scene.document is not None
    return view.scene.document.label_map.labels.copy()


def bytes_of(view: CanvasView) -> tuple[bytes, bytes]:
    assert view.scene.document is not None
    label_map = view.scene.document.label_map
    return label_map.labels.tobytes(), label_map.provenance.tobytes()


@pytest.mark.parametrize("size_px", [1, 2, 7, 30])
@pytest.mark.parametrize(
    ("notches", "at"), [(0, (200, 150)), (9, (130, 101)), (15, (301, 77)), (60, (211, 163))]
)
def test_a_drag_paints_the_very_pixels_of_the_raster(
    canvas: CanvasView, open_session: Session, notches: int, at: tuple[int, int], size_px: int
) -> None:
    open_session.classes.choose(DOG)
    canvas.set_brush_size(size_px)
    wheel(canvas, QPoint(*at), notches)
    points = [QPoint(90, 80), QPoint(140, 95), QPoint(230, 210), QPoint(228, 214), QPoint(310, 120)]
    expected = expected_mask(canvas, points, size_px)
    assert expected.any()
    drag(canvas, points)
    labels = labels_of(canvas)
    assert np.array_equal(labels == DOG, expected)
    assert (labels[~expected] == UNLABELLED).all()
    provenance = canvas.document.label_map.provenance
    assert (provenance[expected] == Provenance.PAINTED).all()
    assert (provenance[~expected] == Provenance.NONE).all()


def test_from_64_times_near_a_click_of_one_pixel_paints_the_pixel_that_is_seen(canvas: CanvasView) -> None:
    canvas.set_brush_size(1)
    wheel(canvas, QPoint(123, 77), 60)
    assert canvas.zoom == 64
    for x, y in ((3, 5), (200, 150), (399, 299), (127, 290)):
        transform = canvas.scene.transform
        pixel = transform.rows_under(y, y + 1)[0], transform.columns_under(x, x + 1)[0]
        before = labels_of(canvas)
        drag(canvas, [QPoint(x, y)])
        changed = np.argwhere(labels_of(canvas) != before)
        assert changed.tolist() in ([list(pixel)], [])
        assert labels_of(canvas)[pixel] == CAT


@pytest.mark.parametrize("size_px", [1, 3, 12])
def test_a_fast_drag_has_no_gaps(canvas: CanvasView, size_px: int) -> None:
    canvas.set_brush_size(size_px)
    drag(canvas, [point_over(canvas, 2, 3), point_over(canvas, 55, 70), point_over(canvas, 10, 76)])
    _, count = ndimage.label(labels_of(canvas) == CAT, np.ones((3, 3)))
    assert count == 1


def test_the_last_piece_of_a_drag_counts_even_without_a_move(canvas: CanvasView) -> None:
    canvas.set_brush_size(3)
    points = [point_over(canvas, 10, 10), point_over(canvas, 40, 60)]
    expected = expected_mask(canvas, points, 3)
    QTest.mousePress(canvas, LEFT, Qt.KeyboardModifier.NoModifier, points[0])
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, points[1])
    assert np.array_equal(labels_of(canvas) == CAT, expected)


def test_nothing_is_painted_outside_the_image(canvas: CanvasView, open_session: Session) -> None:
    canvas.set_brush_size(6)
    drag(canvas, [QPoint(1, 1), QPoint(3, 298)])  # left of the image
    assert canvas.document.label_map.is_empty
    assert not open_session.editing.can_undo
    points = [QPoint(1, 150), QPoint(399, 150)]  # in from one side, out at the other
    expected = expected_mask(canvas, points, 6)
    drag(canvas, points)
    assert np.array_equal(labels_of(canvas) == CAT, expected)


def test_a_right_drag_erases_back_to_unlabelled(canvas: CanvasView) -> None:
    canvas.set_brush_size(15)
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)])
    painted = labels_of(canvas) == CAT
    canvas.set_brush_size(5)
    points = [point_over(canvas, 30, 30), point_over(canvas, 32, 50)]
    erased = expected_mask(canvas, points, 5)
    drag(canvas, points, RIGHT)
    assert np.array_equal(labels_of(canvas) == CAT, painted & ~erased)
    assert (canvas.document.label_map.provenance[erased] == Provenance.NONE).all()


@pytest.mark.parametrize("button", [LEFT, RIGHT])
def test_the_eraser_erases_with_either_button(canvas: CanvasView, button: Qt.MouseButton) -> None:
    canvas.set_brush_size(15)
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)])
    painted = labels_of(canvas) == CAT
    canvas.choose_tool("eraser")
    canvas.set_brush_size(15)
    points = [point_over(canvas, 30, 30), point_over(canvas, 32, 50)]
    erased = expected_mask(canvas, points, 15)
    drag(canvas, points, button)
    assert np.array_equal(labels_of(canvas) == CAT, painted & ~erased)


def test_one_drag_is_one_edit_and_undo_brings_every_byte_back(
    canvas: CanvasView, open_session: Session
) -> None:
    states = [bytes_of(canvas)]
    rng = np.random.default_rng(0)
    for number in range(6):
        open_session.classes.choose(number % 3)
        canvas.set_brush_size(int(rng.integers(1, 20)))
        points = [QPoint(int(x), int(y)) for x, y in rng.integers((60, 40), (340, 260), (5, 2))]
        drag(canvas, points, RIGHT if number == 4 else LEFT)
        states.append(bytes_of(canvas))
    assert len(canvas.document.history.done) == 6
    for state in reversed(states[:-1]):
        open_session.editing.undo()
        assert bytes_of(canvas) == state
    for state in states[1:]:
        open_session.editing.redo()
        assert bytes_of(canvas) == state


def test_shift_and_click_draws_a_straight_line_from_the_last_point(canvas: CanvasView) -> None:
    canvas.set_brush_size(3)
    first, second = point_over(canvas, 10, 10), point_over(canvas, 50, 70)
    drag(canvas, [first])
    expected = expected_mask(canvas, [first, second], 3)
    drag(canvas, [second], modifiers=SHIFT)
    assert np.array_equal(labels_of(canvas) == CAT, expected)
    assert len(canvas.document.history.done) == 2


def test_the_first_click_with_shift_is_a_dab(canvas: CanvasView) -> None:
    canvas.set_brush_size(3)
    point = point_over(canvas, 20, 20)
    drag(canvas, [point], modifiers=SHIFT)
    assert np.array_equal(labels_of(canvas) == CAT, expected_mask(canvas, [point], 3))


def test_a_line_never_starts_in_another_image(
    canvas: CanvasView, show_image: Callable[[CanvasView, str], None]
) -> None:
    canvas.set_brush_size(3)
    drag(canvas, [point_over(canvas, 10, 10)])
    show_image(canvas, "b.png")
    point = point_over(canvas, 40, 50)
    drag(canvas, [point], modifiers=SHIFT)
    assert np.array_equal(labels_of(canvas) == CAT, expected_mask(canvas, [point], 3))


def test_alt_and_click_picks_and_paints_nothing(canvas: CanvasView, open_session: Session) -> None:
    open_session.classes.choose(DOG)
    drag(canvas, [point_over(canvas, 30, 40)])
    before = bytes_of(canvas)
    open_session.classes.choose(CAT)
    drag(canvas, [point_over(canvas, 30, 40)], modifiers=ALT)
    assert open_session.classes.chosen_id == DOG
    assert bytes_of(canvas) == before


def test_escape_takes_the_running_stroke_back(canvas: CanvasView, open_session: Session) -> None:
    drag(canvas, [point_over(canvas, 10, 10)])
    before = bytes_of(canvas)
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    assert bytes_of(canvas) != before
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert bytes_of(canvas) == before
    QTest.mouseMove(canvas, point_over(canvas, 50, 50))
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, point_over(canvas, 50, 50))
    assert bytes_of(canvas) == before
    assert len(canvas.document.history.done) == 1
    assert not open_session.editing.in_stroke


def test_losing_the_focus_keeps_what_was_painted(canvas: CanvasView, open_session: Session) -> None:
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    painted = bytes_of(canvas)
    QApplication.sendEvent(canvas, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    assert not open_session.editing.in_stroke
    assert open_session.editing.can_undo
    QTest.mouseMove(canvas, point_over(canvas, 55, 60))
    assert bytes_of(canvas) == painted


def test_another_image_in_mid_stroke_keeps_the_stroke_where_it_was(
    canvas: CanvasView, open_session: Session, show_image: Callable[[CanvasView, str], None], qtbot: QtBot
) -> None:
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    painted = bytes_of(canvas)
    show_image(canvas, "b.png")
    drag(canvas, [QPoint(200, 150), QPoint(210, 160)], let_go=False)  # still pressed: a new stroke on b.png
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(210, 160))
    show_image(canvas, "a.png")
    assert bytes_of(canvas) == painted
    open_session.editing.undo()
    assert canvas.document.label_map.is_empty


def test_moving_on_after_another_image_came_paints_nothing_there(
    canvas: CanvasView, show_image: Callable[[CanvasView, str], None]
) -> None:
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    show_image(canvas, "b.png")
    QTest.mouseMove(canvas, QPoint(220, 150))
    QTest.mouseMove(canvas, QPoint(180, 130))
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(180, 130))
    assert canvas.document.label_map.is_empty


def test_undo_in_mid_stroke_ends_it(canvas: CanvasView, open_session: Session) -> None:
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    open_session.editing.undo()
    QTest.mouseMove(canvas, point_over(canvas, 50, 30))
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, point_over(canvas, 50, 30))
    assert canvas.document.label_map.is_empty


def test_without_classes_the_first_stroke_asks_and_paints_nothing(
    session: Session, photos: object, qtbot: QtBot
) -> None:
    session.open([photos])  # type: ignore[list-item]
    view = CanvasView(session)
    view.resize(400, 300)
    view.show()
    qtbot.waitUntil(lambda: view.document is not None, timeout=10_000)
    assert session.classes.is_preview
    for tool in ("brush", "eraser", "fill", "pick"):
        view.choose_tool(tool)
        with qtbot.waitSignal(view.classes_wanted, timeout=1000):
            drag(view, [QPoint(200, 150), QPoint(220, 150)])
    assert view.document.label_map.is_empty
    assert not session.editing.in_stroke
    view.dispose()
    view.close()


def test_the_stroke_is_seen_while_it_is_drawn_with_a_white_line_round_it(canvas: CanvasView) -> None:
    bare = canvas.grab().toImage()
    canvas.set_brush_size(10)
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)], let_go=False)
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))  # the ring is white too
    during = canvas.grab().toImage()
    middle = point_over(canvas, 30, 40)
    assert during.pixel(middle) != bare.pixel(middle)
    column = [during.pixelColor(middle.x(), y) for y in range(middle.y() - 40, middle.y() + 40)]
    assert sum(color.lightness() > 245 for color in column) >= 2
    QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, middle)


def test_the_white_line_goes_when_a_newer_checkpoint_has_spoken(
    canvas: CanvasView, predict: Callable[..., object]
) -> None:
    channels = np.zeros((60, 80), int)
    predict(channels, checkpoint_id="first")
    canvas.set_brush_size(10)
    drag(canvas, [point_over(canvas, 30, 20), point_over(canvas, 30, 60)])
    assert canvas.scene.marks.fresh is not None
    predict(channels, checkpoint_id="first", is_stale=True)
    assert canvas.scene.marks.fresh is not None
    predict(channels, checkpoint_id="second")
    assert canvas.scene.marks.fresh is None


def pen(view: CanvasView, kind: QEvent.Type, point: QPoint, end: QPointingDevice.PointerType) -> None:
    device = QPointingDevice.primaryPointingDevice()
    is_up = kind == QEvent.Type.TabletRelease
    buttons = Qt.MouseButton.NoButton if is_up else LEFT
    stylus = QPointingDevice(
        "pen", 7, QPointingDevice.DeviceType.Stylus, end, device.capabilities(), 1, 3
    )  # fmt: skip
    event = QTabletEvent(
        kind, stylus, QPointF(point), QPointF(view.mapToGlobal(point)), 0.5, 0, 0, 0, 0, 0,
        Qt.KeyboardModifier.NoModifier, LEFT, buttons,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    assert event.isAccepted()


def test_a_pen_paints_and_its_other_end_erases(canvas: CanvasView) -> None:
    canvas.set_brush_size(5)
    points = [point_over(canvas, 20, 20), point_over(canvas, 40, 60)]
    expected = expected_mask(canvas, points, 5)
    kinds = (QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease)
    for kind, point in zip(kinds, [*points, points[-1]], strict=True):
        pen(canvas, kind, point, QPointingDevice.PointerType.Pen)
    assert np.array_equal(labels_of(canvas) == CAT, expected)
    for kind, point in zip(kinds, [*points, points[-1]], strict=True):
        pen(canvas, kind, point, QPointingDevice.PointerType.Eraser)
    assert canvas.document.label_map.is_empty
    assert len(canvas.document.history.done) == 2


@pytest.mark.parametrize("notches", [-3, 0, 6, 14])
def test_what_was_repainted_bit_by_bit_looks_like_the_whole_drawn_anew(
    canvas: CanvasView, open_session: Session, predict: Callable[..., object], notches: int
) -> None:
    channels = np.zeros((60, 80), int)
    channels[10:50, 20:70] = DOG
    predict(channels)
    canvas.resize(200 if notches < 0 else 400, 80 if notches < 0 else 300)
    QApplication.processEvents()
    wheel(canvas, QPoint(100, 40), notches)
    rng = np.random.default_rng(notches + 10)
    width, height = canvas.width(), canvas.height()
    for number in range(8):
        open_session.classes.choose(number % 3)
        canvas.set_brush_size(int(rng.integers(1, 12)))
        points = [QPoint(int(rng.integers(0, width)), int(rng.integers(0, height))) for _ in range(3)]
        drag(canvas, points, RIGHT if number == 3 else LEFT)
        if number in (2, 5):
            open_session.editing.undo()
        QApplication.processEvents()
    before = canvas.grab().toImage()
    canvas.scene.mark_all_stale()
    after = canvas.grab().toImage()
    first, second = (
        np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).astype(int)
        for image in (before, after)
    )
    assert np.abs(first - second).max() <= 2
    assert first.std() > 10
