"""From afar a few of a large image's pixels stand for all: the right ones, after every change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint

from fcn_studio.core.box import Box
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.prediction import Prediction
from fcn_studio.session.document import Document
from fcn_studio.session.session import Session
from fcn_studio.ui.canvas import thinned
from fcn_studio.ui.canvas.planes import Fresh, OverlaySources
from fcn_studio.ui.canvas.thinned import Thinned, find_step
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import drag, seen

HW = 150, 203


@pytest.fixture(autouse=True)
def every_image_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinned, "LARGE_PX", 1)


def _random_planes(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    return [rng.integers(0, 200, HW, np.uint8) for _ in range(count)]


def _view(scale: float) -> ViewTransform:
    return ViewTransform(HW, (40, 60), scale=scale, offset_y=3.3, offset_x=-1.7)


@pytest.mark.parametrize(("scale", "step"), [(1.0, 1), (0.3, 1), (0.25, 4), (0.2, 4), (0.125, 8), (0.06, 16)])
def test_each_device_pixel_shows_a_pixel_that_lies_under_it(scale: float, step: int) -> None:
    rng = np.random.default_rng(0)
    labels, provenance, channels, confidence = _random_planes(rng, 4)
    label_map = LabelMap.from_arrays(labels, provenance)
    prediction = Prediction(channels, confidence, ("a",), "net", True, 0.0, "test")
    painted = rng.random(HW) < 0.5
    planes = OverlaySources(labels, provenance, Fresh(painted, Box.of_shape(HW)), channels, confidence)
    transform = _view(scale)
    assert find_step(transform) == step
    found, lies = Thinned().thin(planes, transform, label_map, prediction)
    assert found.fresh is not None
    rows, columns = lies.rows_under(0, 40), lies.columns_under(0, 60)
    there = np.ix_(rows * step + step // 2, columns * step + step // 2)
    for thin, whole in zip(found[:5], (labels, provenance, None, channels, confidence), strict=True):
        if whole is not None:
            assert np.array_equal(np.asarray(thin)[np.ix_(rows, columns)], whole[there])
    assert np.array_equal(found.fresh.painted[np.ix_(rows, columns)], painted[there])
    exact = transform.rows_under(0, 40)
    inside = slice(4, 12)  # device rows that the image covers at every scale here
    assert np.abs(rows * step + step // 2 - exact)[inside].max() <= step // 2


@pytest.mark.parametrize("image_hw", [(1, 400_000), (3, 60_000), (50, 400_000)])
def test_thin_images_keep_rows_to_look_at(image_hw: tuple[int, int]) -> None:
    transform = ViewTransform(image_hw, (500, 500)).fitted()
    empty = LabelMap.from_arrays(np.zeros(image_hw, np.uint8), np.zeros(image_hw, np.uint8))
    sources = OverlaySources(empty.labels, empty.provenance, None, None)
    found, _ = Thinned().thin(sources, transform, empty, None)
    assert found.labels is not None
    assert found.labels.size > 0


def test_after_changes_they_are_as_if_made_anew() -> None:
    rng = np.random.default_rng(1)
    label_map = LabelMap.from_arrays(*_random_planes(rng, 2))
    sources = OverlaySources(label_map.labels, label_map.provenance, None, None)
    kept = Thinned()
    for scale in (0.25, 0.1) * 20:
        labels, provenance = label_map.writable()
        for _ in range(int(rng.integers(1, 4))):
            y0, x0 = int(rng.integers(0, 150)), int(rng.integers(0, 203))
            box = Box(y0, x0, y0 + int(rng.integers(1, 30)), x0 + int(rng.integers(1, 30))).clip(HW)
            labels[box.slices], provenance[box.slices] = rng.integers(0, 200, 2)
            kept.mark(label_map, box)
        found, fresh = (each.thin(sources, _view(scale), label_map, None)[0] for each in (kept, Thinned()))
        assert np.array_equal(found.labels, fresh.labels)  # type: ignore[arg-type]
        assert np.array_equal(found.provenance, fresh.provenance)  # type: ignore[arg-type]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((1500, 1900, 3), 90, np.uint8)).save(tmp_path / "photos" / "a.png")
    return tmp_path / "photos"


def test_strokes_and_undo_from_afar_leave_no_traces(
    canvas: CanvasView, open_session: Session, predict: Callable[..., Prediction]
) -> None:
    rng = np.random.default_rng(3)
    predict(np.kron(rng.integers(0, 3, (15, 19)), np.ones((100, 100))))
    canvas.move_to(canvas.scene.transform.centred_on(740.5, 900.2, 0.21))
    assert find_step(canvas.scene.transform) == 4
    bare = _read_frame(canvas)
    sizes = (200, *rng.integers(8, 40, 40))
    for size in sizes:
        canvas.set_brush_size(int(size))
        drag(canvas, [QPoint(int(x), int(y)) for x, y in rng.integers(40, 260, (2, 2))])
        _require_whole(canvas)
    assert (_read_frame(canvas) != bare).any()
    for _ in sizes:
        open_session.editing.undo()
        _require_whole(canvas)
    assert np.array_equal(_read_frame(canvas), bare)


def test_a_changed_box_is_drawn_wherever_its_pixels_are_shown(
    canvas: CanvasView, open_session: Session
) -> None:
    canvas.move_to(canvas.scene.transform.centred_on(740.5, 900.2, 0.21))
    rng = np.random.default_rng(4)
    for _ in range(60):
        y0, x0, height, width = (int(value) for value in rng.integers((700, 800, 4, 4), (800, 900, 40, 40)))
        box, mask = Box(y0, x0, y0 + height, x0 + width), np.ones((height, width), bool)
        open_session.editing.begin_stroke("Box")
        open_session.editing.paint(box, mask, int(rng.integers(1, 3)))
        canvas.scene.mark_fresh(box, mask)
        open_session.editing.finish_stroke()
        _require_whole(canvas)


def test_an_image_that_changed_unseen_is_looked_at_anew(canvas: CanvasView, open_session: Session) -> None:
    canvas.move_to(canvas.scene.transform.centred_on(740.5, 900.2, 0.21))
    bare, document = _read_frame(canvas), open_session.document
    assert document is not None
    other = Document("b.png", "", document.pixels.copy(), document.label_map.copy(), History())
    canvas.scene._on_image_opened(other)
    _read_frame(canvas)
    labels, _ = document.label_map.writable()
    labels[:] = 1  # computed when it had been left
    canvas.scene._on_image_opened(document)
    canvas.move_to(canvas.scene.transform.centred_on(740.5, 900.2, 0.21))
    assert (_read_frame(canvas) != bare)[100:200, 100:300].all()


def _read_frame(canvas: CanvasView) -> np.ndarray:
    """What is shown, without the pointer's ring."""
    seen(canvas)
    return canvas.scene.frame._pixels.copy()


def _require_whole(canvas: CanvasView) -> None:
    """What was drawn in parts looks as if all of it were drawn anew."""
    parts = _read_frame(canvas)
    canvas.scene.mark_all_stale()
    canvas.update()
    assert np.array_equal(_read_frame(canvas), parts)
