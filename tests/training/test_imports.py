"""Training needs neither Qt nor OpenVINO; what the session reads of it needs no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_imports_where_qt_and_openvino_are_absent() -> None:
    absent = ("openvino", "PySide6", "qtawesome", "pyqtgraph")
    code = (
        "import sys\n"
        f"for name in {absent!r}: sys.modules[name] = None\n"
        "import fcn_studio.training.fine_tune, fcn_studio.training.dataset, fcn_studio.training.validate\n"
        "print('fine')"
    )
    assert _run(code) == "fine"


@pytest.mark.parametrize("module", ["events", "recipe", "describe"])
def test_events_and_recipes_need_no_torch(module: str) -> None:
    assert _run(f"import sys, fcn_studio.training.{module}; print('torch' in sys.modules)") == "False"
