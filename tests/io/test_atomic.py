"""Atomic files: the old content or the new, nothing else, and nothing left over."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fcn_studio.core.errors import ReadOnlyError, StorageError
from fcn_studio.io.atomic import make_folder, storage_error, write_atomic


def test_content_comes_from_bytes_or_a_function(tmp_path) -> None:
    write_atomic(tmp_path / "ü.bin", b"one")
    assert (tmp_path / "ü.bin").read_bytes() == b"one"
    write_atomic(tmp_path / "ü.bin", lambda file: file.write(b"two") and None)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"two"]


def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def fail(file) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(StorageError, match="disk is full"):
        write_atomic(path, fail)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, lambda file: (_ for _ in ()).throw(KeyboardInterrupt))
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_a_link_stays_a_link(tmp_path) -> None:
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(tmp_path / "real.bin")
    write_atomic(tmp_path / "link.bin", b"new")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


def test_files_get_the_permissions_that_the_person_usually_gets(tmp_path) -> None:
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "x.bin", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "x.bin").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("target", ["/proc/fcn-studio-test.bin", "/proc/1/new/x.bin"])
@pytest.mark.skipif(not Path("/proc/1").exists(), reason="needs Linux's /proc, which refuses writing")
def test_a_place_that_refuses_gives_an_error_of_the_tree(target) -> None:
    with pytest.raises(StorageError):
        write_atomic(Path(target), b"x")
    with pytest.raises(StorageError):
        make_folder(Path(target).parent / "new folder")


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EROFS, ReadOnlyError, "read-only"),
        (errno.EACCES, ReadOnlyError, "read-only"),
        (errno.ENOTDIR, ReadOnlyError, "file stands where"),
        (errno.ENOSPC, StorageError, "disk is full"),
        (errno.EDQUOT, StorageError, "disk is full"),
        (errno.EIO, StorageError, "Input/output error"),
    ],
)
def test_the_sentence_says_what_and_what_to_do(number, kind, words) -> None:
    error = storage_error(OSError(number, os.strerror(number)), Path("/place/x"))
    assert type(error) is kind
    assert words in str(error)
    assert "/place/x" in str(error)
