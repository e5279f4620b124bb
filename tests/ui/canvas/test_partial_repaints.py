"""On displays of any scale what is repainted in parts looks as if all of it had been painted anew."""

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
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from fcn_studio.core.settings import Settings
from fcn_studio.session.session import Session
from fcn_studio.ui.bridge import QtDispatcher
from fcn_studio.ui.canvas.view import CanvasView

home = Path(sys.argv[1])
app = QApplication([])
pixels = np.random.default_rng(0).integers(0, 256, (500, 700, 3), dtype=np.uint8)
(home / "photos").mkdir()
Image.fromarray(pixels).save(home / "photos" / "a.png")
session = Session(QtDispatcher(), Settings(), settings_path=None, cache_dir=home / "c", data_dir=home / "d")
session._workers.device.close(5.0)
window = QWidget()
window.resize(521, 397)
view = CanvasView(session, window)
view.setGeometry(QRect(37, 21, 451, 349))  # at no whole device pixel
window.show()
session.open([home / "photos"])
end = time.monotonic() + 20
while view.document is None or len(view.scene._pyramid.levels) < 2:  # smooth from then on
    assert time.monotonic() < end
    app.processEvents()
session.classes.use_own_classes(["cat"])

def seen():
    app.processEvents()
    image = window.screen().grabWindow(window.winId()).toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

none = Qt.KeyboardModifier.NoModifier
for scale in (0.6, 1.0, 3.0, 17.0):
    view.move_to(view.scene.transform.centred_on(250, 350, scale))
    view.set_brush_size(20 if scale < 2 else 3)
    bare = seen()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, none, QPoint(120, 90))
    for x in range(120, 260, 13):
        QTest.mouseMove(view, QPoint(x, 90 + x // 3))
        app.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, none, QPoint(260, 170))
    QTest.mouseMove(view, QPoint(300, 300))
    view.move_to(view.scene.transform.panned(3, -5))
    parts = seen()
    assert (parts != bare).any()
    view.scene.mark_all_stale()
    window.update()
    view.update()
    whole = seen()
    apart = np.abs(parts.astype(int) - whole).max(axis=2)
    # Qt interpolates in fixed point from where it starts
    assert apart.max() <= (3 if scale < 1 else 0), (scale, apart.max(), np.argwhere(apart > 3)[:5])
view.dispose()
assert session.close()
print("exact")
"""


@pytest.mark.parametrize("factor", ["1", "1.25", "1.5", "2"])
def test_a_stroke_and_a_push_leave_no_traces(factor: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": factor}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.strip() == "exact", done.stderr[-2000:]
