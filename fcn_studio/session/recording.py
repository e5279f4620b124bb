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

    `refusal` is the kind of error with which the disk refused it last, until it has been written; `refused`
    are the projects that wait for that.
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
        self.refused: set[Project] = set()

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
            if project.is_on_disk or project in self.refused:  # by then: what makes it may wait in this row
                project.save()

        self._submit(project, write)

    def note_labelled(self, project: Project, image_id: str) -> None:
        """Remember that an image has labels of its own now."""
        if project.note_labelled(image_id):
            self._events.image_state_changed.emit(image_id)
            self.store(project)

    def store(self, project: Project) -> None:
        """Write what is new of a project; a refusal is told like that of a stroke."""
        write = project.prepare_save()
        if write is not None:
            self._submit(project, write)

    def write_refused(self) -> None:
        """Try once more, now. Raises StorageError."""
        for project in list(self.refused):
            project.save()
            self.forget_refusal(project)

    def forget_refusal(self, *projects: Project) -> None:
        """These were written, or nobody waits for it any more."""
        self.refused.difference_update(projects)
        if not self.refused:
            self.refusal = None

    def _submit(self, project: Project, write: Callable[[], None]) -> None:
        def on_written(_result: object) -> None:
            self.forget_refusal(project)
            self._tell_written()

        def on_refused(error: BaseException) -> None:
            self.refused.add(project)
            self._on_refused(error)

        self._workers.pool.submit(write, on_written, on_refused, serial=PROJECT_FILE)
