"""Keeping what the person does: the journal at once, label PNGs and the project file in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass
class Work:
    """One image that is worked on, and the journal that notes it; `first_seq`: its state when opened."""

    project: Project
    document: Document
    journal: Journal
    first_seq: int
    unsaved_edits: int = 0


class Keeper:
    """Writes each finished edit to the journal before the caller goes on, everything else in the background.

    What the disk refuses stays in memory and is tried again with the next edit, and whenever somebody calls
    `catch_up`, also when its image has been left: coming back to that image takes what is in memory. The
    person is told once an image, and once more when all of it is on disk.
    """

    def __init__(self, events: SessionEvents, workers: Workers) -> None:
        self._events = events
        self._workers = workers
        self._work: Work | None = None
        self._refused: dict[str, Work] = {}  # by image id: left while the disk refused their strokes
        self._complained = False
        self._catching_up = False
        self.saved = Saved.NOTHING

    @property
    def journal_frames(self) -> int:
        """Changes noted since the image was opened; pending ones do not count."""
        work = self._work
        return 0 if work is None else work.journal.last_seq - work.first_seq - work.journal.pending

    def enter(self, project: Project, document: Document, loaded: LoadedLabels) -> Document:
        """Keep the edits of an image that has just been read; returns the document to work on.

        That is another one than was read when strokes on this image could not be written so far.
        """
        work = self._refused.pop(document.image_id, None)
        if work is None:
            journal = project.make_journal(document.image_id, loaded)
            work = Work(project, document, journal, journal.last_seq)
        self._work = work
        self._complained = False
        self._set_saved(Saved.IN_MEMORY if work.journal.pending else Saved.NOTHING)
        return work.document

    # --- edits -------------------------------------------------------------------------------------------

    def keep_edit(self, edit: Edit) -> None:
        """Note an edit that was just applied."""
        self._keep(lambda journal: journal.append_edit(edit))

    def keep_undo(self) -> None:
        self._keep(lambda journal: journal.append_undo())

    def keep_redo(self) -> None:
        self._keep(lambda journal: journal.append_redo())

    def _keep(self, append: Callable[[Journal], object]) -> None:
        work = self._work
        if work is None:
            return
        work.unsaved_edits += 1
        try:
            append(work.journal)
        except StorageError as error:
            self._complain(error)
            return
        self._on_written(work)
        if work.unsaved_edits >= EDITS_BETWEEN_SAVES:
            self.request_save()

    def _note_labelled(self, work: Work) -> None:
        if work.project.note_labelled(work.document.image_id):
            self._events.image_state_changed.emit(work.document.image_id)
            self._store(work.project)

    def _on_written(self, work: Work) -> None:
        self._complained = False
        self._write_refused()  # the disk takes something again
        self._set_saved(Saved.WRITTEN)
        journal = work.journal
        self._workers.writer.request_sync(journal, lambda seq: self._on_synced(journal, seq), self._complain)
        self._note_labelled(work)

    def _on_synced(self, journal: Journal, seq: int) -> None:
        if self._work is not None and journal is self._work.journal and seq == journal.last_seq:
            self._set_saved(Saved.ON_DISK)

    def _complain(self, error: BaseException) -> None:
        self._set_saved(Saved.IN_MEMORY)
        if self._complained:
            return
        self._complained = True
        action = "choose_store" if isinstance(error, ReadOnlyError) else None
        text = error.user_message if isinstance(error, FcnStudioError) else str(error)
        text = f"{text} Your strokes wait in memory."
        self._events.notice.emit(Notice(Level.ERROR, text, action, until_saved=True))

    # --- what the disk has refused --------------------------------------------------------------------------

    def write_all(self) -> bool:
        """Try once more to write what was refused; True when nothing finished is in memory alone."""
        if self._work is not None and self._work.journal.pending:
            self._retry(self._work)
        else:
            self._write_refused()
        return not self._refused and (self._work is None or not self._work.journal.pending)

    def catch_up(self) -> None:
        """Try again, in the background, to write what the disk has refused; silent while it still does."""
        if self.saved is not Saved.IN_MEMORY or self._catching_up:
            return
        works = [*self._refused.values(), *([self._work] if self._work is not None else [])]
        self._catching_up = True

        def run() -> None:
            for work in works:
                work.journal.retry()
            for project in {id(work.project): work.project for work in works}.values():
                if project.is_on_disk:
                    project.save()
            for work in works:
                work.journal.sync()

        self._workers.writer.request(run, lambda _result: self._on_caught_up(works), self._on_still_refused)

    def _on_still_refused(self, _error: BaseException) -> None:
        self._catching_up = False

    def _on_caught_up(self, works: list[Work]) -> None:
        self._catching_up = False
        for work in works:
            if self._refused.get(work.document.image_id) is work:
                self._note_written(work)
        if self._work is not None and not self._work.journal.pending:
            self._on_written(self._work)
        if not self._refused and self.saved is not Saved.IN_MEMORY:
            self._events.notice.emit(Notice(Level.SUCCESS, "The disk takes strokes again: all are written."))

    def discard_refused(self) -> None:
        """Let go of strokes that could not be written; the person has been told."""
        for work in self._refused.values():
            work.journal.close()
        self._refused.clear()

    def move_store(self, project: Project, folder: Path) -> None:
        """Keep everything in another folder from now on, and write what the disk has refused so far."""

        def on_moved(_result: object) -> None:
            if self._work is not None and self._work.project is project:
                self._retry(self._work)

        self._workers.pool.submit(
            lambda: project.move_store(folder), on_moved, self._on_save_failed, serial=PROJECT_FILE
        )

    def _retry(self, work: Work) -> None:
        try:
            work.journal.retry()
        except StorageError as error:
            self._complained = False
            self._complain(error)
            return
        self._on_written(work)

    def _write_refused(self) -> None:
        for work in list(self._refused.values()):
            try:
                work.journal.retry()
            except StorageError:
                return  # told when it was refused first; the next one would be refused as well
            self._note_written(work)

    def _note_written(self, work: Work) -> None:
        """An image that was left while the disk refused its strokes has them on disk now."""
        del self._refused[work.document.image_id]
        self._note_labelled(work)
        self._save(work, compact=True)

    # --- label PNGs ----------------------------------------------------------------------------------------

    def request_save(self) -> None:
        """Write the label PNGs of the open image from a snapshot; the journal has everything already."""
        if self._work is not None:
            self._save(self._work, compact=False)

    def leave(self) -> None:
        """The image is about to be left: save, and shorten its journal once it is closed."""
        work = self._work
        if work is None:
            return
        if work.journal.pending:
            self._retry(work)
        self._work = None
        if work.journal.pending:
            self._refused[work.document.image_id] = work
        else:
            self._save(work, compact=True)

    def _save(self, work: Work, *, compact: bool) -> None:
        project, journal, image_id = work.project, work.journal, work.document.image_id
        edits, work.unsaved_edits = work.unsaved_edits, 0
        if not edits and not (compact and journal.has_changes):
            journal.close()
            return
        label_map, revision, seq = work.document.label_map, work.document.label_map.revision, journal.last_seq

        def run() -> bool:
            """Copies the labels here, off the person's thread; False when they moved under the copy."""
            if compact and not journal.close():
                raise StorageError(f"The last strokes on {image_id} could not be written: the disk refuses.")
            snapshot = label_map.copy()
            if label_map.revision != revision:
                return False
            if edits and journal.path.exists():
                project.save_labels(image_id, snapshot, seq, journal.journal_id)
            if compact:
                project.compact(image_id)
            return True

        def on_done(saved: bool) -> None:
            if not saved:
                work.unsaved_edits += edits  # the next edit asks again
            self._events.image_state_changed.emit(image_id)

        def on_failed(error: BaseException) -> None:
            work.unsaved_edits += edits
            self._on_save_failed(error)

        self._workers.pool.submit(run, on_done, on_failed, serial=image_id)

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

    def keep_active(self, project: Project, checkpoint: str | None) -> None:
        """Remember which checkpoint is active, unless nothing of the project is on disk yet."""
        project.set_active_checkpoint(checkpoint)

        def write() -> None:
            if project.is_on_disk:  # by then: its first writing may be waiting in the same row
                project.save()

        self._workers.pool.submit(write, on_failed=self._complain, serial=PROJECT_FILE)

    def _store(self, project: Project) -> None:
        """Write project.json from a snapshot, one after the other; a refused one is told like a stroke."""
        write = project.prepare_save()
        if write is not None:
            self._workers.pool.submit(write, on_failed=self._complain, serial=PROJECT_FILE)

    def _set_saved(self, saved: Saved) -> None:
        if self._refused:  # closing now would lose something, whatever is true of the open image
            saved = Saved.IN_MEMORY
        if saved is not self.saved:
            self.saved = saved
            self._events.saved_changed.emit(saved)
