"""The device benchmark runs and reports; its figures are not judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "device.py"


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks come with a checkout only")
def test_the_device_benchmark_reports_its_figures(tmp_path):
    command = [sys.executable, SCRIPT, "--device", "cpu", "--repeats", "2", "--steps", "0"]
    result = subprocess.run(
        [*command, "--json", tmp_path / "figures.json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())["devices"]["cpu"]
    assert figures["closed"]
    assert figures["median_ms"] > 0
    assert "median_ms" in result.stdout
