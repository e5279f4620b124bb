"""Waiting for the disk: never the painter; and never a stroke that is called durable but is not."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_studio.core.box import Box
from fcn_studio.core.errors import ProjectError, StorageError
from fcn_studio.io.atomic import TEMPORARY_PREFIX, write_atomic
from fcn_studio.project import load_document, open_project

from .conftest import Painter, write_image

KEYS = ["background", "cat", "dog", "horse"]


@pytest.fixture
def fsyncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files and folders in the order in which they were made durable."""
    real, names = os.fsync, []

    def fsync(descriptor: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("which file a descriptor belongs to is read from Linux's /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    return names


@pytest.fixture
def listed(photos: Path) -> Path:
    """Photos that bring their classes along, as the samples do: no file is made before the first stroke."""
    (photos / "classes.json").write_text(
        json.dumps([{"index": i, "name": key} for i, key in enumerate(KEYS)])
    )
    return photos


def test_the_first_stroke_of_a_project_waits_for_no_disk_and_its_project_file_is_durable_first(
    listed: Path, painters: Callable[..., Painter], fsyncs: list[str]
) -> None:
    painter = painters(open_project([listed]), "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    assert fsyncs == []
    store = listed.parent / "photos.fcnstudio"
    assert json.loads((store / "project.json").read_text())["classes"]
    assert load_document(open_project([listed]), "a.png").seq == 1  # a killed process loses nothing
    painter.journal.sync()
    assert fsyncs.index("project.json") < fsyncs.index("a.journal")
    assert {store.name, listed.parent.name, "journal"} <= set(fsyncs)
    fsyncs.clear()
    painter.paint(Box(5, 5, 9, 9), 2)
    painter.journal.sync()
    assert fsyncs == ["a.journal"]


def test_a_project_file_that_a_power_cut_left_empty_is_made_anew_where_the_classes_are_known(
    listed: Path, painters: Callable[..., Painter]
) -> None:
    painter = painters(open_project([listed]), "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    planes = painter.planes
    painter.close()
    record = listed.parent / "photos.fcnstudio" / "project.json"
    for left in (b"", b"\0" * 700):
        record.write_bytes(left)
        for path in (listed, record.parent):
            project = open_project([path])
            assert list(project.classes.keys) == KEYS
            assert Painter(project, "a.png").planes == planes
    project.set_reviewed("a.png", True)
    project.save()
    assert json.loads(record.read_text())["reviewed"] == ["a.png"]


def test_an_empty_project_file_with_classes_of_ones_own_is_refused(photos: Path) -> None:
    store = photos.with_name("photos.fcnstudio")
    store.mkdir()
    (store / "project.json").write_bytes(b"\0" * 30)
    with pytest.raises(ProjectError, match="broken"):
        open_project([photos])


@pytest.mark.parametrize("closed_before", [False, True])
@pytest.mark.parametrize("synced_before", [0, 2])
def test_strokes_that_fsync_refuses_are_written_again(
    photos: Path,
    painters: Callable[..., Painter],
    monkeypatch: pytest.MonkeyPatch,
    synced_before: int,
    closed_before: bool,
) -> None:
    """A disk that fills up behind the system's back (network, quota) says so at fsync, and drops the data."""
    write_image(photos / "a.png")
    painter = painters(open_project([photos]), "a.png")
    painter.project.set_classes(painter.project.classes.add("background").add("cat").add("dog"))
    for number in range(synced_before):
        painter.paint(Box(number, 0, number + 5, 5), 1)
    painter.journal.sync()
    path = painter.project.place_of("a.png").journal
    durable = path.read_bytes() if path.exists() else b""
    painter.paint(Box(0, 0, 9, 9), 2)
    painter.paint(Box(3, 3, 12, 12), 1)
    if closed_before:
        painter.journal.close()
    real = os.fsync

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="full"):
        painter.journal.sync()
    assert painter.journal.pending == 2
    assert painter.journal.synced_seq == synced_before
    # What was not on the disk is gone: the pages hold something else now.
    size = path.stat().st_size
    path.write_bytes(durable + b"?" * (size - len(durable)))
    monkeypatch.setattr(os, "fsync", real)
    painter.paint(Box(6, 6, 20, 20), 2)
    assert painter.journal.sync() == synced_before + 3
    assert painter.journal.pending == 0
    seen = load_document(painter.project, "a.png")
    assert (seen.label_map.labels.tobytes(), seen.label_map.provenance.tobytes()) == painter.planes
    assert seen.notices == ()


def test_what_killed_processes_left_goes_and_what_is_being_written_stays(photos: Path) -> None:
    project = open_project([photos])
    project.save()
    project.ensure_on_disk()
    folder = project.store / "labels" / "deep"
    folder.mkdir(parents=True)
    left = [folder / f"{TEMPORARY_PREFIX}1.tmp", project.store / f"{TEMPORARY_PREFIX}2.tmp"]
    kept = [folder / "x.png", folder / "other.tmp"]
    for path in (*left, *kept):
        path.write_bytes(b"half")
    seen: list[int] = []

    def write(file) -> None:
        file.write(b"new")
        file.flush()
        seen.append(project.remove_leftovers())

    write_atomic(folder / "y.png", write)
    assert seen == [2]
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
    assert (folder / "y.png").read_bytes() == b"new"
