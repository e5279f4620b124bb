"""`fcn-studio tour`: the real window through the whole main job, measured against what it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.io.label_png import read_label_png

pytest.importorskip(
    "PySide6.QtWidgets", reason="Qt and its system libraries are needed", exc_type=ImportError
)

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """One run of the real command: the folder that it wrote and its summary."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    out = home / "out"
    result = subprocess.run(
        [sys.executable, "-m", "fcn_studio", "tour", "--out", str(out), "--device", "cpu", "--json"],
        capture_output=True,
        text=True,
        timeout=850,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(result.stdout) == summary
    return out, summary


@pytest.mark.timeout(900)
def test_five_stages_with_photographs_that_differ(tour: tuple[Path, dict]) -> None:
    out, summary = tour
    assert len(summary["stages"]) >= 5
    before = None
    for stage in summary["stages"]:
        with Image.open(out / stage["screenshot"]) as file:
            pixels = np.asarray(file.convert("RGB")).astype(int)
        middle = pixels[200:700, 300:1100]
        assert len(np.unique(middle.reshape(-1, 3), axis=0)) > 5000, f"no photograph in {stage['name']}"
        if before is not None:
            changed = (np.abs(pixels - before).max(axis=2) > 16).sum()
            assert changed > 500, f"{stage['name']} looks like the stage before it"
        before = pixels


@pytest.mark.timeout(900)
def test_the_correction_is_undone_exactly_and_taught(tour: tuple[Path, dict]) -> None:
    _, summary = tour
    assert summary["correction"]["undo_restores"] is True
    assert summary["correction"]["pixels"] > 5000
    assert summary["correction"]["journal_frames"] == 18  # six strokes, undone and done again
    taught = summary["fine_tune"]
    assert taught["steps"] > 0
    assert taught["agreement_before"] < 0.5
    assert taught["agreement_after"] >= 0.9
    assert taught["agreement_elsewhere"] >= 0.9


@pytest.mark.timeout(900)
def test_every_sample_has_its_mask(tour: tuple[Path, dict]) -> None:
    out, summary = tour
    assert summary["first_overlay_seconds"] > 0
    assert len(summary["images"]) >= 3
    for entry in summary["images"]:
        mask, _ = read_label_png(out / entry["mask"])
        assert mask.ndim == 2
        assert sum(entry["classes"].values()) == pytest.approx(1, abs=0.01)
    assert {"mask", "classes", "image"} <= set(summary["images"][0])
