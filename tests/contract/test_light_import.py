"""What costs seconds to import is imported by what needs it, and by nothing else."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TORCH = {"torch", "torchvision"}
QT = {"PySide6", "shiboken6", "pyqtgraph", "qtawesome"}
HEAVY = TORCH | QT | {"numpy", "scipy", "PIL", "openvino", "onnx", "tifffile", "psygnal", "rich"}
ROOMS_BELOW_UI = ("core", "io", "jobs", "models", "inference", "project", "training", "session")


def run_python(source: str, *, path: Path = ROOT, cwd: Path = ROOT, timeout_s: float = 120) -> str:
    """Standard output of a fresh interpreter that imports the package from `path`."""
    environment = {**os.environ, "PYTHONPATH": str(path), "QT_QPA_PLATFORM": "offscreen"}
    finished = subprocess.run(
        [sys.executable, "-c", source],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def loaded_by(module: str) -> set[str]:
    """Top-level packages in memory after `import module`."""
    source = f"import {module}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(run_python(source).split())


def test_the_package_itself_loads_nothing_heavy() -> None:
    assert loaded_by("fcn_studio") & HEAVY == set()


@pytest.mark.parametrize("module", ["fcn_studio.models", "fcn_studio.models.spec"])
def test_cards_and_class_lists_are_read_without_torch(module: str) -> None:
    assert loaded_by(module) & (TORCH | QT) == set()


def test_the_command_line_loads_neither_torch_nor_qt_before_a_command_runs() -> None:
    assert loaded_by("fcn_studio.cli.main") & (TORCH | QT | {"openvino", "onnx", "scipy"}) == set()


def test_the_session_loads_neither_torch_nor_qt_so_that_scripts_start_at_once() -> None:
    assert loaded_by("fcn_studio.session") & (TORCH | QT | {"openvino", "onnx"}) == set()


def test_the_window_is_built_before_torch_is_imported() -> None:
    assert loaded_by("fcn_studio.ui.app") & TORCH == set()


def test_everything_below_the_window_can_be_imported_without_qt_and_without_openvino() -> None:
    rooms = [f"fcn_studio.{room}" for room in ROOMS_BELOW_UI]
    paths = {room: str(ROOT / room.replace(".", "/")) for room in rooms}
    names = [
        f"{room}.{found.name}"
        for room in rooms
        for found in pkgutil.iter_modules([paths[room]])
        if room in rooms
    ]
    assert len(names) > 30
    source = f"""
import importlib, sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"PySide6", "shiboken6", "openvino"}}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
for name in {names!r}:
    importlib.import_module(name)
    print(name)
"""
    assert run_python(source).split() == names
