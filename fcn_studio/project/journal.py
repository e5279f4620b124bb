"""The journal of one open image: every finished edit is in the file before the call returns."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import ChangedElsewhereError, StorageError
from fcn_studio.io.atomic import find_changed_folders, make_folder, storage_error, sync_folder
from fcn_studio.project.journal_file import cut_tail, is_same_file, lock_file, put_aside, write_all
from fcn_studio.project.journal_format import FrameKind, make_frame, make_header
from fcn_studio.project.label_files import LabelPlace
from fcn_studio.project.label_store import JournalPlan

_READ_WRITE = os.O_RDWR | getattr(os, "O_BINARY", 0)


class Journal:
    """Appends frames on the caller's thread (no fsync there); `sync` may be called from another thread.

    Nothing is made on disk before the first frame; `before_first_write` runs before that (to make the
    project's folder), and `before_sync` before each sync (what it makes durable must not come after the
    frames that need it). When a write fails the file is cut back to its last whole frame, the frames stay
    in memory as pending, StorageError is raised, and the next append or `retry` (on any thread) writes them.
    Frames stay in memory until fsync has taken them: when that fails they are pending again, because the
    system may have dropped what it could not write, and they are written to the same place once more.
    Where another window or program has written to the file meanwhile, ChangedElsewhereError is raised from
    then on: the frames do not fit any more (see `overtaken`).
    `write_lock` (re-entrant) is held while the file is written; its holder may copy the file and `retarget`.
    """

    def __init__(
        self,
        plan: JournalPlan,
        before_first_write: Callable[[], None] | None = None,
        before_sync: Callable[[], None] | None = None,
        write_lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._plan = plan
        self._write_lock = write_lock if write_lock is not None else threading.RLock()
        self._before_first_write = before_first_write
        self._before_sync = before_sync
        self._next_seq = plan.next_seq
        self._pending: list[bytes] = []
        self._descriptor: int | None = None
        self._good_bytes = 0  # where the next frame is written
        self._file_bytes = 0  # more than that while frames are written for the second time
        self._unsynced: list[bytes] = []  # written, the first one together with a new header
        self._header = b""
        self._synced_bytes = 0
        self._opened = False
        self._written_seq = plan.next_seq - 1
        self._synced_seq = plan.next_seq - 1
        self._unsynced_folders: list[Path] = []
        self._lock = threading.Lock()
        self._doubts = 0  # how often what was written has become pending again

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
            frames, good_bytes, doubts = len(self._unsynced), self._good_bytes, self._doubts
        descriptor = None
        try:
            if self._before_sync is not None:
                self._before_sync()
            # Not a duplicate of the one that writes: that would hold its lock beyond `close`, and the image
            # opened again meanwhile would seem to be edited in another window.
            descriptor = os.open(self.path, _READ_WRITE)
            os.fsync(descriptor)
            for folder in folders:
                sync_folder(folder)
        except StorageError:
            self._take_back(folders)
            raise
        except OSError as error:
            self._take_back(folders)
            raise storage_error(error, self.path) from error
        finally:
            if descriptor is not None:
                os.close(descriptor)
        with self._lock:
            if doubts != self._doubts:
                return self._synced_seq  # another thread has heard of a refusal meanwhile
            del self._unsynced[:frames]
            self._synced_bytes, self._synced_seq = good_bytes, seq
        return seq

    def doubt(self) -> None:
        """The disk has refused something of this image: what is not known to be durable is pending again."""
        self._take_back([])

    def _take_back(self, folders: list[Path]) -> None:
        """What was written may not be on the disk at all: all of it is pending again."""
        with self._write_lock, self._lock:
            self._doubts += 1
            self._unsynced_folders += folders
            self._pending[:0] = self._unsynced
            self._unsynced = []
            self._good_bytes, self._written_seq = self._synced_bytes, self._synced_seq

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
        with self._write_lock:
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
                        self._unsynced.append(self._header + self._pending.pop(0))
                        self._header = b""
                        self._written_seq = self.last_seq - len(self._pending)
            except OSError as error:
                raise storage_error(error, self.path) from error

    def _write_whole(self, frame: bytes) -> None:
        """One frame behind the good part; on failure the file ends where it ended before."""
        assert self._descriptor is not None
        try:
            os.lseek(self._descriptor, self._good_bytes, os.SEEK_SET)
            write_all(self._descriptor, frame)
        except OSError:
            os.ftruncate(self._descriptor, self._file_bytes)
            raise
        self._good_bytes += len(frame)
        self._file_bytes = max(self._file_bytes, self._good_bytes)

    def _open(self) -> None:
        """Open the file for writing; the first time, do what the plan asks for before."""
        flags = _READ_WRITE
        if self._opened:
            # What fsync refused may be gone from the file; it is written again from its beginning.
            least, most, header = self._good_bytes, self._file_bytes, None
        else:
            self._prepare()
            least = most = 0 if self._plan.create else self._plan.file_bytes
            header = make_header(self._plan.header) if self._plan.create else None
            flags |= os.O_CREAT if self._plan.create else 0
        descriptor = os.open(self.path, flags, 0o666)
        try:
            lock_file(descriptor, self.path)
            size = os.fstat(descriptor).st_size
            if not least <= size <= most or not is_same_file(descriptor, self.path):
                raise self._overtaken()
            if header is not None:
                self._write_header(descriptor, header)
            elif not self._opened:
                cut_tail(descriptor, self.path, self._plan.good_bytes, self._plan.file_bytes)
                self._good_bytes = self._file_bytes = self._synced_bytes = self._plan.good_bytes
            else:
                self._file_bytes = size
        except BaseException:
            os.close(descriptor)
            raise
        with self._lock:
            self._descriptor = descriptor
            self._opened = True

    def _overtaken(self) -> ChangedElsewhereError:
        return ChangedElsewhereError(
            f"{self.image_id} was changed in another window since it was opened here. Go to another image "
            "and back: your strokes are then put on top of what is there."
        )

    def _prepare(self) -> None:
        if self._before_first_write is not None:
            self._before_first_write()
        if (self.path.stat().st_size if self.path.exists() else 0) != self._plan.file_bytes:
            raise self._overtaken()  # before anything is put aside
        self._unsynced_folders = find_changed_folders(self.path)
        make_folder(self.path.parent)
        put_aside(self._plan)

    def _write_header(self, descriptor: int, header: bytes) -> None:
        try:
            write_all(descriptor, header)
        except OSError:
            os.ftruncate(descriptor, 0)
            raise
        self._good_bytes = self._file_bytes = len(header)
        self._synced_bytes, self._header = 0, header
