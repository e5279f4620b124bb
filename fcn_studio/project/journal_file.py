"""A journal's file before it is written to: what is put aside, cut off, locked."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from fcn_studio.core.errors import InUseError
from fcn_studio.project.label_store import JournalPlan, save_labels


def put_aside(plan: JournalPlan) -> None:
    """Do what loading found to be necessary before anything is written. Raises OSError, StorageError."""
    place, rewrite, aside = plan.place, plan.rewrite, plan.move_aside
    if rewrite is not None and place.labels.exists() and place.labels not in aside:
        shutil.copyfile(place.labels, find_free_name(place.labels, "aside"))
    # The journal goes last: killed in between, the next start finds the same labels again.
    _move_aside(path for path in aside if path != place.journal)
    if rewrite is not None:
        save_labels(place, *rewrite, seq=plan.next_seq - 1, journal=plan.header.journal)
    _move_aside(path for path in aside if path == place.journal)


def cut_tail(descriptor: int, path: Path, good_bytes: int, file_bytes: int) -> None:
    """Copy what stands behind the last whole frame aside, then cut it off. Raises OSError."""
    if good_bytes == file_bytes:
        return
    os.lseek(descriptor, good_bytes, os.SEEK_SET)
    with find_free_name(path, "broken").open("wb") as aside:
        while block := os.read(descriptor, 1 << 20):
            aside.write(block)
        aside.flush()
        os.fsync(aside.fileno())
    os.ftruncate(descriptor, good_bytes)


def _move_aside(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            os.rename(path, find_free_name(path, "aside"))


def find_free_name(path: Path, word: str) -> Path:
    """`NAME.word-N` beside `path` with the first N that is free."""
    number = 1
    while os.path.lexists(candidate := path.with_name(f"{path.name}.{word}-{number}")):
        number += 1
    return candidate


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it where the file stands. Raises OSError; part of it may then be written."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def is_same_file(descriptor: int, path: Path) -> bool:
    """Whether the path still leads to the open file (compaction puts another one there)."""
    return os.path.samestat(os.fstat(descriptor), os.stat(path))


def lock_file(descriptor: int, path: Path) -> None:
    """Two windows must not write one journal; the lock goes with the process, however it ends.

    Raises InUseError when another one holds it.
    """
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InUseError(
            f"{path} is in use: the image is being edited in another window. Close it there first."
        ) from error
    except OSError:
        # Some network file systems have no locks; the check of the file's size still protects it.
        return
