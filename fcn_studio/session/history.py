"""The list of edits of the open image, and going to any place in it."""

from __future__ import annotations

import time
from collections.abc import Callable

from fcn_studio.core.ports import Dispatcher
from fcn_studio.session.document import Document
from fcn_studio.session.editing import EditingDesk

# Of the person's thread; the rest of a long way is gone in the next turns of the loop. Each turn repaints:
# with 4 ms that took five sixths of the time.
SLICE_S = 0.016


class HistoryDesk:
    """Names of what can be undone and redone, in order, and where in it the labels are now.

    Place 0 is before all of them, place n after the n-th. Going somewhere is so many undos or redos, each
    noted in the journal like one by hand; whatever else changes the labels on the way ends it there.
    """

    def __init__(
        self, dispatcher: Dispatcher, editing: EditingDesk, find_document: Callable[[], Document | None]
    ) -> None:
        self._dispatcher = dispatcher
        self._editing = editing
        self._find_document = find_document
        self._goal: int | None = None
        self._left: tuple[object, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all edits that undo and redo can reach, oldest first."""
        document = self._find_document()
        if document is None:
            return ()
        history = document.history
        return tuple(edit.name for edit in (*history.done, *reversed(history.undone)))

    @property
    def place(self) -> int:
        """How many of them are done."""
        document = self._find_document()
        return len(document.history.done) if document is not None else 0

    @property
    def is_going(self) -> bool:
        """Whether the place asked for has not been reached yet."""
        return self._goal is not None

    def go_to(self, place: int) -> None:
        """Undo or redo until `place` edits are done; places that there are not are the nearest ones.

        What is still being computed would come after all of them: it is dropped.
        """
        self._editing.drop_waiting()
        if self._find_document() is not None:
            self._goal = min(max(place, 0), len(self.names))
            self._left = self._describe()
            self._go()

    def _describe(self) -> tuple[object, ...]:
        """Changes whenever somebody else edits, undoes or goes to another image."""
        document = self._find_document()
        if document is None or self._editing.in_stroke:
            return (object(),)
        return id(document), document.label_map.revision, self.place, len(document.history.undone)

    def _go(self) -> None:
        if self._goal is None or self._left != self._describe():
            self._goal = None
            return
        end = time.perf_counter() + SLICE_S
        while self._goal != self.place:
            before = self.place
            if self._goal < before:
                self._editing.undo()
            else:
                self._editing.redo()
            if self.place == before:
                self._goal = None
                return
            if time.perf_counter() > end and self._goal != self.place:
                self._left = self._describe()
                self._dispatcher.post(self._go)
                return
        self._goal = None
