"""Undo and redo of one image, within a budget of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from fcn_studio.core.box import Box
from fcn_studio.core.edit import Edit
from fcn_studio.core.label_map import LabelMap

BUDGET_BYTES = 64 * 1024 * 1024
AT_LEAST = 500


class History:
    """The edits that can be taken back and those that can be done again."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES, at_least: int = AT_LEAST) -> None:
        self._budget_bytes = budget_bytes
        self._at_least = at_least
        self._done: deque[Edit] = deque()
        self._undone: list[Edit] = []
        self._size_bytes = 0

    @classmethod
    def restored(cls, done: Iterable[Edit], undone: Iterable[Edit]) -> History:
        """A history as a journal tells it; `undone` in the order in which redo takes them last first."""
        history = cls()
        for edit in done:
            history.push(edit)
        history._undone = list(undone)
        return history

    @property
    def done(self) -> tuple[Edit, ...]:
        """Edits that undo can reach, oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Edit, ...]:
        """Edits that redo can reach; the last one is redone first."""
        return tuple(self._undone)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def push(self, edit: Edit) -> None:
        """Remember an edit that has just been applied; what was undone before can no longer be redone."""
        self._undone.clear()
        self._append(edit)

    def _append(self, edit: Edit) -> None:
        self._done.append(edit)
        self._size_bytes += edit.size_bytes
        while self._size_bytes > self._budget_bytes and len(self._done) > self._at_least:
            self._size_bytes -= self._done.popleft().size_bytes

    def undo(self, label_map: LabelMap) -> Box | None:
        """Take the last edit back; returns the box to repaint, None when there is nothing to undo."""
        if not self._done:
            return None
        edit = self._done.pop()
        self._size_bytes -= edit.size_bytes
        self._undone.append(edit)
        return edit.revert(label_map)

    def redo(self, label_map: LabelMap) -> Box | None:
        """Do the last undone edit again; returns the box to repaint, None when there is none."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self._append(edit)
        return edit.apply(label_map)
