"""Tools on displays of other scales: what is painted is what lies under the pointer's device pixels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import math, sys, time
from itertools import pairwise
from pathlib import Path
import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from fcn_studio.core.raster import make_capsule, make_square_stroke
from fcn_studio.core.settings import Settings
from fcn_studio.core.shapes import make_ellipse, make_polygon, make_rectangle
from fcn_studio.core.smart import compute_smart_dab
from fcn_studio.session.session import Session
from fcn_studio.ui.bridge import QtDispatcher
from fcn_studio.ui.canvas.view import CanvasView

home, factor = Path(sys.argv[1]), float(sys.argv[2])
app = QApplication([])
pixels = np.random.default_rng(0).integers(0, 256, (160, 220, 3), dtype=np.uint8)
(home / "photos").mkdir()
Image.fromarray(pixels).save(home / "photos" / "a.png")
session = Session(QtDispatcher(), Settings(), settings_path=None, cache_dir=home / "c", data_dir=home / "d")
session._workers.device.close(5.0)
view = CanvasView(session)
view.resize(301, 203)
view.show()
session.open([home / "photos"])
end = time.monotonic() + 20
while view.document is None:
    assert time.monotonic() < end
    app.processEvents()
session.classes.use_own_classes(["cat"])
assert view.devicePixelRatioF() == factor
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PATH = [QPoint(80, 60), QPoint(210, 75), QPoint(190, 150), QPoint(101, 133)]
SHAPE = (160, 220)

def place(point):
    return view.scene.transform.to_image(
        math.floor(point.y() * factor) + 0.5, math.floor(point.x() * factor) + 0.5)

def drag(points):
    QTest.mousePress(view, LEFT, NONE, points[0])
    for point in points[1:]:
        QTest.mouseMove(view, point)
        app.processEvents()
    QTest.mouseRelease(view, LEFT, NONE, points[-1])
    app.processEvents()

def click_all(points):
    for point in points:
        drag([point])
    QTest.keyClick(view, Qt.Key.Key_Return)

def pen(kind, point):
    QApplication.sendEvent(view, QTabletEvent(
        kind, QPointingDevice.primaryPointingDevice(), QPointF(point), QPointF(view.mapToGlobal(point)), 0.5,
        0, 0, 0, 0, 0, NONE, LEFT, LEFT))

def pen_stroke(points):
    pen(QEvent.Type.TabletPress, points[0])
    for point in points[1:]:
        pen(QEvent.Type.TabletMove, point)
    pen(QEvent.Type.TabletRelease, points[-1])

def on_canvas(*parts):
    canvas = np.zeros(SHAPE, bool)
    for box, mask in parts:
        canvas[box.slices] |= mask
    return canvas

def lines(make, size):
    places = [place(point) for point in PATH]
    return on_canvas(*(make(a, b, size, SHAPE) for a, b in pairwise([places[0], *places])))

def check(what, tool, act, expected):
    view.choose_tool(tool)
    view.setFocus()
    act(PATH)
    painted = view.document.label_map.labels == 1
    assert expected().any(), what
    assert np.array_equal(painted, expected()), (what, factor, view.zoom)
    session.editing.undo()
    assert view.document.label_map.is_empty

for centre, scale in (((80, 110), 1.0), ((70.3, 100.7), 2.6), ((60, 90), 7.0)):
    view.move_to(view.scene.transform.centred_on(*centre, scale))
    view.choose_tool("brush")
    view.set_brush_size(9)
    check("brush", "brush", drag, lambda: lines(make_capsule, 9))
    check("pen", "brush", pen_stroke, lambda: lines(make_capsule, 9))
    view.options.set_square("brush", True)
    check("square", "brush", drag, lambda: lines(make_square_stroke, 9))
    view.options.set_square("brush", False)
    view.choose_tool("smart")
    view.set_brush_size(15)
    check("smart", "smart", lambda _points: drag([QPoint(149, 98)]),
          lambda: on_canvas(compute_smart_dab(view.document.pixels, place(QPoint(149, 98)), 15, 40)))
    check("polygon", "polygon", click_all, lambda: on_canvas(make_polygon([place(p) for p in PATH], SHAPE)))
    check("lasso", "lasso", drag, lambda: on_canvas(make_polygon([place(p) for p in PATH], SHAPE)))
    for tool, make in (("rectangle", make_rectangle), ("ellipse", make_ellipse)):
        check(tool, tool, drag, lambda make=make: on_canvas(make(place(PATH[0]), place(PATH[-1]), SHAPE)))
view.dispose()
assert session.close()
print("exact")
"""


@pytest.mark.parametrize("factor", ["1.25", "2"])
def test_every_tool_paints_under_the_pointer_on_a_display_of_this_scale(factor: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": factor}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), factor],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "exact", done.stderr[-2000:]
