"""From a journal's frames back to labels and to what can be undone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from fcn_studio.core.edit import Edit
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap
from fcn_studio.project.journal_format import Frame, FrameKind


class BrokenFrameError(Exception):
    """A frame whose bytes are whole but whose content makes no sense here; `index` says which."""

    def __init__(self, index: int) -> None:
        super().__init__(f"frame {index}")
        self.index = index


@dataclass
class Replay:
    """Numbered edits that can be taken back and done again, as frames tell it one by one."""

    done: list[tuple[int, Edit]] = field(default_factory=list)
    undone: list[tuple[int, Edit]] = field(default_factory=list)

    def follow(self, frame: Frame, label_map: LabelMap | None) -> None:
        """Take one frame; with a label map its change is applied too (else it is contained already).

        Applying overwrites, so that going over changes twice comes to the same end.
        Raises ValueError, IndexError, struct.error or zlib.error when the frame makes no sense.
        """
        if frame.kind is FrameKind.PAST:
            self.done.append((frame.seq, Edit.from_bytes(frame.body)))
        elif frame.kind is FrameKind.FUTURE:
            self.undone.append((frame.seq, Edit.from_bytes(frame.body)))
        elif frame.kind is FrameKind.EDIT:
            edit = Edit.from_bytes(frame.body)
            if label_map is not None:
                edit.apply(label_map)
            self.done.append((frame.seq, edit))
            self.undone.clear()
        elif frame.kind is FrameKind.UNDO:
            number, edit = self.done[-1]
            if label_map is not None:
                edit.revert(label_map)
            self.undone.append((number, edit))
            self.done.pop()
        else:
            number, edit = self.undone[-1]
            if label_map is not None:
                edit.apply(label_map)
            self.done.append((number, edit))
            self.undone.pop()

    def make_history(self) -> History:
        return History.restored((edit for _, edit in self.done), (edit for _, edit in self.undone))


def replay_frames(frames: Sequence[Frame], label_map: LabelMap, after_seq: int) -> Replay:
    """Follow all frames; changes numbered above `after_seq` are applied to `label_map`.

    Raises BrokenFrameError; the label map may then hold part of a change and must be thrown away.
    """
    replay = Replay()
    for index, frame in enumerate(frames):
        try:
            replay.follow(frame, label_map if frame.seq > after_seq else None)
        except (ValueError, IndexError, struct.error, zlib.error) as error:
            raise BrokenFrameError(index) from error
    return replay
