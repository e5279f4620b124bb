"""What a person sees, pixel by pixel, after real keys and strokes: over a grey image, at chosen points.

Colours are computed here from the class's colour and the layer's opacity, so no golden pictures are kept and
no font matters.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.core.palette import BACKGROUND_COLOR
from fcn_studio.ui.app import App
from fcn_studio.ui.canvas.colors import BACKGROUND_SHARE, DIFFERENCE_COLOR
from tests.ui.pointing import drag, point_over, read_view
from tests.ui.window_kit import key, put_prediction, wait_for_image

SHIFT = Qt.KeyboardModifier.ShiftModifier
HW = (60, 80)
GREY = (96, 96, 96)
CAT, DOG = 1, 2
LEFT_YX, RIGHT_YX = (8.5, 20.5), (8.5, 60.5)  # predicted as a cat, predicted as background
STROKE_Y = 40.5  # a stroke goes from left to right at this height, 20 px wide


@pytest.fixture
def grey(app: App, tmp_path: Path, qtbot) -> App:
    """The program with a grey image of 60x80 and the classes cat and dog; the pointer leaves no marks."""
    folder = tmp_path / "grey"
    folder.mkdir()
    Image.new("RGB", HW[::-1], GREY).save(folder / "grey.png")
    app.open([folder])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    app.window.hint.go()
    app.window.canvas.set_brush_size(20)
    return app


def _stroke(app: App, digit: Qt.Key) -> None:
    """Paint from left to right with the class of a key, then take a tool in hand that has no ring."""
    canvas = app.window.canvas
    key(app, Qt.Key.Key_B)
    key(app, digit)
    drag(canvas, [point_over(canvas, STROKE_Y, x) for x in (12.5, 40.5, 68.5)])
    key(app, Qt.Key.Key_I)
    QTest.mouseMove(canvas, QPoint(2, 2))
    QApplication.processEvents()


def _seen(app: App, place_yx: tuple[float, float]) -> np.ndarray:
    """int [3]: RGB at an image point."""
    point = point_over(app.window.canvas, *place_yx)
    return read_view(app.window.canvas)[point.y(), point.x()].astype(int)


def _tinted(
    app: App, layer: str, color: tuple[int, int, int], under: object = GREY, share: float = 1.0
) -> np.ndarray:
    """float [3]: `color` over `under` with the layer's opacity, or a share of it."""
    opacity = app.window.canvas.scene.looks[layer].opacity * share
    return np.array(under) * (1 - opacity) + np.array(color) * opacity


def _color(app: App, class_id: int) -> tuple[int, int, int]:
    entry = app.session.classes.table.by_id(class_id)
    assert entry is not None
    return entry.color


def _near(found: np.ndarray, expected: object) -> bool:
    return bool(np.abs(found - np.array(expected)).max() <= 2)


def test_unlabelled_painted_and_predicted_as_background_look_different(grey: App) -> None:
    assert _near(_seen(grey, RIGHT_YX), GREY), "nobody has said anything"
    put_prediction(grey, CAT)
    assert _near(_seen(grey, LEFT_YX), _tinted(grey, "prediction", _color(grey, CAT)))
    assert _near(_seen(grey, RIGHT_YX), GREY)
    _stroke(grey, Qt.Key.Key_0)
    painted = _seen(grey, (STROKE_Y, 60.5))
    assert _near(painted, _tinted(grey, "labels", BACKGROUND_COLOR, share=BACKGROUND_SHARE))
    assert not _near(painted, GREY)
    key(grey, Qt.Key.Key_B, SHIFT)
    point = point_over(grey.window.canvas, *RIGHT_YX)
    square = read_view(grey.window.canvas)[point.y() : point.y() + 20, point.x() : point.x() + 20]
    assert len(np.unique(square.reshape(-1, 3), axis=0)) == 2, "dots on what is predicted as background"


def test_painted_is_stronger_than_predicted_and_has_a_white_line(grey: App) -> None:
    put_prediction(grey, CAT)
    _stroke(grey, Qt.Key.Key_1)
    painted, predicted = _seen(grey, (STROKE_Y, 20.5)), _seen(grey, LEFT_YX)
    assert _near(painted, _tinted(grey, "labels", _color(grey, CAT)))
    assert np.abs(painted - GREY).sum() > np.abs(predicted - GREY).sum() + 20
    border = point_over(grey.window.canvas, STROKE_Y - 10, 40.5)
    column = read_view(grey.window.canvas)[border.y() - 6 : border.y() + 7, border.x()]
    assert (column.min(axis=1) > 220).any()


def test_outlines_leave_only_the_line(grey: App) -> None:
    put_prediction(grey, CAT)
    key(grey, Qt.Key.Key_H, SHIFT)
    assert _near(_seen(grey, LEFT_YX), GREY)
    border = point_over(grey.window.canvas, 8.5, 40.0)
    row = read_view(grey.window.canvas)[border.y(), border.x() - 3 : border.x() + 3].astype(int)
    assert (np.abs(row - GREY).max(axis=1) > 20).any(), "the line between cat and background"
    key(grey, Qt.Key.Key_H, SHIFT)
    assert not _near(_seen(grey, LEFT_YX), GREY)


def test_the_difference_is_marked_only_where_label_and_prediction_contradict(grey: App) -> None:
    put_prediction(grey, CAT)
    _stroke(grey, Qt.Key.Key_1)
    places = ((STROKE_Y, 20.5), (STROKE_Y, 60.5), LEFT_YX)
    agreed, contradicted, unsaid = (_seen(grey, place) for place in places)
    key(grey, Qt.Key.Key_U, SHIFT)
    assert np.array_equal(_seen(grey, places[0]), agreed)
    assert _near(_seen(grey, places[1]), _tinted(grey, "difference", DIFFERENCE_COLOR, contradicted))
    assert np.array_equal(_seen(grey, places[2]), unsaid)


@pytest.mark.parametrize("mode", ["dark", "light", "contrast"])
def test_themes_change_what_is_round_the_image_and_nothing_in_it(grey: App, mode: str) -> None:
    put_prediction(grey, CAT)
    _stroke(grey, Qt.Key.Key_2)
    places = ((STROKE_Y, 20.5), LEFT_YX, RIGHT_YX)
    before = [_seen(grey, place) for place in places]
    grey.window.actions_of.run(f"theme_{mode}")
    assert all(np.array_equal(_seen(grey, place), was) for place, was in zip(places, before, strict=True))
    backdrop = grey.window.theme.tokens.color("canvas")
    corner = read_view(grey.window.canvas)[-3, 3]
    assert _near(corner.astype(int), (backdrop.red(), backdrop.green(), backdrop.blue()))
    assert (mode == "contrast") == (corner.max() == 0), "black round the image in high contrast"
