"""Keeping project.json: classes, review states and the active checkpoint, written in the background."""

from __future__ import annotations

from collections.abc import Callable

from fcn_studio.core.classes import ClassTable
from fcn_studio.project import Project
from fcn_studio.session.events import SessionEvents
from fcn_studio.session.workers import Workers

PROJECT_FILE = "project.json"


class Recorder:
    """Writes project.json from snapshots, one after the other.

    `refusal` is the kind of error with which the disk refused it last, until it has been written.
    """

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        on_written: Callable[[], None],
        on_refused: Callable[[BaseException], None],
    ) -> None:
        self._events = events
        self._workers = workers
        self._tell_written = on_written
        self._on_refused = on_refused
        self.refusal: type[BaseException] | None = None

    def keep_classes(self, project: Project, table: ClassTable) -> None:
        """Remember the project's classes; written in the background."""
        project.set_classes(table)
        self.store(project)

    def keep_reviewed(self, project: Project, image_id: str, reviewed: bool) -> None:
        """Remember that an image needs no more work."""
        project.set_reviewed(image_id, reviewed)
        self._events.image_state_changed.emit(image_id)
        self.store(project)

    def keep_active(self, project: Project, checkpoint: str | None) -> None:
        """Remember which checkpoint is active, unless nothing of the project is on disk yet."""
        project.set_active_checkpoint(checkpoint)

        def write() -> None:
            if project.is_on_disk:  # by then: its first writing may be waiting in the same row
                project.save()

        self._submit(write)

    def note_labelled(self, project: Project, image_id: str) -> None:
        """Remember that an image has labels of its own now."""
        if project.note_labelled(image_id):
            self._events.image_state_changed.emit(image_id)
            self.store(project)

    def store(self, project: Project) -> None:
        """Write what is new of a project; a refusal is told like that of a stroke."""
        write = project.prepare_save()
        if write is not None:
            self._submit(write)

    def _submit(self, write: Callable[[], None]) -> None:
        self._workers.pool.submit(write, self._on_written, self._on_refused, serial=PROJECT_FILE)

    def _on_written(self, _result: object) -> None:
        self.refusal = None
        self._tell_written()
