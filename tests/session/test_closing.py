"""Closing at any moment leaves no thread and no open file (the fixture `nothing_is_left` looks)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.jobs import Priority
from fcn_studio.session import Saved


def session_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(("device", "io-", "journal-"))]


def test_closing_twice_and_with_nothing_open_is_fine(start) -> None:
    desk = start()
    assert desk.session.close()
    assert desk.session.close()
    assert not session_threads()


def test_closing_while_a_project_is_opened(start, photos: Path) -> None:
    desk = start(networks=True)
    desk.session.open([photos])
    assert desk.session.close()
    assert not session_threads()
    desk.queue.run_pending()  # late answers do no harm
    desk.session.open([photos])
    assert not session_threads()


def test_closing_while_images_and_thumbnails_are_read(start, photos: Path) -> None:
    desk = start(networks=True)
    desk.open(photos)
    for entry in desk.session.images.entries:
        desk.session.images.request_thumbnail(entry.image_id)
        desk.session.images.open(entry.image_id)
    assert desk.session.close()
    assert not session_threads()


def test_closing_in_mid_stroke_keeps_the_stroke(desk, start, photos: Path) -> None:
    desk.session.editing.begin_stroke("Paint")
    desk.dab(20, 20, 1)
    assert desk.session.close()
    assert desk.session.editing.saved in (Saved.WRITTEN, Saved.ON_DISK)
    again = start()
    again.open(photos)
    assert again.labels[20, 20] == 1


def test_closing_while_predicting(start, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    Image.fromarray(np.zeros((1500, 1400, 3), np.uint8)).save(tmp_path / "large" / "a.bmp")
    desk = start(networks=True)
    busy = []
    desk.session.events.activity_changed.connect(busy.append)
    desk.open(tmp_path / "large")
    desk.until(lambda: any("a.bmp" in label for label in busy))
    assert desk.session.close()
    assert not session_threads()


def test_closing_while_training(start, photos: Path) -> None:
    pytest.importorskip("torch")
    desk = start(networks=True)
    desk.open(photos)
    desk.session.classes.use_own_classes(["cat"])
    desk.stroke(20, 20, 1, radius=8)
    desk.session.teaching.start(device="cpu", steps=10_000)
    desk.until(lambda: desk.session.teaching.status.step >= 1, 150)
    assert desk.session.close()
    assert not session_threads()


def test_closing_waits_no_longer_than_it_was_told(start) -> None:
    desk = start(networks=True)
    go_on = threading.Event()
    desk.session._workers.device.submit("stuck", Priority.EXACT, lambda _cancel: go_on.wait(30))
    desk.session._workers.pool.submit(lambda: go_on.wait(30))
    began = time.monotonic()
    assert not desk.session.close(timeout_s=0.5)
    assert time.monotonic() - began < 2
    go_on.set()
