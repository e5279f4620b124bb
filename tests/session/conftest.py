"""A real session over small images, and someone who works with it."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.session.desk import Desk

HW = {"a.png": (64, 80), "b.png": (72, 64), "c.png": (66, 96)}


@pytest.fixture(autouse=True)
def _config_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests, so that the network is compiled once."""
    return tmp_path_factory.mktemp("cache")


def write_image(path: Path, hw: tuple[int, int], seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*hw, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three small images of different sizes."""
    for seed, (name, hw) in enumerate(HW.items()):
        write_image(tmp_path / "photos" / name, hw, seed)
    return tmp_path / "photos"


def our_files(folder: Path) -> list[str]:
    """Files below `folder` that this process holds open; empty where the system does not tell."""
    held = []
    for link in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        try:
            name = os.readlink(link)
        except OSError:
            continue  # closed meanwhile
        if name.startswith(str(folder)):
            held.append(name)
    return held


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """After a test no thread of a session and no file of a project may be left."""
    threads = set(threading.enumerate())
    yield
    end = time.monotonic() + 5
    while True:
        left = [thread.name for thread in threading.enumerate() if thread not in threads]
        left += our_files(tmp_path)
        if not left or time.monotonic() > end:
            break
        gc.collect()
        time.sleep(0.02)
    assert not left, f"left after the test: {left}"


@pytest.fixture
def start(tmp_path: Path, cache_dir: Path, nothing_is_left: None) -> Iterator[Callable[..., Desk]]:
    """start(networks=False, **settings) -> a new session with nothing open, as after a start."""
    made: list[Desk] = []

    def make(*, networks: bool = False, **settings: object) -> Desk:
        made.append(Desk(tmp_path, cache_dir, networks=networks, settings=settings))
        return made[-1]

    yield make
    for desk in made:
        assert desk.session.close()


@pytest.fixture
def desk(start: Callable[..., Desk], photos: Path) -> Desk:
    """The photos opened with the classes background, cat (1) and dog (2); no network answers."""
    desk = start()
    desk.open(photos)
    desk.session.classes.use_own_classes(["cat", "dog"])
    return desk
