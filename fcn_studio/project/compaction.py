"""A journal made shorter: only what can still be undone or redone is kept."""

from __future__ import annotations

from dataclasses import dataclass

from fcn_studio.core.history import AT_LEAST, BUDGET_BYTES, History
from fcn_studio.core.label_map import LabelMap
from fcn_studio.io.atomic import write_atomic
from fcn_studio.project.journal_file import lock_file
from fcn_studio.project.journal_format import (
    FrameKind,
    JournalFile,
    JournalHeader,
    make_frame,
    make_header,
    read_journal,
)
from fcn_studio.project.label_files import LabelPlace, PlaneFile, read_plane
from fcn_studio.project.replay import Replay, replay_frames

WORTH_BYTES = 1 << 20


@dataclass(frozen=True)
class Compaction:
    """What became of one journal: bytes before and after (equal when it was left alone)."""

    bytes_before: int
    bytes_after: int


def compact_journal(
    place: LabelPlace,
    *,
    budget_bytes: int = BUDGET_BYTES,
    at_least: int = AT_LEAST,
    worth_bytes: int = WORTH_BYTES,
) -> Compaction:
    """Rewrite the journal of an image that is not open, keeping all that undo and redo can reach.

    Only when both PNGs are durable in the journal's last state, and when at least `worth_bytes` are gained;
    otherwise nothing is done. Raises StorageError (also when another window has the image open) and
    LabelReadError; the old journal then stays.
    """
    journal = read_journal(place.journal)
    if journal is None or journal.header is None or journal.is_broken:
        return Compaction(0, 0)
    unchanged = Compaction(journal.file_bytes, journal.file_bytes)
    if journal.file_bytes < worth_bytes:
        return unchanged
    labels, provenance = read_plane(place.labels), read_plane(place.provenance)
    if labels is None or provenance is None or not _are_current(journal, labels, provenance):
        return unchanged
    scratch = LabelMap.empty((1, 1))
    replay = replay_frames(journal.frames, scratch, journal.last_seq)
    history = History(budget_bytes, at_least)
    for _, edit in replay.done:
        history.push(edit)
    replay.done = replay.done[len(replay.done) - len(history.done) :]
    content = _make_compacted(journal.header, journal.last_seq, labels, provenance, replay)
    if journal.file_bytes - len(content) < worth_bytes:
        return unchanged
    with place.journal.open("rb") as held:
        lock_file(held.fileno(), place.journal)
        write_atomic(place.journal, content)
    return Compaction(journal.file_bytes, len(content))


def _are_current(journal: JournalFile, labels: PlaneFile, provenance: PlaneFile) -> bool:
    assert journal.header is not None
    identity = journal.header.journal
    return labels.seq_in(identity) == provenance.seq_in(identity) == journal.last_seq


def _make_compacted(
    header: JournalHeader,
    last_seq: int,
    labels: PlaneFile,
    provenance: PlaneFile,
    replay: Replay,
) -> bytes:
    new_header = JournalHeader(
        image=header.image,
        height=header.height,
        width=header.width,
        journal=header.journal,
        first_seq=last_seq + 1,
        base="png",
        base_labels=labels.sha256,
        base_provenance=provenance.sha256,
        carried=len(replay.done) + len(replay.undone),
    )
    parts = [make_header(new_header)]
    parts += [make_frame(FrameKind.PAST, number, edit.to_bytes()) for number, edit in replay.done]
    parts += [make_frame(FrameKind.FUTURE, number, edit.to_bytes()) for number, edit in replay.undone]
    return b"".join(parts)
