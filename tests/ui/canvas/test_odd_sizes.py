"""Images of odd sizes on the canvas: one pixel, one row, very long and thin; seen, painted, zoomed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint

from fcn_studio.session.session import Session
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import WAIT_MS, drag, make_pixels, point_over, read_view, wheel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

SHAPES = [(1, 1), (1, 5), (7, 1), (1, 3000), (60_000, 3), (3, 60_000)]


@pytest.fixture
def show(session: Session, tmp_path: Path, qtbot: QtBot) -> Iterator[Callable[[tuple[int, int]], CanvasView]]:
    views = []

    def make(shape_hw: tuple[int, int]) -> CanvasView:
        folder = tmp_path / "odd"
        folder.mkdir()
        Image.fromarray(make_pixels(*shape_hw) | np.uint8(64)).save(folder / "odd.png")
        session.open([folder])
        qtbot.waitUntil(lambda: session.document is not None, timeout=WAIT_MS)
        session.classes.use_own_classes(["cat"])
        view = CanvasView(session)
        views.append(view)
        view.resize(400, 300)
        view.show()
        return view

    yield make
    for view in views:
        view.dispose()
        view.close()
        view.deleteLater()


@pytest.mark.parametrize("shape_hw", SHAPES)
def test_it_is_seen_whole_and_from_near(shape_hw: tuple[int, int], show: Callable[..., CanvasView]) -> None:
    view = show(shape_hw)
    box = view.scene.transform.image_view_box
    assert not box.is_empty
    assert box.height <= 300
    assert box.width <= 400
    backdrop = read_view(view)[0, 0]
    assert (read_view(view)[box.slices] != backdrop).any(axis=2).all()
    height, width = shape_hw
    view.move_to(view.scene.transform.centred_on(height - 0.5, width - 0.5, 12.0))
    transform = view.scene.transform
    box = transform.image_view_box
    rows, columns = transform.rows_under(box.y0, box.y1), transform.columns_under(box.x0, box.x1)
    expected = view.document.pixels[np.ix_(rows, columns)]
    view.scene.set_grid_shown(False)
    assert np.array_equal(read_view(view)[box.slices], expected)


@pytest.mark.parametrize("shape_hw", SHAPES)
def test_its_last_pixel_can_be_painted_and_taken_back(
    shape_hw: tuple[int, int], show: Callable[..., CanvasView], session: Session
) -> None:
    view = show(shape_hw)
    view.set_brush_size(1)
    height, width = shape_hw
    view.move_to(view.scene.transform.centred_on(height - 0.5, width - 0.5, 32.0))
    at = point_over(view, height - 0.5, width - 0.5)
    drag(view, [at, at + QPoint(1, 0)])
    labels = view.document.label_map.labels
    assert labels[-1, -1] == 1
    assert (labels != 255).sum() == 1
    session.editing.undo()
    assert view.document.label_map.is_empty
    wheel(view, QPoint(200, 150), -80)
    assert view.zoom == view.scene.transform.min_scale
    drag(view, [QPoint(200, 150), QPoint(260, 150)])  # over hardly anything: nothing breaks
