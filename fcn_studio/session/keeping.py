"""Keeping what the person does: the journal at once, label PNGs in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import ChangedElsewhereError, StorageError
from fcn_studio.project import LoadedLabels, Project
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.kept import Kept
from fcn_studio.session.recording import PROJECT_FILE
from fcn_studio.session.work import Work
from fcn_studio.session.workers import Workers

EDITS_BETWEEN_SAVES = 50


class Keeper(Kept):
    """Writes each finished edit to the journal before the caller goes on, everything else in the background.

    What the disk refuses stays in memory and is tried again with the next edit, and whenever somebody calls
    `catch_up`, also when its image has been left: coming back to that image takes what is in memory. An
    image that was left is held until all of its strokes are known to be safe, for fsync may refuse them
    later. The person is told once an image, and once more when all of it is on disk.
    """

    def __init__(self, events: SessionEvents, workers: Workers) -> None:
        super().__init__(events, workers)
        self._catching_up = False

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
        self._keep(edit, Work.note_edit)

    def keep_undo(self, edit: Edit) -> None:
        """Note that an edit was just taken back."""
        self._keep(edit, Work.note_undo)

    def keep_redo(self, edit: Edit) -> None:
        """Note that an edit was just done again."""
        self._keep(edit, Work.note_redo)

    def _keep(self, edit: Edit, note: Callable[[Work, Edit], None]) -> None:
        work = self._work
        if work is None:
            return
        try:
            note(work, edit)
        except StorageError as error:
            self._on_refused(work, error)
            return
        self._on_written(work)
        if work.unsaved_edits >= EDITS_BETWEEN_SAVES:
            self.request_save()

    def _on_written(self, work: Work) -> None:
        """The disk takes something (again)."""
        work.told.clear()
        self._write_left()
        self._show_saved()
        self._request_sync(work)
        self.record.note_labelled(work.project, work.document.image_id)

    def _request_sync(self, work: Work) -> None:
        self._workers.writer.request_sync(
            work.journal, lambda _seq: self._on_synced(work), lambda error: self._on_refused(work, error)
        )

    def _on_synced(self, work: Work) -> None:
        work.forget_safe()
        if work.is_waiting:  # an earlier fsync failed, whose answer this one has taken the place of
            self._retry(work)
        self._let_go(work)

    # --- what the disk has refused --------------------------------------------------------------------------

    def write_all(self) -> bool:
        """Try once more to write what was refused; True when nothing finished would be lost now."""
        with suppress(StorageError):
            self.record.write_refused()
        if self._work is not None and self._work.is_waiting:
            self._retry(self._work)
        else:
            self._write_left()
        return not self.is_at_risk

    def catch_up(self) -> None:
        """Try again, in the background, to write what the disk has refused; silent while it still does."""
        if self.saved is not Saved.IN_MEMORY or self._catching_up:
            return
        works, unwritten = self._works(), frozenset(self.record.refused)
        self._catching_up = True

        def run() -> dict[Work, StorageError]:
            refused = {}
            for work in works:
                try:
                    work.journal.retry()
                except StorageError as error:
                    refused[work] = error
            for project in unwritten.union(work.project for work in works):
                if project.is_on_disk or project in unwritten:
                    project.save()
            for work in works:
                try:
                    work.journal.sync()
                except StorageError as error:
                    refused[work] = error
            return refused

        self._workers.writer.request(
            run, lambda refused: self._on_caught_up(works, unwritten, refused), self._on_still_refused
        )

    def _on_still_refused(self, _error: BaseException) -> None:
        self._catching_up = False

    def _on_caught_up(
        self, works: list[Work], unwritten: frozenset[Project], refused: dict[Work, StorageError]
    ) -> None:
        self._catching_up = False
        self.record.forget_refusal(*unwritten)
        for work in works:
            if work in refused:
                self._on_refused(work, refused[work])
                self._do_again(work, refused[work])
            elif work is self._work and work.journal.has_changes:
                self._on_written(work)
            elif work is not self._work and self._keeps(work):
                self._on_left_written(work)
        self._show_saved()
        if self.saved is not Saved.IN_MEMORY:
            self._events.notice.emit(Notice(Level.SUCCESS, "The disk takes strokes again: all are written."))

    def close(self) -> None:
        """Bring what the image that was left last and others have in memory to the disk, or aside."""
        with suppress(StorageError):
            self.record.write_refused()
        for work in self._left.values():
            if work.is_waiting:
                self._write_down(work, is_last=True)

    def discard_refused(self) -> None:
        """Let go of strokes that could not be written; the person has been told."""
        for work in list(self._left.values()):
            if work.is_at_risk:
                work.journal.close()
                del self._left[work.key]
        self.record.forget_refusal(*self.record.refused)

    def move_store(self, project: Project, folder: Path) -> None:
        """Keep everything in another folder from now on, and write what the disk has refused so far."""

        def on_moved(_result: object) -> None:
            self.record.forget_refusal(project)
            if self._work is not None and self._work.project is project:
                self._work.told.clear()
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
            except StorageError as error:
                self._do_again(work, error)  # else: told when it was refused first
                continue
            self._on_left_written(work)

    def _do_again(self, work: Work, error: BaseException) -> None:
        """Strokes on an image that another window has changed meanwhile go on top of that."""
        is_left = work is not self._work and self._keeps(work) and not work.is_being_written
        if is_left and isinstance(error, ChangedElsewhereError):
            self._write_down(work)

    def _on_left_written(self, work: Work) -> None:
        """An image that was left while the disk refused its strokes has them again."""
        self.record.note_labelled(work.project, work.document.image_id)
        self._request_sync(work)
        self._write_down(work)

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
            self._on_not_saved(work, error)

        self._workers.pool.submit(work.prepare_save(), on_done, on_failed, serial=image_id)

    def leave(self, late_edits: Callable[[], Iterator[Edit]] | None = None) -> None:
        """The image is about to be left: save, and shorten its journal once it is closed.

        late_edits: computes and applies what is still asked for; run on the io pool, before the image can be
        read again.
        """
        work, self._work = self._work, None
        if work is None:
            return
        work.late_edits = late_edits
        if work.journal.has_changes or late_edits is not None:
            self._left[work.key] = work
            self._write_down(work)
        else:
            work.journal.close()

    def _write_down(self, work: Work, *, is_last: bool = False) -> None:
        image_id = work.document.image_id
        work.is_being_written = True

        def on_done(text: str | None) -> None:
            work.is_being_written = False
            self._let_go(work)
            if text:
                self._events.notice.emit(Notice(Level.WARNING, text))
            self._events.image_state_changed.emit(image_id)

        def on_failed(error: BaseException) -> None:
            work.is_being_written = False
            self._on_not_saved(work, error)
            self._let_go(work)

        self._workers.pool.submit(
            lambda: work.write_down(lambda: self._work is work, is_last=is_last),
            on_done,
            on_failed,
            serial=image_id,
        )
