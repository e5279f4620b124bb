"""The application without a screen: one project, one open image, one active checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import FcnStudioError, StorageError
from fcn_studio.core.ports import Dispatcher
from fcn_studio.core.settings import Settings
from fcn_studio.io.atomic import write_atomic
from fcn_studio.project.label_store import LoadedLabels
from fcn_studio.project.opening import open_project
from fcn_studio.project.project import ImageState, Project, load_document
from fcn_studio.project.sample_source import ProjectSource
from fcn_studio.session.classes import ClassDesk
from fcn_studio.session.coloring import ColoringDesk
from fcn_studio.session.comparing import ComparisonDesk
from fcn_studio.session.document import Document
from fcn_studio.session.editing import EditingDesk
from fcn_studio.session.events import About, Level, Notice, SessionEvents
from fcn_studio.session.exporting import ExportDesk
from fcn_studio.session.history import HistoryDesk
from fcn_studio.session.images import ImageDesk, OpenedImage
from fcn_studio.session.keeping import Keeper
from fcn_studio.session.predicting import CheckpointEntry, PredictionDesk
from fcn_studio.session.recording import PROJECT_FILE
from fcn_studio.session.samples import prepare_samples
from fcn_studio.session.shelf import ShelfDesk
from fcn_studio.session.teaching import TeachingDesk
from fcn_studio.session.workers import Workers


class Session:
    """Connects the desks; lives on one thread, to which `dispatcher` brings all answers.

    The desks are the API: `images`, `editing`, `classes`, `prediction`, `shelf`, `teaching`, `export`.
    What happens is told by `events`. `cache_dir` holds what can be computed again, `data_dir` the samples.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        settings: Settings,
        *,
        settings_path: Path | None,
        cache_dir: Path,
        data_dir: Path,
    ) -> None:
        self.settings = settings
        self._settings_path = settings_path
        self._data_dir = data_dir
        self.events = SessionEvents()
        self.project: Project | None = None
        self.document: Document | None = None
        self._workers = Workers(dispatcher)
        self._workers.device.on_activity(lambda label: self.events.activity_changed.emit(label or ""))
        self._keeper = Keeper(self.events, self._workers)
        self.classes = ClassDesk(self.events, self._store_classes)
        self.editing = EditingDesk(
            self.events,
            self._workers,
            self._keeper,
            self._find_document,
            self.classes,
        )
        self.coloring = ColoringDesk(
            self.events, self._workers, self.classes, self._find_document, self._find_project
        )
        self.history = HistoryDesk(dispatcher, self.editing, self._find_document)
        self.images = ImageDesk(self.events, self._workers, self._enter, self._find_document)
        self.prediction = PredictionDesk(
            self.events, self._workers, cache_dir, self._find_document, lambda: self.shelf.fall_back()
        )
        self.prediction.device = settings["device"]
        self.shelf = ShelfDesk(self.events, self._follow_checkpoint, self._store_active)
        self.comparing = ComparisonDesk(
            self.events, self.prediction, self._find_document, lambda: self.shelf.entries
        )
        self.teaching = TeachingDesk(
            self.events,
            self._workers,
            self.shelf,
            self._find_reason,
            self._make_source,
            self.prediction.on_torch_loaded,
        )
        self.export = ExportDesk(
            self.events, self._workers, self.prediction, self._find_project, lambda: self.classes.shown
        )
        self._loss_told = False
        self._closed = False

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- opening and closing -----------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self.project is not None

    @property
    def project_title(self) -> str:
        return self.project.title if self.project is not None else ""

    @property
    def project_root(self) -> Path | None:
        return self.project.root if self.project is not None else None

    def open(self, paths: Sequence[Path], *, first: str | None = None) -> None:
        """Open images, a folder, a labelled folder or a project; what is open stays until that succeeded.

        `first`: the image to show, by id; the first one otherwise.
        """
        self._open(lambda: open_project(paths), first)

    def open_samples(self) -> None:
        """Open the sample photographs, copied to the person's data folder."""
        self._open(lambda: open_project([prepare_samples(self._data_dir)]), None)

    def _open(self, read: Callable[[], Project], first: str | None) -> None:
        self._workers.pool.submit(
            read, lambda project: self._swap(project, first), self._on_open_failed, key="open project"
        )

    def _swap(self, project: Project, first: str | None) -> None:
        self.events.project_leaving.emit()
        if not self._may_leave_project():
            return
        self._leave()
        self._keeper.discard_refused()
        self.teaching.abandon()
        self.events.project_left.emit()
        self.document = None
        self.project = project
        self._workers.pool.submit(project.remove_leftovers, serial=PROJECT_FILE)
        self.classes.adopt(project.classes)
        self.shelf.follow(project)
        self.images.follow(project)
        self.events.project_opened.emit()
        for text in project.notices:
            self.events.notice.emit(Notice(Level.WARNING, text))
        self.settings["last_paths"] = [str(path) for path in project.opened_paths]
        start = first if first in project.image_ids else project.image_ids[0]
        self.images.open(start)

    def _may_leave_project(self) -> bool:
        """Finished strokes that no disk has would be lost: say so once; asked again, they are let go."""
        self.editing.finish_stroke()
        if self._keeper.write_all() or self._loss_told:
            self._loss_told = False
            return True
        self._loss_told = True
        text = "The last strokes are not on disk. Keep them elsewhere, or open that again to lose them."
        self.events.notice.emit(Notice(Level.ERROR, text, "choose_store", about=About.OPENING))
        return False

    def _on_open_failed(self, error: BaseException) -> None:
        text = str(error) if isinstance(error, FcnStudioError) else f"That could not be opened: {error}"
        self.events.notice.emit(Notice(Level.ERROR, text, about=About.OPENING))

    def choose_store(self, folder: Path) -> None:
        """Keep the labels of this project in `folder`, because its own place cannot be written."""
        if self.project is not None:
            self._keeper.move_store(self.project, folder)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Finish the stroke, write everything, end all threads; False when one did not end in time."""
        if self._closed:
            return True
        self._closed = True
        self._leave()
        self._keeper.close()
        self.teaching.abandon()
        self.prediction.close()
        with contextlib.suppress(StorageError, OSError):  # settings are a convenience, not work
            self.save_settings()
        return self._workers.close(timeout_s)

    def save_settings(self) -> None:
        """Write the settings file; does nothing for a session without one."""
        if self.document is not None:
            self.settings["last_image"] = self.document.image_id
        if self._settings_path is not None:
            self._settings_path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._settings_path, self.settings.to_json().encode())

    # --- one image after the other -----------------------------------------------------------------------

    def _leave(self) -> None:
        if self.document is not None:
            self._keeper.leave(self.editing.finish())

    def _enter(self, opened: OpenedImage) -> None:
        """Swap the image that has been read in; everything before this happened off this thread."""
        project = self.project
        if project is None:
            return
        self._leave()
        self._follow_classes(project)
        loaded = opened.loaded
        image = opened.image
        document = Document(
            opened.image_id, opened.content_id, image.pixels, loaded.label_map, loaded.history, image.deep
        )
        document = self._keeper.enter(project, document, loaded)
        self.document = document
        self.events.image_opened.emit(document)
        self.events.history_changed.emit()
        self.prediction.request(document, self.images.neighbours(document.image_id))
        self.comparing.request(document)

    def _follow_classes(self, project: Project) -> None:
        """Another window may have added some; the class in hand stays."""
        chosen_id = self.classes.chosen_id
        if project.classes != self.classes.table:
            self.classes.adopt(project.classes)
            self.classes.choose(-1 if chosen_id is None else chosen_id)

    def _follow_checkpoint(self, entry: CheckpointEntry) -> None:
        self.classes.follow_model(entry.classes)
        self.prediction.follow(entry, self.document)

    # --- what the desks ask for ----------------------------------------------------------------------------

    def _find_document(self) -> Document | None:
        return self.document

    def _find_project(self) -> Project | None:
        return self.project

    def _store_classes(self, table: ClassTable) -> None:
        if self.project is not None:
            self._keeper.record.keep_classes(self.project, table)
            self._follow_classes(self.project)

    def _store_active(self, checkpoint: str | None) -> None:
        if self.project is not None:
            self._keeper.record.keep_active(self.project, checkpoint)

    def _find_reason(self) -> str | None:
        if self.project is None:
            return "Open some images first."
        if self.classes.is_preview:
            return "Choose the classes first."
        states = (self.project.state_of(image_id) for image_id in self.project.image_ids)
        if all(state is ImageState.UNLABELLED for state in states):
            return "Paint or accept something first."
        return None

    def _make_source(self) -> Callable[[], ProjectSource]:
        """A function for the device thread that reads the labels as they are on disk by then."""
        project = self.project
        if project is None:
            raise RuntimeError("no project is open")
        self.editing.finish_stroke()
        return project.make_sample_source

    def mark_reviewed(self, reviewed: bool = True) -> None:
        """Say that the open image needs no more work; accepts nothing by itself."""
        if self.project is not None and self.document is not None:
            self._keeper.record.keep_reviewed(self.project, self.document.image_id, reviewed)

    def copy_previous_labels(self) -> None:
        """Take the labels of the image before this one over where nothing is said here; one edit."""
        project, document = self.project, self.document
        if project is None or document is None:
            return
        place = project.image_ids.index(document.image_id)
        if not place:
            self.events.notice.emit(Notice(Level.INFO, "This is the first image: there is none before it."))
            return
        previous = project.image_ids[place - 1]
        name = previous.rsplit("/", 1)[-1]

        def on_read(loaded: LoadedLabels) -> None:
            if self.document is not document:
                return
            if loaded.label_map.shape_hw != document.shape_hw:
                text = f"{name} has another size: its labels would not fit here."
                self.events.notice.emit(Notice(Level.WARNING, text))
                return
            self.editing.request_copy(loaded.label_map, f"Copy labels of {name}")

        def read() -> LoadedLabels:
            return load_document(project, previous)

        self._workers.pool.submit(read, on_read, self._on_open_failed, key="copy", serial=previous)

    def set_device(self, device: str) -> None:
        """Run networks on "auto", "cpu" or "cuda"; remembered."""
        self.settings["device"] = device
        self.prediction.set_device(device)
