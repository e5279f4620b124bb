"""While strokes are in memory only the disk is asked again and again; afterwards no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcn_studio.session.events import Saved
from fcn_studio.ui import catch_up
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, drag, wait_for_image


def _notices(app: App) -> str:
    return "\n".join(chip.notice.text for chip in app.window.notices.chips)


def test_refused_strokes_are_written_once_the_disk_takes_them(
    app: App, photos: Path, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = photos.parent / "photos.fcnstudio"
    blocker.write_text("a file where a folder is needed")
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    qtbot.waitUntil(lambda: app.session.editing.saved is Saved.IN_MEMORY, timeout=WAIT_MS)
    timer = app.window.catch_up
    assert timer.is_trying
    drag(app, (0.4, 0.5), (0.6, 0.5))
    assert app.session.editing.saved is Saved.IN_MEMORY
    assert "wait in memory" in _notices(app)
    blocker.unlink()
    timer._timer.setInterval(20)
    qtbot.waitUntil(lambda: app.session.editing.saved is Saved.ON_DISK, timeout=WAIT_MS)
    assert not timer.is_trying
    assert "wait in memory" not in _notices(app), "it is not true any more"
    assert "all are written" in _notices(app)
    assert catch_up.EVERY_MS >= 1000, "not so often that it is felt"


def test_each_time_that_strokes_would_be_lost_closing_asks(app: App, photos: Path, qtbot) -> None:
    app.open([photos])
    wait_for_image(app, qtbot)
    editing, window, blocker = app.session.editing, app.window, photos.parent / "photos.fcnstudio"
    app.session.classes.use_own_classes(["cat", "dog"])
    qtbot.waitUntil(lambda: blocker.is_dir(), timeout=WAIT_MS)
    for seen in range(2):
        blocker.rename(photos.parent / f"moved {seen}")
        blocker.write_text("a file where a folder is needed")
        app.session.mark_reviewed(seen == 0)
        qtbot.waitUntil(lambda: editing.saved is Saved.IN_MEMORY, timeout=WAIT_MS)
        assert not window.close()
        assert "not on disk" in _notices(app)
        blocker.unlink()
        editing.catch_up()
        qtbot.waitUntil(lambda: editing.saved is not Saved.IN_MEMORY, timeout=WAIT_MS)
        assert "not on disk" not in _notices(app)
