"""The window's life: first start, what the next start remembers, what it loads, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest

from fcn_studio.core.resources import resource_path
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, drag, key, make_places, start, wait_for_image

try:
    SAMPLES = sorted(path.name for path in resource_path("samples").glob("*.jpg"))
except FileNotFoundError:
    SAMPLES = []


def _run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A Python program of its own, for a person who lives in `home`."""
    names = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "HOME")
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ, **{name: str(home) for name in names}),
    )


def test_the_first_start_shows_samples_with_masks_and_a_hint_that_goes(tmp_path: Path, qtbot) -> None:
    app = start(tmp_path, qtbot, networks=True)
    app.open()
    qtbot.waitUntil(lambda: bool(app.session.document and app.session.document.prediction), timeout=WAIT_MS)
    assert app.idle.is_watching, "torch comes when the person is idle, and not before the first overlay"
    app.idle.stop()
    assert sorted(entry.name for entry in app.session.images.entries) == SAMPLES
    assert not app.session.classes.is_preview, "the samples come with classes"
    qtbot.waitUntil(app.window.hint.isVisible, timeout=WAIT_MS)
    assert not app.session.settings["hint_seen"]
    key(app, Qt.Key.Key_1)
    drag(app, (0.4, 0.5), (0.6, 0.5))
    assert not app.window.hint.isVisible(), "whoever paints needs no hint"
    assert app.session.settings["hint_seen"]
    assert app.close()


def test_the_next_start_is_as_the_last_one_ended(tmp_path: Path, photos: Path, qtbot) -> None:
    app = start(tmp_path / "home", qtbot)
    app.open([photos])
    wait_for_image(app, qtbot)
    app.window.resize(1010, 690)
    app.session.images.open("b.png")
    wait_for_image(app, qtbot, "b.png")
    key(app, Qt.Key.Key_E)
    app.window.canvas.set_brush_size(77)
    app.window.layers.sliders["prediction"].setValue(15)
    app.window.deeds.set_theme("light")
    key(app, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    key(app, Qt.Key.Key_F8)
    QTest.qWait(30)
    assert app.close()

    again = App(places=make_places(tmp_path / "home"))
    again.session._workers.device.close(5.0)
    again.window.show()
    again.open()
    wait_for_image(again, qtbot, "b.png")
    assert again.window.height() == 690  # the width is cut to the screen of the off-screen platform
    assert again.window.canvas.tool_id == "eraser"
    assert again.window.tool_column.buttons["tool_eraser"].isChecked()
    assert again.window.tool_row.options.size_text.text() == "77 px"
    assert again.window.layers.sliders["prediction"].value() == 15
    assert not again.window.theme.is_dark
    assert again.window.canvas.zoom == pytest.approx(1.0)
    assert not again.window.teach_dock.isVisible()
    assert again.close()


def test_settings_given_for_one_run_are_not_remembered(tmp_path: Path, qtbot) -> None:
    app = start(tmp_path, qtbot, theme="light", device="cpu")
    assert not app.window.theme.is_dark
    assert app.close()
    kept = json.loads((tmp_path / "settings.json").read_text())
    assert (kept["theme"], kept["device"]) == ("system", "auto")


def test_damaged_settings_do_not_keep_the_window_from_opening(tmp_path: Path, qtbot) -> None:
    (tmp_path / "settings.json").write_text('{"theme": 3, "window_geometry": "%%%", "last_paths": [1]')
    app = start(tmp_path, qtbot)
    assert app.window.isVisible()
    assert app.close()


def test_settings_that_are_no_utf8_do_not_keep_the_window_from_opening(tmp_path: Path, qtbot) -> None:
    (tmp_path / "settings.json").write_bytes(
        '{"theme": "light", "last_image": "Blüte.jpg"}'.encode("latin-1")
    )
    app = start(tmp_path, qtbot)
    assert app.window.isVisible()
    assert app.close()


def test_folders_that_are_gone_give_way_to_the_samples(tmp_path: Path, qtbot) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"last_paths": [str(tmp_path / "gone")]}))
    app = start(tmp_path, qtbot)
    app.open()
    wait_for_image(app, qtbot)
    assert app.session.document.image_id in SAMPLES
    assert app.close()


def test_closing_with_strokes_that_no_disk_has_asks_once(app: App, photos: Path, qtbot) -> None:
    photos.with_name("photos.fcnstudio").write_text("a file where a folder is needed")
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    qtbot.waitUntil(lambda: app.session.editing.is_at_risk, timeout=30_000)
    app.window.notices.clear()
    first, second = QCloseEvent(), QCloseEvent()
    app.window.closeEvent(first)
    assert not first.isAccepted()
    assert app.window.notices.chips[0].cure is not None
    app.window.closeEvent(second)
    assert second.isAccepted()


def test_a_folder_that_may_not_be_looked_at_gives_way_to_the_samples(tmp_path: Path, qtbot) -> None:
    # A name beyond what the system takes raises OSError like a folder of somebody else's; root sees those.
    (tmp_path / "settings.json").write_text(json.dumps({"last_paths": ["/" + "x" * 5000]}))
    app = start(tmp_path, qtbot)
    app.open()
    wait_for_image(app, qtbot)
    assert app.session.document.image_id in SAMPLES
    assert app.close()


@pytest.mark.parametrize("after_ms", [0, 40, 200])
def test_closing_while_images_open_leaves_nothing(app: App, photos: Path, after_ms: int) -> None:
    app.open([photos])
    QTest.qWait(after_ms)


def test_closing_while_a_network_looks_leaves_nothing(tmp_path: Path, photos: Path, qtbot) -> None:
    app = start(tmp_path / "home", qtbot, networks=True)
    app.open([photos])
    qtbot.waitUntil(lambda: app.session.prediction.status.phase.value == "running", timeout=WAIT_MS)
    assert app.close()


def test_nothing_heavy_is_loaded_before_the_window_is_seen(tmp_path: Path) -> None:
    script = f"""
        import sys
        from pathlib import Path
        from PySide6.QtWidgets import QApplication
        from fcn_studio.ui.app import App, make_application

        make_application()
        home = Path({str(tmp_path)!r})
        places = dict(settings_path=home / "s.json", cache_dir=home / "c", data_dir=home / "d")
        app = App(places=places)
        app.window.show()
        QApplication.processEvents()
        heavy = ("torch", "torchvision", "openvino", "onnx", "pyqtgraph", "scipy", "qtawesome", "tifffile")
        print([name for name in heavy if name in sys.modules])
        app.close()
    """
    found = _run(script, tmp_path)
    assert found.stdout.strip() == "[]", found.stderr


def test_the_program_runs_until_its_window_is_closed(tmp_path: Path) -> None:
    script = """
        import sys
        from PySide6.QtCore import QTimer
        from fcn_studio.ui.app import run

        def close_soon(app):
            QTimer.singleShot(300, app.window.close)

        print("code", run(samples=True, settings={"theme": "dark"}, on_start=close_soon))
    """
    found = _run(script, tmp_path)
    assert "code 0" in found.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
def test_ctrl_c_in_the_terminal_closes_the_window(tmp_path: Path) -> None:
    script = """
        import os, signal
        from PySide6.QtCore import QTimer
        from fcn_studio.ui.app import run

        def interrupt_soon(app):
            QTimer.singleShot(300, lambda: os.kill(os.getpid(), signal.SIGINT))

        print("code", run(on_start=interrupt_soon))
    """
    found = _run(script, tmp_path)
    assert "code 0" in found.stdout, found.stderr
    assert "Traceback" not in found.stderr
