"""A project: a folder of images, and beside it what the person said about them."""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import ProjectError, StorageError
from fcn_studio.core.label_map import LabelMap
from fcn_studio.io.atomic import make_folder, remove_leftovers, storage_error
from fcn_studio.io.datasets import DatasetFiles
from fcn_studio.project.compaction import Compaction, compact_journal
from fcn_studio.project.journal import Journal
from fcn_studio.project.label_files import LabelPlace
from fcn_studio.project.label_store import LoadedLabels, load_labels, save_labels
from fcn_studio.project.ledger import Ledger
from fcn_studio.project.listing import ImageListing
from fcn_studio.project.places import remember_store, store_within
from fcn_studio.project.record import ProjectRecord
from fcn_studio.project.sample_source import ProjectSource, make_source
from fcn_studio.project.shelf import find_checkpoints, make_next_path

_NOT_MOVED = shutil.ignore_patterns("runs")
UNLABELLED_SAMPLES = 6


class ImageState(Enum):
    """How far the person is with an image."""

    UNLABELLED = "unlabelled"
    IN_PROGRESS = "in progress"
    REVIEWED = "reviewed"


class Project:
    """Images by id (path relative to `root`, with `/`), classes, review states, and where all of it lies.

    Opening makes nothing on disk. Classes and states change in memory; `prepare_save` gives a function that
    writes them from another thread, `save` writes at once. Safe from several threads.
    """

    def __init__(
        self,
        listing: ImageListing,
        store: Path,
        record: ProjectRecord,
        *,
        opened_paths: Sequence[Path] = (),
        notices: Sequence[str] = (),
    ) -> None:
        self._listing = listing
        self._ledger = Ledger(record, listing.root, store)
        self._labelled = {i for i in listing.image_ids if listing.has_files(i, store)}
        self._touched = set(self._labelled)
        self._journals: weakref.WeakSet[Journal] = weakref.WeakSet()
        # Held while journals are appended to, and while PNGs are written; both while all of it moves.
        self._append_lock = threading.RLock()
        self._files_lock = threading.Lock()
        self.opened_paths = tuple(opened_paths)
        self.notices = tuple(notices)

    # --- what there is -----------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The folder of images."""
        return self._listing.root

    @property
    def store(self) -> Path:
        """The project's own folder, whether it is there yet or not."""
        return self._ledger.store

    @property
    def title(self) -> str:
        return self.root.name or str(self.root)

    @property
    def image_ids(self) -> tuple[str, ...]:
        return self._listing.image_ids

    @property
    def dataset(self) -> DatasetFiles | None:
        """The labelled folder this is, if it is one."""
        return self._listing.dataset

    def image_path(self, image_id: str) -> Path:
        """Raises ProjectError for an id that is not in the project."""
        if image_id not in self._listing.label_names:
            raise ProjectError(f"{self.title} has no image {image_id}: open the folder again.")
        return self.root / image_id

    def mask_name(self, image_id: str) -> str:
        """Relative path of an exported mask; no two images share one."""
        return self._listing.label_names[image_id]

    # --- classes and states ------------------------------------------------------------------------------

    @property
    def classes(self) -> ClassTable:
        return self._ledger.classes

    def set_classes(self, table: ClassTable) -> None:
        """Give the project its classes; save them before a stroke refers to a new one."""
        self._ledger.set_classes(table)

    def adopt_classes(self) -> None:
        """Take over what another window has added; before labels are read, which may be of such a class."""
        self._ledger.adopt_classes()

    def state_of(self, image_id: str) -> ImageState:
        """Reviewed when the person said so, else in progress when there is any label (imports count)."""
        if self._ledger.is_reviewed(image_id):
            return ImageState.REVIEWED
        touched = image_id in self._labelled or self._listing.mask_of(image_id) is not None
        if touched and not self._ledger.is_emptied(image_id):
            return ImageState.IN_PROGRESS
        return ImageState.UNLABELLED

    def set_reviewed(self, image_id: str, reviewed: bool) -> None:
        """Note that an image needs no more work; accepts nothing."""
        self.image_path(image_id)
        self._ledger.set_reviewed(image_id, reviewed)

    def note_labelled(self, image_id: str) -> bool:
        """Note that an image has labels of its own now; returns whether its state changed."""
        before = self.state_of(image_id)
        self._labelled.add(image_id)
        self._ledger.set_emptied(image_id, False)
        return self.state_of(image_id) is not before

    @property
    def active_checkpoint(self) -> str | None:
        """Name of the active checkpoint's file without suffix; None = the embedded model."""
        return self._ledger.active_checkpoint

    def set_active_checkpoint(self, checkpoint: str | None) -> None:
        """Change which checkpoint is active; `prepare_save` or `save` writes it."""
        self._ledger.set_active_checkpoint(checkpoint)

    # --- the folder on disk ------------------------------------------------------------------------------

    @property
    def is_on_disk(self) -> bool:
        return self._ledger.is_on_disk

    def ensure_on_disk(self) -> None:
        """Make the project's folder and project.json unless they are there.

        Raises ReadOnlyError when the place cannot be written (offer another: `move_store`) or StorageError.
        """
        self._ledger.ensure_on_disk()

    def prepare_save(self) -> Callable[[], None] | None:
        """Classes and states as they are now, as a function that writes them (on the io pool).

        None when nothing has changed since the last write. An older snapshot never overwrites a newer one.
        The function raises StorageError.
        """
        return self._ledger.prepare_save()

    def save(self) -> None:
        """Write classes and states now if they are new, making the project's folder. Raises StorageError."""
        self._ledger.save()

    def move_store(self, folder: Path) -> None:
        """Keep everything in `folder` from now on, and look there whenever these images are opened.

        What the old place holds is copied (runs are not); open journals go on in the new place.
        Raises StorageError; nothing has changed then.
        """
        store = store_within(folder, self.root)
        with self._files_lock, self._append_lock:
            old = self.store
            if store == old:
                return
            _copy_store(old, store)
            self._ledger.move(store)
            try:
                self.save()
                remember_store(self.root, store)
            except StorageError:
                self._ledger.move(old)
                shutil.rmtree(store, ignore_errors=True)
                raise
            for journal in list(self._journals):
                journal.retarget(self.place_of(journal.image_id))

    # --- labels ------------------------------------------------------------------------------------------

    def place_of(self, image_id: str) -> LabelPlace:
        """Where the labels of one image lie; frozen, for another thread."""
        self.image_path(image_id)
        return self._listing.make_place(image_id, self.store, self.classes)

    def make_journal(self, image_id: str, loaded: LoadedLabels) -> Journal:
        """The journal of an image that was just loaded; its first frame makes the project on disk."""
        if loaded.plan.place.image_id != image_id:
            raise ValueError(f"these are the labels of {loaded.plan.place.image_id}, not of {image_id}")
        journal = Journal(
            loaded.plan,
            before_first_write=lambda: self._begin(image_id),
            before_sync=self._ledger.sync,
            write_lock=self._append_lock,
        )
        self._journals.add(journal)
        return journal

    def _begin(self, image_id: str) -> None:
        self._ledger.ensure_written()  # the writer thread makes it durable, before the journal
        self._touched.add(image_id)

    def save_labels(self, image_id: str, label_map: LabelMap, seq: int, journal: str) -> None:
        """Write label and provenance PNG of state `seq` of a journal (its `journal_id`); for the io pool.

        In the order of `seq` for one image (serial = image id). Raises StorageError; what existed then stays.
        """
        with self._files_lock:
            place = self.place_of(image_id)
            save_labels(place, label_map.labels, label_map.provenance, seq=seq, journal=journal)
        self._ledger.set_emptied(image_id, label_map.is_empty)
        self.save()

    def remove_leftovers(self) -> int:
        """Delete temporary files that killed processes left in the project's folder; for the io pool."""
        return remove_leftovers(self.store)

    def compact(self, image_id: str) -> Compaction:
        """Shorten the journal of an image that is closed and saved, if that is worth it; see `compaction`."""
        with self._files_lock:
            return compact_journal(self.place_of(image_id))

    # --- checkpoints and training --------------------------------------------------------------------------

    def checkpoint_paths(self) -> tuple[Path, ...]:
        """The shelf's `NAME.safetensors`, oldest name first (photos 1, photos 2, ..., photos 10)."""
        return find_checkpoints(self.store)

    def next_checkpoint_path(self) -> Path:
        """A free `checkpoints/photos N.safetensors`; makes the folder. Raises StorageError."""
        self.ensure_on_disk()
        make_folder(self.store / "checkpoints")
        return make_next_path(self.store, self.title)

    @property
    def runs_dir(self) -> Path:
        """Where training keeps its state (made by whoever writes there)."""
        return self.store / "runs"

    def make_sample_source(self) -> ProjectSource:
        """A frozen copy of all labels as they are on disk now, and the held-out choice, which is remembered.

        Slow (reads every labelled image's labels): call it off the person's thread. Raises StorageError.
        """
        touched = frozenset(i for i in self.image_ids if i in self._touched)
        wanted = [i for i in self.image_ids if i in touched or self._listing.mask_of(i) is not None]
        places = [self.place_of(image_id) for image_id in wanted]
        source, splits = make_source(
            self.classes, places, touched, self._listing.make_lists(), self._ledger.splits
        )
        self._ledger.set_splits(splits)
        if self.is_on_disk:
            self.save()
        unlabelled = [image_id for image_id in self.image_ids if image_id not in set(wanted)]
        step = max(1, len(unlabelled) // UNLABELLED_SAMPLES)
        return source.with_unlabelled(
            {image_id: self.image_path(image_id) for image_id in unlabelled[::step][:UNLABELLED_SAMPLES]}
        )


def _copy_store(old: Path, new: Path) -> None:
    """Copy what the old place holds; on failure nothing is left at the new one. Raises StorageError."""
    if new.exists() and any(new.iterdir()):
        raise StorageError(f"{new} exists already: choose an empty folder.")
    if new.resolve().is_relative_to(old.resolve()):
        raise StorageError(f"{new} would lie inside {old}, where the labels are now: choose another folder.")
    make_folder(new)
    if not old.is_dir():
        return
    try:
        shutil.copytree(old, new, ignore=_NOT_MOVED, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(new, ignore_errors=True)
        cause = error if isinstance(error, OSError) and error.errno else OSError(0, str(error))
        raise storage_error(cause, new) from error


def load_document(project: Project, image_id: str, shape_hw: tuple[int, int] | None = None) -> LoadedLabels:
    """Labels and undo history of one image as they were left; reads only; for the io pool.

    `shape_hw`: the image's size as displayed, read from its header when not given.
    Raises ImageReadError, LabelReadError.
    """
    return load_labels(project.place_of(image_id), shape_hw)
