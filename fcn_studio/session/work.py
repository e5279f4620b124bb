"""One image that is worked on: its document, its journal, and how both are written down when it is left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import ChangedElsewhereError, InputError, InUseError, StorageError
from fcn_studio.project import Change, Journal, LoadedLabels, Project, do_again, write_aside
from fcn_studio.session.document import Document


@dataclass(eq=False)
class Work:
    """What is done on one image, from opening it until all of it is safe on disk.

    first_seq: the labels' state when opened; saved_seq: the state that the label PNGs hold for certain.
    told: the kinds of refusal that the person has been told of. changes: what the journal notes, as far as it
    is not known to be safe. late_edits: computes and applies what was asked for before the image was left.
    is_over: all of it has been brought to safety elsewhere.
    """

    project: Project
    document: Document
    journal: Journal
    first_seq: int
    saved_seq: int
    unsaved_edits: int = 0
    told: set[type[BaseException]] = field(default_factory=set)
    changes: deque[Change] = field(default_factory=deque)
    is_over: bool = False
    is_being_written: bool = False
    late_edits: Callable[[], Iterator[Edit]] | None = None

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
        return self.journal.pending > 0 and not self.is_over

    @property
    def is_at_risk(self) -> bool:
        """Whether leaving it for good would lose something: what another window is in the way of does not
        get lost, it goes on top of that, or aside."""
        return self.is_waiting and self.told.isdisjoint((ChangedElsewhereError, InUseError))

    @property
    def is_safe(self) -> bool:
        """Whether everything finished would survive a power cut, in the journal or in the label PNGs."""
        is_noted = self.late_edits is None and self._safe_seq >= self.journal.last_seq
        return self.is_over or is_noted

    @property
    def _safe_seq(self) -> int:
        return max(self.saved_seq, self.journal.synced_seq)

    def note_edit(self, edit: Edit) -> None:
        """An edit was applied. Raises StorageError, like the next two; it is pending then."""
        self._note(self.journal.append_edit, edit, is_done=True)

    def note_undo(self, edit: Edit) -> None:
        """An edit was taken back."""
        self._note(lambda _edit: self.journal.append_undo(), edit, is_done=False)

    def note_redo(self, edit: Edit) -> None:
        """An edit was done again."""
        self._note(lambda _edit: self.journal.append_redo(), edit, is_done=True)

    def _note(self, append: Callable[[Edit], int], edit: Edit, *, is_done: bool) -> None:
        self.unsaved_edits += 1
        try:
            append(edit)
        finally:
            self.changes.append(Change(self.journal.last_seq, edit, is_done))

    def forget_safe(self) -> None:
        """Let go of what need not be done again in any case."""
        while self.changes and self.changes[0].seq <= self._safe_seq:
            self.changes.popleft()

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
                try:
                    self.project.save_labels(image_id, snapshot, seq, self.journal.journal_id)
                except StorageError:
                    self.journal.doubt()  # fsync tells a loss once, and may have told it to the label PNG
                    raise
                self.saved_seq = seq
            return True

        return write

    def write_down(self, is_open: Callable[[], bool], *, is_last: bool = False) -> str | None:
        """Bring everything to the disk and shorten the journal; on the io pool, once the image is left.

        is_last: nobody will try again, so that what the journal cannot take is written aside. Returns a
        sentence when something else than usual was done. Raises StorageError; what has not been written is
        kept.
        """
        if self.is_over or is_open():
            return None  # the person came back, and leaves again one day
        image_id = self.document.image_id
        self._finish_edits()
        try:
            self._write_pending()
        except ChangedElsewhereError:
            return self._do_again(is_last=is_last)
        except StorageError:
            if not is_last:
                raise
            return self._write_aside()
        if self.prepare_save()() and not is_open():
            self.project.compact(image_id)
        return None

    def _finish_edits(self) -> None:
        for edit in self.late_edits() if self.late_edits is not None else ():
            self.document.history.push(edit)
            with suppress(StorageError):  # pending: told by what comes next
                self.note_edit(edit)
            self.project.note_labelled(self.document.image_id)
        self.late_edits = None  # not before: until then nobody may take this for safe

    def _write_pending(self) -> None:
        try:
            if self.is_waiting:
                self.journal.retry()
                self.project.note_labelled(self.document.image_id)
        finally:
            self.journal.close()

    def _do_again(self, *, is_last: bool) -> str:
        """The journal is another window's now: the strokes go on top of what is there."""
        document = self.document
        try:
            do_again(self.project, document.image_id, document.shape_hw, tuple(self.changes))
        except InputError:
            return self._write_aside()
        except StorageError:
            if not is_last:
                raise
            return self._write_aside()
        self.is_over = True
        return f"{document.name} was changed in another window: your strokes are on top of that now."

    def _write_aside(self) -> str:
        path = write_aside(self.project, self.document.image_id, self.document.label_map)
        self.is_over = True
        return f"The last strokes on {self.document.name} did not get into its labels: they are in {path}."
