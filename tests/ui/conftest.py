"""What tests of the window share: a real session over small images, a canvas, and a look for leaks."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets", reason="Qt and its system libraries are needed", exc_type=ImportError
)

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication
from shiboken6 import getCppPointer

from fcn_studio.core.prediction import Prediction
from fcn_studio.core.settings import Settings
from fcn_studio.session.session import Session
from fcn_studio.ui.bridge import QtDispatcher
from fcn_studio.ui.canvas.view import CanvasView
from tests.ui.pointing import WAIT_MS, make_pixels
from tests.ui.window_kit import start, wait_for_image

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from fcn_studio.ui.app import App

NOT_OURS = ("/usr/", "/lib", "/dev/", "/proc/", "/etc/", "/var/cache/", "/memfd", "/sys/")


def _open_files() -> set[str]:
    """Ordinary files that this process holds open; empty where the system does not tell."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return set()
    names = set()
    for link in folder.iterdir():
        try:
            name = os.readlink(link)
        except OSError:
            continue  # closed meanwhile
        if name.startswith("/") and not name.startswith(NOT_OURS) and "site-packages" not in name:
            names.add(name)
    return names


def _process_deletions() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


@pytest.fixture(autouse=True)
def nothing_is_left(qapp: QApplication) -> Iterator[None]:
    """After a test no thread, top-level widget or open file may be left."""
    threads, files = set(threading.enumerate()), _open_files()
    widgets = set(map(getCppPointer, QApplication.topLevelWidgets()))
    yield
    end = time.monotonic() + 5
    while True:
        _process_deletions()
        left = [thread.name for thread in threading.enumerate() if thread not in threads]
        left += [
            repr(widget) for widget in QApplication.topLevelWidgets() if getCppPointer(widget) not in widgets
        ]
        left += sorted(_open_files() - files)
        if not left or time.monotonic() > end:
            break
        gc.collect()  # slow with this many modules: only where something seems to be left
        time.sleep(0.02)
    assert not left, f"left after the test: {left}"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three small images: a.png 60x80, b.png 48x64, c.png 33x57 (height x width)."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, (name, hw) in enumerate({"a": (60, 80), "b": (48, 64), "c": (33, 57)}.items()):
        Image.fromarray(make_pixels(*hw, seed)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """A real session with nothing open. Its device thread has ended, so that no network answers unasked."""
    dispatcher = QtDispatcher()
    made = Session(
        dispatcher, Settings(), settings_path=None, cache_dir=tmp_path / "cache", data_dir=tmp_path / "data"
    )
    made._workers.device.close(5.0)
    yield made
    assert made.close()
    dispatcher.close()


@pytest.fixture
def open_session(session: Session, photos: Path, qtbot: QtBot) -> Session:
    """The session with the three photos and the classes background, cat (1) and dog (2); a.png is open."""
    session.open([photos])
    qtbot.waitUntil(lambda: session.document is not None, timeout=WAIT_MS)
    session.classes.use_own_classes(["cat", "dog"])
    return session


@pytest.fixture
def canvas(open_session: Session, qtbot: QtBot) -> Iterator[CanvasView]:
    """A canvas of 400x300 (width x height) that shows a.png."""
    QCursor.setPos(790, 790)  # wherever the last test left it
    view = CanvasView(open_session)
    view.resize(400, 300)
    view.show()
    qtbot.waitExposed(view)
    qtbot.waitUntil(lambda: view.document is not None, timeout=WAIT_MS)
    yield view
    view.dispose()
    view.close()
    view.deleteLater()


@pytest.fixture
def show_image(open_session: Session, qtbot: QtBot) -> Callable[[CanvasView, str], None]:
    """Opens an image by id and waits until the canvas shows it."""

    def show(view: CanvasView, image_id: str) -> None:
        open_session.images.open(image_id)
        qtbot.waitUntil(
            lambda: view.document is not None and view.document.image_id == image_id, timeout=WAIT_MS
        )

    return show


@pytest.fixture
def predict(open_session: Session) -> Callable[..., Prediction]:
    """Puts an answer of a network into the open image, as the device thread would."""

    def put(channels: np.ndarray, *, checkpoint_id: str = "first", is_stale: bool = False) -> Prediction:
        document = open_session.document
        assert document is not None
        prediction = Prediction(
            channels=channels.astype(np.uint8),
            confidence=np.full(channels.shape, 230, np.uint8),
            class_keys=("background", "cat", "dog"),
            checkpoint_id=checkpoint_id,
            exact=True,
            seconds=0.0,
            engine="test",
        )
        document.prediction, document.prediction_is_stale = prediction, is_stale
        open_session.events.prediction_changed.emit(document.image_id)
        return prediction

    return put


@pytest.fixture
def app(qtbot: QtBot, tmp_path: Path) -> Iterator[App]:
    """The whole program, its window shown, nothing open; no network answers unasked."""
    made = start(tmp_path / "home", qtbot)
    yield made
    assert made.close()


@pytest.fixture
def previewed(app: App, photos: Path, qtbot) -> App:
    """The program with a folder of one's own, which has no classes yet."""
    app.open([photos])
    wait_for_image(app, qtbot)
    assert app.session.classes.is_preview
    return app
