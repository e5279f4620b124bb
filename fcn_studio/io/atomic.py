"""Files that are either the old one or the new one, never something between."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fcn_studio.core.errors import ReadOnlyError, StorageError

_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}

TEMPORARY_PREFIX = ".fcn-studio-"
"""Temporary files start so; one that a killed process left may be deleted at any time."""


def storage_error(error: OSError, path: Path) -> StorageError:
    """The error tree's word for a failed write to `path`, as one sentence with a cure."""
    if error.errno in _READ_ONLY:
        return ReadOnlyError(f"{path} cannot be written: the place is read-only. Choose another place.")
    if error.errno in _FULL:
        return StorageError(f"{path} could not be written: the disk is full. Free some space and try again.")
    if error.errno in _NO_FOLDER:
        return ReadOnlyError(
            f"{path} cannot be written: a file stands where a folder is needed. Choose another place."
        )
    reason = error.strerror or str(error)
    return StorageError(f"{path} could not be written ({reason}). Check the disk, then try again.")


def make_folder(folder: Path) -> Path:
    """Make `folder` and its parents; raises ReadOnlyError or StorageError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder


def find_changed_folders(path: Path) -> list[Path]:
    """The folders that get a new entry when the file `path` is made together with its missing parents."""
    changed = [path.parent]
    while not changed[-1].exists():
        changed.append(changed[-1].parent)
    return changed


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut (nothing to do on Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse fsync on folders; the rename itself is done all the same.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:
            raise
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes | Callable[[BinaryIO], None], *, sync: bool = True) -> None:
    """Write `content` (bytes, or a function that writes into an open binary file) to `path`.

    A temporary file beside it is written, fsynced and renamed over the target, then the folder is
    fsynced. When anything fails the old file stays as it was and no temporary file is left.
    A symbolic link is followed, so that the link stays a link.
    Raises ReadOnlyError or StorageError.
    """
    target = path.resolve() if path.is_symlink() else path
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
        )
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _hold(descriptor)
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
            if os.name == "posix":
                os.replace(temporary, target)  # still locked: nobody takes it for a leftover
        if os.name != "posix":  # an open file cannot be renamed there, nor deleted by others
            os.replace(temporary, target)
        if sync:
            sync_folder(target.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise storage_error(error, path) from error
        raise


def _hold(descriptor: int) -> bool:
    """Lock an open file for this process; False where another one holds it or locks are unknown."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> int:
    """Delete temporary files below `folder` that killed processes left; returns how many went.

    One that is being written by anybody is locked and stays. What cannot be deleted stays too, silently:
    it does no harm.
    """
    removed = 0
    for path in folder.rglob(f"{TEMPORARY_PREFIX}*.tmp"):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            is_free = _hold(descriptor)
        finally:
            os.close(descriptor)
        if is_free:
            try:
                path.unlink()
                removed += 1
            except OSError:
                continue
    return removed
