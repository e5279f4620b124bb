"""Keeping what the person does: the journal at once, label PNGs in the background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import FcnStudioError, ReadOnlyError, StorageError
from fcn_studio.project import Journal, LoadedLabels, Project
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.recording import PROJECT_FILE, Recorder
from fcn_studio.session.work import Work
from fcn_studio.session.workers import Workers

EDITS_BETWEEN_SAVES = 50


class Keeper:
    """Writes each finished edit to the journal before the caller goes on, everything else in the background.

    What the disk refuses stays in memory and is tried again with the next edit, and whenever somebody calls
    `catch_up`, also when its image has been left: coming back to that image takes what is in memory. An
    image that was left is held until all of its strokes are known to be safe, for fsync may refuse them
    later. The person is told once an image, and once more when all of it is on disk.
    """

    def __init__(self, events: SessionEvents, workers: Workers) -> None:
        self._events = events
        self._workers = workers
        self._work: Work | None = None
        self._left: dict[tuple[int, str], Work] = {}  # by `Work.key`: left, and not known to be safe yet
        self.record = Recorder(events, workers, self._show_saved, self._on_record_refused)
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
        work = self._left.pop((id(project), document.image_id), None)
        self._work = work or Work.begin(project, document, loaded)
        self._show_saved()
        return self._work.document

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
            self._on_refused(work, error)
            return
        self._on_written(work)
        if work.unsaved_edits >= EDITS_BETWEEN_SAVES:
            self.request_save()

    def _on_written(self, work: Work) -> None:
        """The disk takes something (again)."""
        work.told = None
        self._write_left()
        self._show_saved()
        self._request_sync(work)
        self.record.note_labelled(work.project, work.document.image_id)

    def _request_sync(self, work: Work) -> None:
        self._workers.writer.request_sync(
            work.journal, lambda _seq: self._on_synced(work), lambda error: self._on_refused(work, error)
        )

    def _on_synced(self, work: Work) -> None:
        if work.is_waiting:  # an earlier fsync failed, whose answer this one has taken the place of
            self._retry(work)
        self._let_go(work)

    def _on_refused(self, work: Work, error: BaseException) -> None:
        """The disk takes strokes of an image not, or not for good; the person is told once."""
        self._show_saved()
        if not self._keeps(work) or type(error) in (work.told, self.record.refusal):
            return
        work.told = type(error)
        self._complain(error)

    # --- what the disk has refused --------------------------------------------------------------------------

    def write_all(self) -> bool:
        """Try once more to write what was refused; True when nothing finished is in memory alone."""
        if self._work is not None and self._work.is_waiting:
            self._retry(self._work)
        else:
            self._write_left()
        return not any(work.is_waiting for work in self._works())

    def catch_up(self) -> None:
        """Try again, in the background, to write what the disk has refused; silent while it still does."""
        if self.saved is not Saved.IN_MEMORY or self._catching_up:
            return
        works = self._works()
        self._catching_up = True

        def run() -> dict[Work, StorageError]:
            refused = {}
            for work in works:
                try:
                    work.journal.retry()
                except StorageError as error:
                    refused[work] = error
            for project in {id(work.project): work.project for work in works}.values():
                if project.is_on_disk:
                    project.save()
            for work in works:
                try:
                    work.journal.sync()
                except StorageError as error:
                    refused[work] = error
            return refused

        self._workers.writer.request(
            run, lambda refused: self._on_caught_up(works, refused), self._on_still_refused
        )

    def _on_still_refused(self, _error: BaseException) -> None:
        self._catching_up = False

    def _on_caught_up(self, works: list[Work], refused: dict[Work, StorageError]) -> None:
        self._catching_up = False
        self.record.refusal = None
        for work in works:
            if work in refused:
                self._on_refused(work, refused[work])
            elif work is self._work and work.journal.has_changes:
                self._on_written(work)
            elif work is not self._work and self._keeps(work):
                self._on_left_written(work)
        self._show_saved()
        if self.saved is not Saved.IN_MEMORY:
            self._events.notice.emit(Notice(Level.SUCCESS, "The disk takes strokes again: all are written."))

    def discard_refused(self) -> None:
        """Let go of strokes that could not be written; the person has been told."""
        for work in list(self._left.values()):
            if work.is_waiting:
                work.journal.close()
                del self._left[work.key]
        self.record.refusal = None

    def move_store(self, project: Project, folder: Path) -> None:
        """Keep everything in another folder from now on, and write what the disk has refused so far."""

        def on_moved(_result: object) -> None:
            self.record.refusal = None
            if self._work is not None and self._work.project is project:
                self._work.told = None
                self._retry(self._work)

        self._workers.pool.submit(
            lambda: project.move_store(folder), on_moved, self._on_save_failed, serial=PROJECT_FILE
        )

    def _retry(self, work: Work) -> None:
        if work is not self._work:
            self._write_left()
            return
        try:
            work.journal.retry()
        except StorageError as error:
            self._on_refused(work, error)
            return
        self._on_written(work)

    def _write_left(self) -> None:
        for work in [work for work in self._left.values() if work.is_waiting]:
            try:
                work.journal.retry()
            except StorageError:
                continue  # told when it was refused first
            self._on_left_written(work)

    def _on_left_written(self, work: Work) -> None:
        """An image that was left while the disk refused its strokes has them again."""
        self.record.note_labelled(work.project, work.document.image_id)
        self._request_sync(work)
        self._write_down(work)

    def _works(self) -> list[Work]:
        return [*self._left.values(), *([self._work] if self._work is not None else [])]

    def _keeps(self, work: Work) -> bool:
        return work is self._work or self._left.get(work.key) is work

    def _let_go(self, work: Work) -> None:
        """Nothing more is to be done for an image that was left, once all of it is safe."""
        if work.is_safe and self._left.get(work.key) is work:
            del self._left[work.key]
        self._show_saved()

    # --- label PNGs ----------------------------------------------------------------------------------------

    def request_save(self) -> None:
        """Write the label PNGs of the open image from a snapshot; the journal has everything already."""
        work = self._work
        if work is None or not work.unsaved_edits:
            return
        edits, work.unsaved_edits = work.unsaved_edits, 0
        image_id = work.document.image_id

        def on_done(is_saved: bool) -> None:
            if not is_saved:
                work.unsaved_edits += edits  # the next edit asks again
            self._events.image_state_changed.emit(image_id)

        def on_failed(error: BaseException) -> None:
            work.unsaved_edits += edits
            self._on_save_failed(error)

        self._workers.pool.submit(work.prepare_save(), on_done, on_failed, serial=image_id)

    def leave(self) -> None:
        """The image is about to be left: save, and shorten its journal once it is closed."""
        work, self._work = self._work, None
        if work is None:
            return
        if work.journal.has_changes:
            self._left[work.key] = work
            self._write_down(work)
        else:
            work.journal.close()

    def _write_down(self, work: Work) -> None:
        image_id = work.document.image_id

        def on_done(_result: object) -> None:
            self._let_go(work)
            self._events.image_state_changed.emit(image_id)

        def on_failed(error: BaseException) -> None:
            if work.is_waiting:
                self._on_refused(work, error)
            else:
                self._on_save_failed(error)
            self._let_go(work)

        self._workers.pool.submit(
            lambda: work.write_down(lambda: self._work is work), on_done, on_failed, serial=image_id
        )

    def _on_save_failed(self, error: BaseException) -> None:
        text = error.user_message if isinstance(error, FcnStudioError) else f"Saving labels failed: {error}"
        self._events.notice.emit(Notice(Level.ERROR, text))

    # --- how it is told ----------------------------------------------------------------------------------

    def _on_record_refused(self, error: BaseException) -> None:
        known = (self.record.refusal, self._work.told if self._work is not None else None)
        self.record.refusal = type(error)
        self._show_saved()
        if type(error) not in known:
            self._complain(error)

    def _complain(self, error: BaseException) -> None:
        action = "choose_store" if isinstance(error, ReadOnlyError) else None
        text = error.user_message if isinstance(error, FcnStudioError) else str(error)
        text = f"{text} Your strokes wait in memory."
        self._events.notice.emit(Notice(Level.ERROR, text, action, until_saved=True))

    def _show_saved(self) -> None:
        """What is true of the open image, unless closing now would lose something of any image."""
        work = self._work
        if self.record.refusal is not None or any(each.is_waiting for each in self._works()):
            self._set_saved(Saved.IN_MEMORY)
        elif work is None or not work.journal.has_changes:
            self._set_saved(Saved.NOTHING)
        else:
            self._set_saved(Saved.ON_DISK if work.is_safe else Saved.WRITTEN)

    def _set_saved(self, saved: Saved) -> None:
        if saved is not self.saved:
            self.saved = saved
            self._events.saved_changed.emit(saved)
