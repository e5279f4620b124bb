"""A disk that is full: painting goes on in memory, and everything is written as soon as there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.box import Box
from fcn_studio.session import Level, Saved
from tests.session.conftest import write_image
from tests.session.desk import Desk

DISK_BYTES = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a small file system (tmpfs)")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system (tmpfs) cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\1" * 4096)
    return ballast


@pytest.fixture
def full(small_disk: Path, start: Callable[..., Desk]) -> tuple[Desk, Path]:
    """Two photos on a disk that has been filled after two strokes; the desk, and the file that fills it."""
    for seed, name in enumerate(("a.png", "b.png")):
        write_image(small_disk / "photos" / name, (64, 80), seed)
    desk = start()
    desk.open(small_disk / "photos")
    desk.session.classes.use_own_classes(["cat", "dog"])
    desk.stroke(10, 10, 1)
    desk.stroke(20, 20, 2)
    desk.on_disk()
    desk.settle()
    return desk, fill(small_disk)


def scribble(desk: Desk, count: int = 30) -> None:
    """Strokes that need some room: noise of two classes over most of the image."""
    for number in range(count):
        noise = np.random.default_rng(number).random((64, 80)) < 0.5
        desk.session.editing.begin_stroke("Scribble")
        desk.session.editing.paint(Box(0, 0, 64, 80), noise, 1 + number % 2)
        desk.session.editing.finish_stroke()


def test_painting_goes_on_in_memory_and_the_journal_catches_up_when_there_is_room(
    full: tuple[Desk, Path], start: Callable[..., Desk], small_disk: Path
) -> None:
    desk, ballast = full
    scribble(desk)
    desk.settle()
    assert desk.session.editing.saved is Saved.IN_MEMORY
    told = [notice for notice in desk.notices if notice.level is Level.ERROR]
    assert len(told) == 1, "said once, not with every stroke"
    assert "the disk is full" in told[0].text
    assert "memory" in told[0].text
    desk.session.editing.undo()
    painted = desk.labels.copy()

    desk.session.editing.catch_up()
    desk.settle()
    assert desk.session.editing.saved is Saved.IN_MEMORY, "still no room"
    ballast.unlink()
    desk.session.editing.catch_up()
    desk.on_disk()
    assert desk.notices[-1].level is Level.SUCCESS
    assert (desk.labels == painted).all()
    # A process that is killed now has lost nothing: another one reads what is on the disk.
    again = start()
    again.open(small_disk / "photos")
    assert (again.labels == painted).all()
    assert len(again.document.history.done) == 31
    assert not again.complaints


def test_strokes_of_an_image_that_was_left_catch_up_too(
    full: tuple[Desk, Path], start: Callable[..., Desk], small_disk: Path
) -> None:
    desk, ballast = full
    scribble(desk)
    painted = desk.labels.copy()
    desk.show("b.png")
    assert desk.session.editing.saved is Saved.IN_MEMORY
    ballast.unlink()
    desk.session.editing.catch_up()
    desk.settle()
    assert desk.session.editing.saved is not Saved.IN_MEMORY
    again = start()
    again.open(small_disk / "photos")
    assert (again.labels == painted).all()


def test_the_whole_disk_full_before_the_first_stroke(small_disk: Path, start: Callable[..., Desk]) -> None:
    write_image(small_disk / "photos" / "a.png", (64, 80), 0)
    ballast = fill(small_disk)
    desk = start()
    desk.open(small_disk / "photos")
    desk.session.classes.use_own_classes(["cat", "dog"])
    scribble(desk, 3)
    desk.settle()
    assert desk.session.editing.saved is Saved.IN_MEMORY
    painted = desk.labels.copy()
    assert not list(small_disk.rglob("*.tmp"))
    ballast.unlink()
    desk.session.editing.catch_up()
    desk.on_disk()
    desk.settle()
    again = start()
    again.open(small_disk / "photos")
    assert again.session.classes.table.names == ("background", "cat", "dog")
    assert (again.labels == painted).all()


def test_catching_up_has_nothing_to_do_where_nothing_was_refused(desk: Desk) -> None:
    desk.stroke(10, 10, 1)
    desk.on_disk()
    desk.notices.clear()
    desk.session.editing.catch_up()
    desk.settle()
    assert desk.notices == []
    assert desk.session.editing.saved is Saved.ON_DISK
