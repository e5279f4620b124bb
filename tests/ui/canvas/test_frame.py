"""The frame: parts drawn anew look like the whole, a push like a fresh drawing, and no more is drawn."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest
from PySide6.QtGui import QColor

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.canvas.colors import make_overlay_colors
from fcn_studio.ui.canvas.frame import Frame, Pane, Picture
from fcn_studio.ui.canvas.looks import LOOKS
from fcn_studio.ui.canvas.planes import Fresh, OverlaySources
from fcn_studio.ui.canvas.pyramid import Pyramid, compute_all_levels, make_first_level
from fcn_studio.ui.canvas.scene import find_difference
from fcn_studio.ui.canvas.transform import ViewTransform

CLASSES = ClassTable.from_keys(["background", "cat", "dog"])
COLORS = make_overlay_colors(CLASSES, CLASSES.make_lut(CLASSES.keys))
NOTHING = OverlaySources(None, None, None, None)
IMAGE_HW, VIEW_HW = (300, 420), (200, 260)


@pytest.fixture(scope="module")
def pyramid() -> Pyramid:
    pixels = np.random.default_rng(0).integers(0, 256, (*IMAGE_HW, 3), dtype=np.uint8)
    return compute_all_levels(make_first_level(pixels))


@pytest.fixture(scope="module")
def sources() -> OverlaySources:
    rng = np.random.default_rng(1)
    labels = np.full(IMAGE_HW, 255, np.uint8)
    labels[100:180, 120:260] = rng.integers(0, 3, (80, 140))
    labels[220:280, 30:90] = 1
    provenance = np.where(labels != 255, 2, 0).astype(np.uint8)
    provenance[100:140] = np.where(labels[100:140] != 255, 1, 0)
    channels = np.repeat(np.repeat(rng.integers(0, 3, (30, 42)), 10, 0), 10, 1).astype(np.uint8)
    fresh = Fresh(rng.random(IMAGE_HW) < 0.5, Box.of_shape(IMAGE_HW))
    return OverlaySources(labels, provenance, fresh, channels)


def make_frame() -> Frame:
    frame = Frame()
    frame.set_backdrop(QColor(10, 20, 30))
    frame.resize(VIEW_HW, 1.0)
    return frame


def refresh(frame: Frame, pyramid: Pyramid | None, transform: ViewTransform, sources: OverlaySources) -> None:
    frame.refresh(Picture(pyramid), [Pane(frame.box, transform, sources, COLORS)])


def read(frame: Frame) -> np.ndarray:
    image = frame.image
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


def transform_at(scale: float, y: float = 140.3, x: float = 190.7) -> ViewTransform:
    return ViewTransform(IMAGE_HW, VIEW_HW).centred_on(y, x, scale)


@pytest.mark.parametrize("scale", [0.45, 0.8, 1.0, 1.6, 2.0, 3.7, 20.0])
def test_a_part_drawn_anew_looks_as_before(pyramid: Pyramid, sources: OverlaySources, scale: float) -> None:
    frame, transform = make_frame(), transform_at(scale)
    refresh(frame, pyramid, transform, sources)
    before = read(frame)
    rng = np.random.default_rng(2)
    for _ in range(10):
        y0, x0 = int(rng.integers(0, 190)), int(rng.integers(0, 250))
        box = Box(y0, x0, y0 + int(rng.integers(1, 60)), x0 + int(rng.integers(1, 60)))
        frame.mark_stale(box)
        frame._pixels[box.intersect(frame.box).slices] = 0xFFFF00FF  # must be drawn over
        refresh(frame, pyramid, transform, sources)
        after = read(frame)
        apart = np.abs(
            (after[..., None] >> [0, 8, 16] & 255).astype(int) - (before[..., None] >> [0, 8, 16] & 255)
        )
        assert apart.max() <= 2  # Qt interpolates in fixed point from where it starts
        frame._pixels[:] = before


@pytest.mark.parametrize("scale", [2.0, 3.7, 20.0, 64.0])
def test_from_near_single_pixels_are_squares_of_their_exact_colour(pyramid: Pyramid, scale: float) -> None:
    frame, transform = make_frame(), transform_at(scale)
    refresh(frame, pyramid, transform, NOTHING)
    rows, columns = transform.rows_under(0, VIEW_HW[0]), transform.columns_under(0, VIEW_HW[1])
    assert pyramid.levels[0] is not None
    assert np.array_equal(read(frame), pyramid.levels[0][np.ix_(rows, columns)])


def test_at_one_to_one_the_image_is_shown_bit_by_bit(pyramid: Pyramid) -> None:
    frame = make_frame()
    transform = ViewTransform(IMAGE_HW, VIEW_HW).centred_on(150, 200, 1.0)
    refresh(frame, pyramid, transform, NOTHING)
    rows, columns = transform.rows_under(0, VIEW_HW[0]), transform.columns_under(0, VIEW_HW[1])
    assert pyramid.levels[0] is not None
    assert np.array_equal(read(frame), pyramid.levels[0][np.ix_(rows, columns)])


@pytest.mark.parametrize("scale", [0.45, 0.8, 1.0, 3.7])
@pytest.mark.parametrize("push", [(0, 17), (-23, 0), (31, -42), (150, 150), (-500, 3)])
def test_a_push_looks_like_a_fresh_drawing(
    pyramid: Pyramid, sources: OverlaySources, scale: float, push: tuple[int, int]
) -> None:
    transform = transform_at(scale)
    frame = make_frame()
    refresh(frame, pyramid, transform, sources)
    moved = transform.panned(*push)
    dy, dx = round(moved.offset_y - transform.offset_y), round(moved.offset_x - transform.offset_x)
    frame.scroll(dy, dx)
    refresh(frame, pyramid, moved, sources)
    fresh = make_frame()
    refresh(fresh, pyramid, moved, sources)
    apart = np.abs(
        (read(frame)[..., None] >> [0, 8, 16] & 255).astype(int)
        - (read(fresh)[..., None] >> [0, 8, 16] & 255)
    )
    assert apart.max() <= 2


LARGE_HW = (500, 640)  # more than one tile, and enough for another thread


def draw_large(
    pyramid: Pyramid, sources: OverlaySources, scale: float, ratio: float, pool: Executor | None
) -> np.ndarray:
    frame = Frame(pool)
    frame.resize(LARGE_HW, ratio)
    transform = ViewTransform(IMAGE_HW, LARGE_HW).centred_on(140.3, 190.7, scale)
    refresh(frame, pyramid, transform, sources)
    return read(frame)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("scale", [1.0, 1.6, 2.0, 3.7])
@pytest.mark.parametrize("shown", [set(LOOKS), {"labels"}, {"prediction"}, {"mask", "uncertainty"}])
def test_what_another_thread_helps_to_draw_looks_the_same(
    pyramid: Pyramid, sources: OverlaySources, scale: float, ratio: float, shown: set[str]
) -> None:
    confidence = np.random.default_rng(3).integers(0, 256, IMAGE_HW, np.uint8)
    seen = sources._replace(confidence=confidence, shown=frozenset(shown))
    alone = draw_large(pyramid, seen, scale, ratio, None)
    with ThreadPoolExecutor(1) as pool:
        assert np.array_equal(draw_large(pyramid, seen, scale, ratio, pool), alone)


def test_a_thread_that_has_no_time_to_help_is_not_waited_for(
    pyramid: Pyramid, sources: OverlaySources
) -> None:
    alone = draw_large(pyramid, sources, 1.6, 1.0, None)
    is_free = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(is_free.wait, 60)
        try:
            assert np.array_equal(draw_large(pyramid, sources, 1.6, 1.0, pool), alone)
            assert not other.done()
        finally:
            is_free.set()


def test_only_stale_boxes_are_drawn(pyramid: Pyramid, sources: OverlaySources) -> None:
    frame, transform = make_frame(), transform_at(1.3)
    refresh(frame, pyramid, transform, sources)
    drawn = frame.refreshed_pixels
    refresh(frame, pyramid, transform, sources)
    assert frame.refreshed_pixels == drawn
    frame.mark_stale(Box(10, 10, 30, 40))
    frame.mark_stale(Box(12, 12, 28, 38))  # inside the first
    frame.mark_stale(Box(150, 200, 160, 210))
    refresh(frame, pyramid, transform, sources)
    assert frame.refreshed_pixels - drawn == 20 * 30 + 10 * 10


def test_many_stale_boxes_are_all_drawn(pyramid: Pyramid) -> None:
    frame, transform = make_frame(), transform_at(1.0)
    refresh(frame, pyramid, transform, NOTHING)
    expected = read(frame)
    rng = np.random.default_rng(3)
    boxes = [Box(y, x, y + 2, x + 2) for y, x in rng.integers(0, 190, (60, 2)).tolist()]
    for box in boxes:
        frame._pixels[box.slices] = 0
        frame.mark_stale(box)
    refresh(frame, pyramid, transform, NOTHING)
    assert np.array_equal(read(frame), expected)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_outside_the_image_there_is_only_backdrop(
    pyramid: Pyramid, sources: OverlaySources, scale: float
) -> None:
    frame = make_frame()
    transform = ViewTransform(IMAGE_HW, VIEW_HW).centred_on(0, 0, scale)
    refresh(frame, pyramid, transform, sources)
    pixels, seen = read(frame), transform.image_view_box
    outside = np.ones(VIEW_HW, bool)
    outside[seen.slices] = False
    assert outside.any()
    assert (pixels[outside] == 0xFF0A141E).all()
    assert (pixels[seen.slices] != 0xFF0A141E).mean() > 0.99


def test_without_an_image_all_is_backdrop() -> None:
    frame = make_frame()
    refresh(frame, None, transform_at(1.0), NOTHING)
    assert (read(frame) == 0xFF0A141E).all()


def test_an_answer_is_drawn_anew_only_where_it_differs() -> None:
    def answer(checkpoint_id: str = "a") -> Prediction:
        channels = np.zeros((60, 80), np.uint8)
        return Prediction(channels, channels.copy(), ("background", "cat"), checkpoint_id, True, 0.0, "test")

    before, after = answer(), answer()
    assert find_difference(before, after) == Box(0, 0, 0, 0)
    after.channels[10:20, 30:33] = 1
    assert find_difference(before, after) == Box(10, 30, 20, 33)
    assert find_difference(before, answer("b")) is None
    assert find_difference(None, after) is None
