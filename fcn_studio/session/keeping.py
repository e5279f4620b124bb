"""Keeping what the person does: the journal at once, label PNGs and the project file in the background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import FcnStudioError, ReadOnlyError, StorageError
from fcn_studio.project import Journal, LoadedLabels, Project
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.workers import Workers

EDITS_BETWEEN_SAVES = 50
PROJECT_FILE = "project.json"


class Keeper:
    """Writes each finished edit to the journal before the caller goes on, everything else in the background.

    What the disk refuses stays in memory and is tried again with the next edit; the person is told once.
    """

    def __init__(
        self, events: SessionEvents, workers: Workers, find_document: Callable[[], Document | None]
    ) -> None:
        self._events = events
        self._workers = workers
        self._find_document = find_document
        self._project: Project | None = None
        self._journal: Journal | None = None
        self._first_seq = 0
        self._unsaved_edits = 0
        self._complained = False
        self.saved = Saved.NOTHING

    @property
    def journal_frames(self) -> int:
        """Changes noted since the image was opened; pending ones do not count."""
        journal = self._journal
        return 0 if journal is None else journal.last_seq - self._first_seq - journal.pending

    def follow(self, project: Project, loaded: LoadedLabels) -> None:
        """Keep the edits of an image that has just been opened."""
        self._project = project
        self._journal = project.make_journal(loaded.plan.place.image_id, loaded)
        self._first_seq = self._journal.last_seq
        self._unsaved_edits = 0
        self._complained = False
        self._set_saved(Saved.NOTHING)

    # --- edits -------------------------------------------------------------------------------------------

    def keep_edit(self, document: Document, edit: Edit) -> None:
        """Note an edit that was just applied."""
        self._keep(document, lambda journal: journal.append_edit(edit))

    def keep_undo(self, document: Document) -> None:
        self._keep(document, lambda journal: journal.append_undo())

    def keep_redo(self, document: Document) -> None:
        self._keep(document, lambda journal: journal.append_redo())

    def _keep(self, document: Document, append: Callable[[Journal], object]) -> None:
        journal, project = self._journal, self._project
        if journal is None or project is None:
            return
        self._unsaved_edits += 1
        try:
            append(journal)
        except StorageError as error:
            self._complain(error)
            return
        self._on_written(journal)
        self._note_labelled(project, document.image_id)
        if self._unsaved_edits >= EDITS_BETWEEN_SAVES:
            self.request_save()

    def _note_labelled(self, project: Project, image_id: str) -> None:
        if project.note_labelled(image_id):
            self._events.image_state_changed.emit(image_id)
            self._store(project)

    def _on_written(self, journal: Journal) -> None:
        self._complained = False
        self._set_saved(Saved.WRITTEN)
        self._workers.writer.request_sync(journal, lambda seq: self._on_synced(journal, seq), self._complain)

    def _on_synced(self, journal: Journal, seq: int) -> None:
        if journal is self._journal and seq == journal.last_seq:
            self._set_saved(Saved.ON_DISK)

    def _complain(self, error: BaseException) -> None:
        self._set_saved(Saved.IN_MEMORY)
        if self._complained:
            return
        self._complained = True
        action = "choose_store" if isinstance(error, ReadOnlyError) else None
        text = error.user_message if isinstance(error, FcnStudioError) else str(error)
        self._events.notice.emit(Notice(Level.ERROR, f"{text} Your strokes are kept in memory.", action))

    def move_store(self, project: Project, folder: Path) -> None:
        """Keep everything in another folder from now on, and write what the disk has refused so far."""

        def on_moved(_result: object) -> None:
            document, journal = self._find_document(), self._journal
            if project is not self._project or document is None or journal is None:
                return
            self._retry(project, document, journal)

        self._workers.pool.submit(
            lambda: project.move_store(folder), on_moved, self._on_save_failed, serial=PROJECT_FILE
        )

    def _retry(self, project: Project, document: Document, journal: Journal) -> None:
        try:
            journal.retry()
        except StorageError as error:
            self._complained = False
            self._complain(error)
            return
        self._on_written(journal)
        self._note_labelled(project, document.image_id)

    # --- label PNGs ----------------------------------------------------------------------------------------

    def request_save(self) -> None:
        """Write the label PNGs of the open image from a snapshot; the journal has everything already."""
        self._save(compact=False)

    def leave(self) -> None:
        """The image is about to be left: save, and shorten its journal once it is closed."""
        self._save(compact=True)
        self._journal = None
        self._project = None

    def _save(self, *, compact: bool) -> None:
        document, journal, project = self._find_document(), self._journal, self._project
        if document is None or journal is None or project is None:
            return
        changed, self._unsaved_edits = self._unsaved_edits > 0, 0
        if not changed and not (compact and journal.has_changes):
            journal.close()
            return
        snapshot = document.label_map.copy() if changed else None
        image_id, seq = document.image_id, journal.last_seq

        def run() -> None:
            if compact and not journal.close():
                raise StorageError(f"The last strokes on {image_id} could not be written: the disk refuses.")
            if snapshot is not None and journal.path.exists():
                project.save_labels(image_id, snapshot, seq, journal.journal_id)
            if compact:
                project.compact(image_id)

        def on_done(_result: object) -> None:
            self._events.image_state_changed.emit(image_id)

        self._workers.pool.submit(run, on_done, self._on_save_failed, serial=image_id)

    def _on_save_failed(self, error: BaseException) -> None:
        text = error.user_message if isinstance(error, FcnStudioError) else f"Saving labels failed: {error}"
        self._events.notice.emit(Notice(Level.ERROR, text))

    # --- the project file -----------------------------------------------------------------------------------

    def keep_classes(self, project: Project, table: ClassTable) -> None:
        """Remember the project's classes; written in the background."""
        project.set_classes(table)
        self._store(project)

    def keep_reviewed(self, project: Project, image_id: str, reviewed: bool) -> None:
        """Remember that an image needs no more work."""
        project.set_reviewed(image_id, reviewed)
        self._events.image_state_changed.emit(image_id)
        self._store(project)

    def _store(self, project: Project) -> None:
        """Write project.json from a snapshot, one after the other; a refused one is told like a stroke."""
        write = project.prepare_save()
        if write is not None:
            self._workers.pool.submit(write, on_failed=self._complain, serial=PROJECT_FILE)

    def _set_saved(self, saved: Saved) -> None:
        if saved is not self.saved:
            self.saved = saved
            self._events.saved_changed.emit(saved)
