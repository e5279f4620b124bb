"""The window closed at bad moments: the process ends soon, with exit code 0, and complains of nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPTS = Path(__file__).with_name("window_scripts.py")

pytestmark = pytest.mark.e2e


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, complaints = process.communicate(timeout=150)
    assert process.returncode == 0, complaints
    assert complaints == ""
    return out.splitlines()


def test_closed_while_loading(spawn: Callable[..., subprocess.Popen[str]], photos: list[Path]) -> None:
    finish(spawn(SCRIPTS, "close_while_loading", *photos))


def test_closed_while_predicting(spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((2000, 2400, 3), np.uint8)).save(tmp_path / "large.bmp")
    finish(spawn(SCRIPTS, "close_while_predicting", tmp_path / "large.bmp"))


def test_closed_while_torch_loads(spawn: Callable[..., subprocess.Popen[str]], photos: list[Path]) -> None:
    finish(spawn(SCRIPTS, "close_while_torch_loads", *photos))


def test_closed_while_training(spawn: Callable[..., subprocess.Popen[str]], photos: list[Path]) -> None:
    lines = finish(spawn(SCRIPTS, "close_while_training", *photos))
    assert [json.loads(line)["phase"] for line in lines] == ["running"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_closes_the_window_and_keeps_the_settings(
    spawn: Callable[..., subprocess.Popen[str]], environment: dict[str, str], photos: list[Path]
) -> None:
    kept_predictions = Path(environment["XDG_CACHE_HOME"]) / "fcn-studio" / "predictions"
    before = set(kept_predictions.glob("*.pred"))
    process = spawn("-m", "fcn_studio", "--theme", "light", photos[0].parent)
    end = time.monotonic() + 60
    while set(kept_predictions.glob("*.pred")) <= before and time.monotonic() < end:
        time.sleep(0.05)  # until the first overlay is there
    process.send_signal(signal.SIGINT)
    finish(process)
    kept = json.loads((Path(environment["XDG_CONFIG_HOME"]) / "fcn-studio" / "settings.json").read_text())
    assert kept["last_paths"] == [str(photos[0].parent)]
    assert kept["theme"] == "system"  # --theme counts for one run
