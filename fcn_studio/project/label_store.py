"""Labels of one image from disk and back: PNG, provenance, journal, and what to believe when they differ.

Loading only reads. What a later write has to do first (put something aside, cut a broken tail) stands in
the plan that comes with the labels and is done by `Journal` before its first frame.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from fcn_studio.core.edit import Edit
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap
from fcn_studio.io.atomic import storage_error
from fcn_studio.io.images import read_size
from fcn_studio.project.journal_format import (
    JournalFile,
    JournalHeader,
    find_last_seq,
    lacks_history,
)
from fcn_studio.project.label_files import (
    LabelPlace,
    Plane,
    compute_hash,
    make_provenance_palette,
    mend_provenance,
    write_plane,
)
from fcn_studio.project.label_state import (
    Findings,
    LabelState,
    find_base,
    keep_known,
    match_journal,
    read_fitting,
    read_own_journal,
)
from fcn_studio.project.replay import BrokenFrameError, Replay, replay_frames


@dataclass(frozen=True)
class JournalPlan:
    """How an image's journal goes on at the first write.

    create: a new file with `header`; otherwise the file is continued at `good_bytes`. file_bytes: how long it
    was when it was read, also where it is put aside; 0 = it was not there.
    move_aside: files that are renamed to `NAME.aside-N` before anything is written. rewrite: the label PNG
    is not what is shown; it is copied aside and written again with these planes.
    """

    place: LabelPlace
    header: JournalHeader
    next_seq: int
    create: bool
    good_bytes: int = 0
    file_bytes: int = 0
    move_aside: tuple[Path, ...] = ()
    rewrite: tuple[Plane, Plane] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class LoadedLabels:
    """One image's labels as they were left: state number `seq`, and a sentence for each surprise.

    strokes: (stable name, edit) of what undo can reach, oldest first.
    """

    label_map: LabelMap
    history: History
    seq: int
    plan: JournalPlan
    notices: tuple[str, ...] = ()
    strokes: tuple[tuple[str, Edit], ...] = ()


def load_labels(place: LabelPlace, shape_hw: tuple[int, int] | None = None) -> LoadedLabels:
    """Read what was said about one image; writes nothing, works on read-only places, on any thread.

    `shape_hw` is the image's size as displayed (read from its file when not given). Raises ImageReadError,
    and LabelReadError when a newer version wrote the journal or a file may not be read.
    """
    found = Findings(place, shape_hw or read_size(place.image))
    labels = read_fitting(found, place.labels)
    provenance = read_fitting(found, place.provenance)
    journal = read_own_journal(found)
    if journal is not None and journal.header is not None:
        state = match_journal(found, journal.header, labels, provenance)
        if state is not None:
            return _continue(found, journal, journal.header, state)
    return _start_anew(found, find_base(found, labels, provenance))


def save_labels(place: LabelPlace, labels: Plane, provenance: Plane, *, seq: int, journal: str) -> None:
    """Write both PNGs as state `seq` of `journal`, durable on return; on the io pool, one at a time an image.

    The journal is made durable first: labels that know of a stroke which the journal has lost would make
    its undo history useless. Raises StorageError; what existed then stays.
    """
    _sync_journal(place.journal)
    image = place.image_id
    write_plane(place.labels, labels, place.palette, image=image, seq=seq, journal=journal)
    palette = make_provenance_palette()
    write_plane(place.provenance, provenance, palette, image=image, seq=seq, journal=journal)


def _sync_journal(path: Path) -> None:
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error(error, path) from error


def _continue(
    found: Findings, journal: JournalFile, header: JournalHeader, state: LabelState
) -> LoadedLabels:
    """Replay the frames behind the state; a frame that makes no sense ends the replay like a broken one."""
    newest = max(state.labels_seq, state.provenance_seq)
    frames = journal.frames
    good_bytes = journal.good_bytes
    while True:
        label_map = LabelMap.from_arrays(state.labels, state.provenance)
        try:
            replay = replay_frames(frames, label_map, min(state.labels_seq, state.provenance_seq))
            break
        except BrokenFrameError as error:
            good_bytes = frames[error.index - 1].end if error.index else journal.header_bytes
            frames = frames[: error.index]
            found.notices.append(f"{found.place.journal} makes no sense behind its entry {error.index}.")
    last = find_last_seq(header.first_seq, frames)
    if last < newest or lacks_history(header, frames, is_cut=good_bytes < journal.file_bytes):
        return _start_anew(found, _without_lost_history(found, state, label_map, last))
    labels = label_map.labels
    known = keep_known(found, labels)
    if known is not labels:
        found.move_aside.append(found.place.journal)
        mended = mend_provenance(known, label_map.provenance)
        return _start_anew(found, LabelState(known, mended, last, last, "png"))
    plan = JournalPlan(
        found.place,
        header,
        last + 1,
        create=False,
        good_bytes=good_bytes,
        file_bytes=journal.file_bytes,
        move_aside=tuple(found.move_aside),
    )
    return _finish(found, label_map, replay, last, plan)


def _without_lost_history(found: Findings, state: LabelState, label_map: LabelMap, last: int) -> LabelState:
    """The PNGs know more than the journal: they win, plane by plane, and the undo history is put aside."""
    found.put_aside(found.place.journal, "ends before the state of the labels: its undo history is not used")
    found.rewrite = True
    labels = state.labels if state.labels_seq > last else label_map.labels
    provenance = state.provenance if state.provenance_seq > last else label_map.provenance
    newest = max(state.labels_seq, state.provenance_seq, last)
    return LabelState(labels, mend_provenance(labels, provenance), newest, newest, "png")


def _start_anew(found: Findings, state: LabelState) -> LoadedLabels:
    """Labels without a journal that fits: the next edit begins a new one."""
    seq = max(state.labels_seq, state.provenance_seq)
    header = JournalHeader(
        image=found.place.image_id,
        height=found.shape_hw[0],
        width=found.shape_hw[1],
        journal=uuid.uuid4().hex,
        first_seq=seq + 1,
        base=state.base,
        base_labels=compute_hash(state.labels),
        base_provenance=compute_hash(state.provenance),
        carried=0,
    )
    plan = JournalPlan(
        found.place,
        header,
        seq + 1,
        create=True,
        file_bytes=found.place.journal.stat().st_size if found.place.journal.exists() else 0,
        move_aside=tuple(dict.fromkeys(found.move_aside)),
        rewrite=(state.labels, state.provenance) if found.rewrite else None,
    )
    label_map = LabelMap.from_arrays(state.labels, state.provenance)
    return _finish(found, label_map, Replay(), seq, plan)


def _finish(
    found: Findings, label_map: LabelMap, replay: Replay, seq: int, plan: JournalPlan
) -> LoadedLabels:
    history = replay.make_history()
    kept = replay.done[len(replay.done) - len(history.done) :]
    strokes = tuple((f"{plan.header.journal[:8]}:{number}", edit) for number, edit in kept)
    return LoadedLabels(label_map, history, seq, plan, tuple(dict.fromkeys(found.notices)), strokes)
