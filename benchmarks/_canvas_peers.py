"""What peers take on the canvas, for `canvas.py`: napari's Labels layer, and labelme's canvas.

Each runs in a virtual environment of its own, under Xvfb, and ends a time when its canvas has been painted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PATIENCE_S = 300.0
DABS, REPAINTS = 100, 15

NAPARI = """
import json, sys, time
import numpy as np, napari
side, count, brush = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
viewer = napari.Viewer()
viewer.add_image(np.zeros((side, side), np.uint8))
layer = viewer.add_labels(np.zeros((side, side), np.uint8))
layer.brush_size, layer.selected_label, layer.mode = brush, 1, "paint"
viewer.camera.zoom = 1.0
app = napari.qt.get_qapp()
native = viewer.window._qt_viewer.canvas.native
def settle(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
settle(2)
values = []
middle = side // 2
for index in range(count + 5):
    place = (middle + 200 * np.sin(index / 9), middle + 300 * np.cos(index / 11))
    began = time.perf_counter()
    layer.paint(place, 1)
    native.repaint() if hasattr(native, "repaint") else native.update()
    app.processEvents()
    values.append((time.perf_counter() - began) * 1000)
print(json.dumps(values[5:]))
sys.stdout.flush()
import os
os._exit(0)
"""
# labelme has no brush; what can be compared is a full repaint of its canvas.
LABELME = """
import json, os, sys, time
from PyQt5 import QtCore, QtGui, QtWidgets
app = QtWidgets.QApplication([])
from labelme.widgets.canvas import Canvas
side, count = int(sys.argv[1]), int(sys.argv[2])
canvas = Canvas(epsilon=10.0, double_click="close", num_backups=10, crosshair={})
image = QtGui.QImage(side, side, QtGui.QImage.Format_RGB32)
image.fill(0)
load = getattr(canvas, "load_pixmap", None) or canvas.loadPixmap
load(QtGui.QPixmap.fromImage(image))
area = QtWidgets.QScrollArea()
area.setWidget(canvas)
area.setWidgetResizable(True)
area.resize(1600, 1000)
area.show()
values = {}
for scale in (1000 / side, 1.0, 2.0):
    canvas.scale = scale
    canvas.adjustSize()
    canvas.update()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        app.processEvents()
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        canvas.repaint()
        taken.append((time.perf_counter() - began) * 1000)
    values[f"{scale:.3g}"] = sorted(taken)[count // 2]
print(json.dumps(values))
sys.stdout.flush()
os._exit(0)
"""


def run_peer(name: str, environment: Path, program: str, *arguments: object) -> Any:
    """What a peer's own code printed, under Xvfb; None, and a word about it, where it could not run."""
    command = [str(environment / "bin" / "python"), "-c", program, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as home:
        variables = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        variables.pop("QT_QPA_PLATFORM", None)
        ran = subprocess.run(
            ["xvfb-run", "-a", "-s", "-screen 0 1920x1200x24", *command],
            capture_output=True, text=True, env=variables, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    if ran.returncode:
        print(f"{name} could not be measured:\n{ran.stderr[-800:]}", file=sys.stderr)
        return None
    return json.loads(ran.stdout.strip().splitlines()[-1])


def measure_napari(environment: Path, side: int, brush_px: int) -> list[float] | None:
    """Milliseconds of dabs on an image of side x side pixels."""
    values: list[float] | None = run_peer("napari", environment, NAPARI, side, DABS, brush_px)
    return values


def measure_labelme(environment: Path, side: int) -> dict[str, float] | None:
    """Milliseconds of a full repaint by zoom, the image alone."""
    values: dict[str, float] | None = run_peer("labelme", environment, LABELME, side, REPAINTS)
    return values
