"""One image that is worked on: its document, its journal, and how both are written down when it is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fcn_studio.project import Journal, LoadedLabels, Project
from fcn_studio.session.document import Document


@dataclass(eq=False)
class Work:
    """What is done on one image, from opening it until all of it is safe on disk.

    first_seq: the labels' state when opened; saved_seq: the state that the label PNGs hold for certain.
    told: the kind of refusal that the person has been told of.
    """

    project: Project
    document: Document
    journal: Journal
    first_seq: int
    saved_seq: int
    unsaved_edits: int = 0
    told: type[BaseException] | None = None

    @classmethod
    def begin(cls, project: Project, document: Document, loaded: LoadedLabels) -> Work:
        """On an image that has just been read."""
        journal = project.make_journal(document.image_id, loaded)
        return cls(project, document, journal, journal.last_seq, journal.last_seq)

    @property
    def key(self) -> tuple[int, str]:
        """Tells the images of all projects apart, as long as this is kept."""
        return id(self.project), self.document.image_id

    @property
    def is_waiting(self) -> bool:
        """Whether something finished is in memory alone."""
        return self.journal.pending > 0

    @property
    def is_safe(self) -> bool:
        """Whether everything finished would survive a power cut, in the journal or in the label PNGs."""
        return max(self.saved_seq, self.journal.synced_seq) >= self.journal.last_seq

    def prepare_save(self) -> Callable[[], bool]:
        """The labels as they are now, as a function that writes their PNGs (on the io pool).

        It copies the labels there, off the person's thread, and returns False when they moved under the
        copy. It raises StorageError.
        """
        label_map, seq = self.document.label_map, self.journal.last_seq
        revision = label_map.revision

        def write() -> bool:
            snapshot = label_map.copy()
            if label_map.revision != revision:
                return False
            if self.saved_seq < seq and self.journal.path.exists():
                image_id = self.document.image_id
                self.project.save_labels(image_id, snapshot, seq, self.journal.journal_id)
                self.saved_seq = seq
            return True

        return write

    def write_down(self, is_open: Callable[[], bool]) -> None:
        """Bring everything to the disk and shorten the journal; on the io pool, once the image is left.

        Raises StorageError; what has not been written is kept.
        """
        if is_open():
            return  # the person came back, and leaves again one day
        image_id = self.document.image_id
        try:
            if self.is_waiting:
                self.journal.retry()
                self.project.note_labelled(image_id)
        finally:
            self.journal.close()
        if self.prepare_save()() and not is_open():
            self.project.compact(image_id)
