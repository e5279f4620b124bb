"""What is kept of which image so far, and what the person is told of it."""

from __future__ import annotations

from fcn_studio.core.errors import FcnStudioError, ReadOnlyError
from fcn_studio.session.events import Level, Notice, Saved, SessionEvents
from fcn_studio.session.recording import Recorder
from fcn_studio.session.work import Work
from fcn_studio.session.workers import Workers


class Kept:
    """The half of `Keeper` that knows and tells; `saved` is what the status bar shows."""

    def __init__(self, events: SessionEvents, workers: Workers) -> None:
        self._events = events
        self._workers = workers
        self._work: Work | None = None
        self._left: dict[tuple[int, str], Work] = {}  # by `Work.key`: left, and not known to be safe yet
        self.record = Recorder(events, workers, self._show_saved, self._on_record_refused)
        self.saved = Saved.NOTHING

    @property
    def journal_frames(self) -> int:
        """Changes noted since the image was opened; pending ones do not count."""
        work = self._work
        return 0 if work is None else work.journal.last_seq - work.first_seq - work.journal.pending

    @property
    def is_at_risk(self) -> bool:
        """Whether something would be lost if the program ended now."""
        return self.record.refusal is not None or any(work.is_at_risk for work in self._works())

    def _works(self) -> list[Work]:
        return [*self._left.values(), *([self._work] if self._work is not None else [])]

    def _keeps(self, work: Work) -> bool:
        return work is self._work or self._left.get(work.key) is work

    def _on_refused(self, work: Work, error: BaseException) -> None:
        """The disk takes strokes of an image not, or not for good; the person is told once."""
        self._show_saved()
        if work.is_safe or not self._keeps(work) or type(error) in (*work.told, self.record.refusal):
            return
        work.told.add(type(error))
        self._complain(error)

    def _on_not_saved(self, work: Work, error: BaseException) -> None:
        if work.is_waiting:
            self._on_refused(work, error)
        else:
            self._on_save_failed(error)

    def _on_save_failed(self, error: BaseException) -> None:
        text = error.user_message if isinstance(error, FcnStudioError) else f"Saving labels failed: {error}"
        self._events.notice.emit(Notice(Level.ERROR, text))

    def _on_record_refused(self, error: BaseException) -> None:
        known = (self.record.refusal, *(self._work.told if self._work is not None else ()))
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
