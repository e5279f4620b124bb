"""The journal of one open image: every finished edit is in the file before the call returns."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import StorageError
from fcn_studio.io.atomic import make_folder, storage_error, sync_folder
from fcn_studio.project.journal_format import FrameKind, make_frame, make_header
from fcn_studio.project.label_files import LabelPlace
from fcn_studio.project.label_store import JournalPlan, save_labels

_READ_WRITE = os.O_RDWR | getattr(os, "O_BINARY", 0)


class Journal:
    """Appends frames on the caller's thread (no fsync there); `sync` may be called from another thread.

    Nothing is made on disk before the first frame; `before_first_write` runs before that (to make the
    project's folder). When a write fails the file is cut back to its last whole frame, the frames stay in
    memory as pending, StorageError is raised, and the next append or `retry` writes them.
    `write_lock` (re-entrant) is held while the file is written; its holder may copy the file and `retarget`.
    """

    def __init__(
        self,
        plan: JournalPlan,
        before_first_write: Callable[[], None] | None = None,
        write_lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._plan = plan
        self._write_lock = write_lock if write_lock is not None else threading.RLock()
        self._before_first_write = before_first_write
        self._next_seq = plan.next_seq
        self._pending: list[bytes] = []
        self._descriptor: int | None = None
        self._good_bytes = 0
        self._opened = False
        self._written_seq = plan.next_seq - 1
        self._synced_seq = plan.next_seq - 1
        self._unsynced_folders: list[Path] = []
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        return self._plan.place.journal

    @property
    def image_id(self) -> str:
        return self._plan.place.image_id

    @property
    def journal_id(self) -> str:
        return self._plan.header.journal

    @property
    def last_seq(self) -> int:
        """Number of the last change, written or pending: the state of the label map in memory."""
        return self._next_seq - 1

    @property
    def pending(self) -> int:
        """Frames that the disk has refused so far."""
        return len(self._pending)

    @property
    def synced_seq(self) -> int:
        """The last change that survives a power cut."""
        return self._synced_seq

    @property
    def has_changes(self) -> bool:
        """Whether anything was appended since the image was opened."""
        return self.last_seq >= self._plan.next_seq

    def append_edit(self, edit: Edit) -> int:
        """Note an edit just applied; returns its number. Raises StorageError (the frame is kept pending)."""
        return self._append(FrameKind.EDIT, edit.to_bytes())

    def append_undo(self) -> int:
        """Note that the last edit was taken back. Raises StorageError (frame kept pending)."""
        return self._append(FrameKind.UNDO)

    def append_redo(self) -> int:
        """Note that the last undone edit was done again. Raises StorageError (frame kept pending)."""
        return self._append(FrameKind.REDO)

    def retry(self) -> None:
        """Write what is pending. Raises StorageError when the disk still refuses."""
        self._write_pending()

    def sync(self) -> int:
        """Make what is written durable (fsync); returns the number up to which it is. For the writer thread.

        Raises StorageError.
        """
        with self._lock:
            seq = self._written_seq
            if not self._opened or seq == self._synced_seq:
                return self._synced_seq
            folders, self._unsynced_folders = self._unsynced_folders, []
        descriptor = None
        try:
            # Not a duplicate of the one that writes: that would hold its lock beyond `close`, and the image
            # opened again meanwhile would seem to be edited in another window.
            descriptor = os.open(self.path, _READ_WRITE)
            os.fsync(descriptor)
            for folder in folders:
                sync_folder(folder)
        except OSError as error:
            self._unsynced_folders = folders
            raise storage_error(error, self.path) from error
        finally:
            if descriptor is not None:
                os.close(descriptor)
        self._synced_seq = seq
        return seq

    def retarget(self, place: LabelPlace) -> None:
        """Write elsewhere from now on: the project got another folder, with copies of its files."""
        old = self._plan.place
        moved = {old.labels: place.labels, old.provenance: place.provenance, old.journal: place.journal}
        aside = tuple(moved[path] for path in self._plan.move_aside)
        with self._write_lock, self._lock:
            self._plan = replace(self._plan, place=place, move_aside=aside)
            self._let_go()

    def close(self) -> bool:
        """Let go of the file; False when frames are still pending (the disk refuses them even now)."""
        with self._write_lock:
            try:
                self._write_pending()
            except StorageError:
                return False
            finally:
                with self._lock:
                    self._let_go()
        return True

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _append(self, kind: FrameKind, body: bytes = b"") -> int:
        seq = self._next_seq
        self._next_seq += 1
        self._pending.append(make_frame(kind, seq, body))
        self._write_pending()
        return seq

    def _write_pending(self) -> None:
        with self._write_lock:
            try:
                if self._pending and self._descriptor is None:
                    self._open()
                while self._pending:
                    self._write_whole(self._pending[0])
                    with self._lock:
                        self._pending.pop(0)
                        self._written_seq = self.last_seq - len(self._pending)
            except OSError as error:
                raise storage_error(error, self.path) from error

    def _write_whole(self, frame: bytes) -> None:
        """One frame at the end of the good part; on failure the file ends where it ended before."""
        assert self._descriptor is not None
        try:
            os.lseek(self._descriptor, self._good_bytes, os.SEEK_SET)
            _write_all(self._descriptor, frame)
        except OSError:
            os.ftruncate(self._descriptor, self._good_bytes)
            raise
        self._good_bytes += len(frame)

    def _open(self) -> None:
        """Open the file for writing; the first time, do what the plan asks for before."""
        flags = _READ_WRITE
        if self._opened:
            expected, header = self._good_bytes, None
        else:
            self._prepare()
            expected = 0 if self._plan.create else self._plan.file_bytes
            header = make_header(self._plan.header) if self._plan.create else None
            flags |= os.O_CREAT if self._plan.create else 0
        descriptor = os.open(self.path, flags, 0o666)
        try:
            lock_file(descriptor, self.path)
            if os.fstat(descriptor).st_size != expected or not _is_same_file(descriptor, self.path):
                raise StorageError(
                    f"{self.path} was changed by another program since the image was opened: "
                    "open the image again."
                )
            if header is not None:
                self._good_bytes = 0
                self._write_header(descriptor, header)
            elif not self._opened:
                self._cut_tail(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        with self._lock:
            self._descriptor = descriptor
            self._opened = True

    def _prepare(self) -> None:
        if self._before_first_write is not None:
            self._before_first_write()
        self._unsynced_folders = _missing_folders(self.path)
        make_folder(self.path.parent)
        place, rewrite, aside = self._plan.place, self._plan.rewrite, self._plan.move_aside
        if rewrite is not None and place.labels.exists() and place.labels not in aside:
            shutil.copyfile(place.labels, find_free_name(place.labels, "aside"))
        # The journal goes last: killed in between, the next start finds the same labels again.
        _move_aside(path for path in aside if path != self.path)
        if rewrite is not None:
            seq = self._plan.next_seq - 1
            save_labels(place, *rewrite, seq=seq, journal=self._plan.header.journal)
        _move_aside(path for path in aside if path == self.path)

    def _write_header(self, descriptor: int, header: bytes) -> None:
        try:
            _write_all(descriptor, header)
        except OSError:
            os.ftruncate(descriptor, 0)
            raise
        self._good_bytes = len(header)

    def _cut_tail(self, descriptor: int) -> None:
        """Copy what stands behind the last whole frame aside, then cut it off."""
        self._good_bytes = self._plan.good_bytes
        if self._plan.good_bytes == self._plan.file_bytes:
            return
        os.lseek(descriptor, self._plan.good_bytes, os.SEEK_SET)
        with find_free_name(self.path, "broken").open("wb") as aside:
            while block := os.read(descriptor, 1 << 20):
                aside.write(block)
            aside.flush()
            os.fsync(aside.fileno())
        os.ftruncate(descriptor, self._plan.good_bytes)


def _missing_folders(path: Path) -> list[Path]:
    """The folders whose entries change when `path` is made with its parents."""
    changed = [path.parent]
    while not changed[-1].exists():
        changed.append(changed[-1].parent)
    return changed


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


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _is_same_file(descriptor: int, path: Path) -> bool:
    """Whether the path still leads to the open file (compaction puts another one there)."""
    return os.path.samestat(os.fstat(descriptor), os.stat(path))


def lock_file(descriptor: int, path: Path) -> None:
    """Two windows must not write one journal; the lock goes with the process, however it ends.

    Raises StorageError when another one holds it.
    """
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StorageError(
            f"{path} is in use: the image is being edited in another window. Close it there first."
        ) from error
    except OSError:
        # Some network file systems have no locks; the check of the file's size still protects it.
        return
