"""Processes of the real program, each test with a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fcn_studio.core.resources import resource_path

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ("chelsea.jpg", "astronaut.jpg", "coffee.jpg")

pytest.importorskip(
    "PySide6.QtWidgets", reason="Qt and its system libraries are needed", exc_type=ImportError
)


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the network is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def environment(tmp_path: Path, cache_home: Path) -> dict[str, str]:
    """A person who has never used the program, at a machine without a display."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(cache_home),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three real photographs in a folder that knows the samples' classes."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (*PHOTOS, "classes.json"):
        shutil.copyfile(resource_path("samples", name), folder / name)
    return [folder / name for name in PHOTOS]


@pytest.fixture
def spawn(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """spawn(*arguments of python) -> a process with pipes; killed at the end of the test if need be."""
    made: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        made.append(process)
        return process

    yield start
    for process in made:
        process.kill()
        process.communicate()
