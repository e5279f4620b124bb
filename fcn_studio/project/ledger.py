"""project.json while the project is open: changed in memory, written in order from snapshots."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import ProjectError
from fcn_studio.io.atomic import find_changed_folders, make_folder, storage_error, sync_folder, write_atomic
from fcn_studio.project.merging import make_room, merge_classes, merge_records
from fcn_studio.project.places import absolute
from fcn_studio.project.record import FILE_NAME, ProjectRecord, SplitRecord, encode_record, read_record


class Ledger:
    """The record of one project, safe from several threads.

    Every change is counted; a snapshot that is older than what was last written is dropped, so that writes
    from several threads never bring an old state back. Another window may have written meanwhile: only what
    has changed here since the last write is put upon that.
    """

    def __init__(self, record: ProjectRecord, root: Path, store: Path) -> None:
        self._record = record
        self._root = root
        self._store = store
        self._classes = record.class_table
        self._reviewed = set(record.reviewed)
        self._emptied = set(record.emptied)
        self._lock = threading.RLock()
        self._write_lock = threading.Lock()
        self._revision = 0
        self._written_revision = 0
        self._written = _copy(record)
        self._unsynced: list[Path] = []  # folders, and with them project.json

    @property
    def store(self) -> Path:
        return self._store

    def move(self, store: Path) -> None:
        """Write to another folder from now on; everything counts as unwritten there."""
        with self._write_lock, self._lock:
            self._store = store
            self._written_revision = -1
            self._unsynced = []

    @property
    def is_on_disk(self) -> bool:
        return (self._store / FILE_NAME).exists()

    @property
    def classes(self) -> ClassTable:
        return self._classes

    def set_classes(self, table: ClassTable) -> None:
        """`classes` are `table` then, together with what another window has added on disk; reads the file."""
        try:
            disk = read_record(self._store / FILE_NAME)
        except ProjectError:
            disk = ProjectRecord()
        with self._lock:
            before, next_id = self._record.classes, max(disk.next_class_id, self._record.next_class_id)
            self._record.put_classes(table)
            self._record.classes = make_room(disk.classes, before, self._record.classes, next_id)
            ids = [entry.id + 1 for entry in self._record.classes]
            self._record.next_class_id = max(self._record.next_class_id, *ids, 0)
            self._classes = self._record.class_table
            self._revision += 1

    def adopt_classes(self) -> None:
        """Take over the classes that another window has added on disk; reads the file."""
        try:
            disk = read_record(self._store / FILE_NAME)
        except ProjectError:
            return
        with self._lock:
            merged = merge_classes(disk.classes, [], self._record.classes)
            if len(merged) > len(self._record.classes):
                self._record.classes = merged
                self._record.next_class_id = max(self._record.next_class_id, disk.next_class_id)
                self._classes = self._record.class_table

    def is_reviewed(self, image_id: str) -> bool:
        return image_id in self._reviewed

    def set_reviewed(self, image_id: str, reviewed: bool) -> None:
        self._put(self._reviewed, image_id, reviewed)

    def is_emptied(self, image_id: str) -> bool:
        return image_id in self._emptied

    def set_emptied(self, image_id: str, emptied: bool) -> bool:
        """Returns whether that was news."""
        return self._put(self._emptied, image_id, emptied)

    def _put(self, names: set[str], name: str, wanted: bool) -> bool:
        with self._lock:
            if (name in names) == wanted:
                return False
            names.symmetric_difference_update({name})
            self._revision += 1
            return True

    @property
    def splits(self) -> SplitRecord:
        return self._record.splits

    def set_splits(self, splits: SplitRecord) -> None:
        with self._lock:
            if splits != self._record.splits:
                self._record.splits = splits
                self._revision += 1

    @property
    def active_checkpoint(self) -> str | None:
        return self._record.active_checkpoint

    def set_active_checkpoint(self, checkpoint: str | None) -> None:
        with self._lock:
            if checkpoint != self._record.active_checkpoint:
                self._record.active_checkpoint = checkpoint
                self._revision += 1

    def prepare_save(self) -> Callable[[], None] | None:
        """A snapshot as a function that writes it, on any thread; None when nothing is new.

        The function raises StorageError, and then leaves what existed.
        """
        return self._prepare() if self._revision > self._written_revision else None

    def _prepare(self, *, is_first: bool = False) -> Callable[[], None]:
        """`is_first`: only if there is no file yet, and without waiting for the disk; see `sync`."""
        with self._lock:
            revision, store = self._revision, self._store
            self._record.images = _find_way(self._root, store)
            self._record.reviewed = sorted(self._reviewed)
            self._record.emptied = sorted(self._emptied)
            record = _copy(self._record)

        def write() -> None:
            with self._write_lock:
                path = store / FILE_NAME
                if revision < self._written_revision or store != self._store or (is_first and path.exists()):
                    return
                folders = [f for f in find_changed_folders(path) if is_first or f != store]
                make_folder(store)
                merged = record if is_first else self._merge(path, record)
                write_atomic(path, encode_record(merged), sync=not is_first)
                self._written_revision, self._written = revision, record
                self._unsynced += folders
            if not is_first:
                self.sync()

        return write

    def _merge(self, path: Path, record: ProjectRecord) -> ProjectRecord:
        try:
            disk = read_record(path)
        except ProjectError:  # not there yet, or broken
            return record
        return merge_records(disk, self._written, record)

    def save(self) -> None:
        """Write what is new, now. Raises StorageError."""
        write = self.prepare_save()
        if write is not None:
            write()

    def ensure_written(self) -> None:
        """Make the folder and project.json unless they are there, so that they survive a killed process.

        Does not wait for the disk: `sync` does. Raises ReadOnlyError or StorageError.
        """
        if not self.is_on_disk:
            self._prepare(is_first=True)()

    def sync(self) -> None:
        """Make what was written survive a power cut. Raises StorageError."""
        with self._write_lock:
            if not self._unsynced:
                return
            path = self._store / FILE_NAME
            try:
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
                for folder in dict.fromkeys(self._unsynced):
                    sync_folder(folder)
            except OSError as error:
                raise storage_error(error, path) from error
            self._unsynced = []

    def ensure_on_disk(self) -> None:
        """Make the folder and project.json unless they are there, durably. Raises StorageError."""
        self.ensure_written()
        self.sync()


def _copy(record: ProjectRecord) -> ProjectRecord:
    """So that later changes do not reach it; classes and splits are exchanged as a whole, never changed."""
    return replace(record, reviewed=list(record.reviewed), emptied=list(record.emptied))


def _find_way(root: Path, store: Path) -> str:
    """The images as seen from the store; absolute where there is no relative way (another drive)."""
    try:
        return Path(os.path.relpath(absolute(root), absolute(store))).as_posix()
    except ValueError:
        return absolute(root).as_posix()
