"""What the tests of the window share: building the real program over small images, and using it by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.app import App

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

WAIT_MS = 20_000


def make_places(home: Path) -> dict[str, Path]:
    """Files and folders of a person who lives in `home`."""
    return {"settings_path": home / "settings.json", "cache_dir": home / "cache", "data_dir": home / "data"}


def start(home: Path, qtbot: QtBot, *, networks: bool = False, **overrides: Any) -> App:
    """The program with its window shown and active; without `networks` no prediction comes unasked."""
    app = App(places=make_places(home), overrides=overrides or None)
    if not networks:
        app.session._workers.device.close(5.0)
    app.window.resize(1200, 800)
    app.window.show()
    app.window.activateWindow()
    qtbot.waitUntil(app.window.isActiveWindow, timeout=WAIT_MS)
    return app


def wait_for_image(app: App, qtbot: QtBot, image_id: str | None = None) -> None:
    """Until an image (this one) is open and on the canvas."""

    def is_there() -> bool:
        shown = app.window.canvas.document
        return shown is not None and (image_id is None or shown.image_id == image_id)

    qtbot.waitUntil(is_there, timeout=WAIT_MS)


def key(app: App, which: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key as a person presses it while the canvas has the focus."""
    app.window.canvas.setFocus()
    QTest.keyClick(app.window.canvas, which, modifier)


def drag(app: App, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> None:
    """A drag with the left button between two places given as shares of the canvas."""
    canvas = app.window.canvas
    points = [
        QPoint(round(canvas.width() * x), round(canvas.height() * y))
        for x, y in zip(
            np.linspace(start_xy[0], end_xy[0], 8), np.linspace(start_xy[1], end_xy[1], 8), strict=True
        )
    ]
    none = Qt.KeyboardModifier.NoModifier
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, none, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, none, points[-1])


def put_prediction(app: App, seen_id: int = 1) -> None:
    """Answer for the network: the left half of the open image is class `seen_id`, the rest background."""
    document, keys = app.session.document, app.session.classes.shown.keys
    assert document is not None
    channels = np.zeros(document.shape_hw, np.uint8)
    channels[:, : channels.shape[1] // 2] = seen_id
    confidence = np.full(channels.shape, 204, np.uint8)
    document.prediction = Prediction(channels, confidence, keys, "test", True, 0.0, "test")
    app.session.events.prediction_changed.emit(document.image_id)
