"""On finer displays: one image pixel at 1:1 is one pixel of the display, and a click means what is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from fcn_studio.core.settings import Settings
from fcn_studio.session.session import Session
from fcn_studio.ui.bridge import QtDispatcher
from fcn_studio.ui.canvas.view import CanvasView

home, factor = Path(sys.argv[1]), float(sys.argv[2])
app = QApplication([])
pixels = np.random.default_rng(0).integers(0, 256, (500, 700, 3), dtype=np.uint8)
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
view.choose_tool("pick")  # no ring in the pictures

def seen():
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

for scale in (1.0, 2.0, 5.0):
    view.move_to(view.scene.transform.centred_on(250, 350, scale))
    picture, transform = seen(), view.scene.transform
    rows, columns = (transform.rows_under(0, picture.shape[0]), transform.columns_under(0, picture.shape[1]))
    apart = np.abs(picture.astype(int) - pixels[np.ix_(rows, columns)])[:-1, :-1]
    assert apart.max() <= 1, (scale, apart.max(), (apart > 1).mean())

view.choose_tool("brush")
view.set_brush_size(1)
view.move_to(view.scene.transform.centred_on(250, 350, 9.0))
for x, y in ((10, 10), (150, 101), (222, 187), (37, 64)):
    transform = view.scene.transform
    row = transform.rows_under(int(y * factor), int(y * factor) + 1)[0]
    column = transform.columns_under(int(x * factor), int(x * factor) + 1)[0]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, y))
    assert view.document.label_map.labels[row, column] == 1
assert (view.document.label_map.labels == 1).sum() == 4
view.dispose()
assert session.close()
print("exact")
"""


@pytest.mark.parametrize("factor", ["1", "1.25", "2"])
def test_pixels_are_exact_on_a_display_of_this_scale(factor: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": factor}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), factor],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.strip() == "exact", done.stderr[-2000:]
