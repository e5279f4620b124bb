"""Labels of one image from disk and back: PNG, provenance, journal, and what to believe when they differ.

Loading only reads. What a later write has to do first (put something aside, cut a broken tail) stands in
the plan that comes with the labels and is done by `Journal` before its first frame.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import LabelReadError
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.io.images import read_size
from fcn_studio.project.journal_format import (
    BaseKind,
    JournalFile,
    JournalHeader,
    find_last_seq,
    read_journal,
)
from fcn_studio.project.label_files import (
    LabelPlace,
    Plane,
    PlaneFile,
    compute_hash,
    make_provenance,
    make_provenance_palette,
    mend_provenance,
    read_plane,
    write_plane,
)
from fcn_studio.project.replay import BrokenFrameError, Replay, replay_frames


@dataclass(frozen=True)
class JournalPlan:
    """How an image's journal goes on at the first write.

    create: a new file with `header`; otherwise the file of `file_bytes` is continued at `good_bytes`.
    move_aside: files that are renamed to `NAME.aside-N` before anything is written. rewrite: the label PNG
    held more than is shown; it is copied aside and written again with these planes.
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


@dataclass
class _Found:
    """What loading has found so far; becomes a LoadedLabels."""

    place: LabelPlace
    shape_hw: tuple[int, int]
    notices: list[str] = field(default_factory=list)
    move_aside: list[Path] = field(default_factory=list)
    rewrite: bool = False

    def put_aside(self, path: Path, why: str) -> None:
        self.move_aside.append(path)
        self.notices.append(f"{path} {why}; it is kept aside when you next edit {self.place.image_id}.")


@dataclass(frozen=True)
class _State:
    """Both planes with their state numbers, and where they come from."""

    labels: Plane
    provenance: Plane
    labels_seq: int
    provenance_seq: int
    base: BaseKind


def load_labels(place: LabelPlace, shape_hw: tuple[int, int] | None = None) -> LoadedLabels:
    """Read what was said about one image; writes nothing, works on read-only places, on any thread.

    `shape_hw` is the image's size as displayed (read from its file when not given). Raises ImageReadError,
    and LabelReadError when a newer version wrote the journal or a file may not be read.
    """
    found = _Found(place, shape_hw or read_size(place.image))
    labels = _read_fitting(found, place.labels)
    provenance = _read_fitting(found, place.provenance)
    journal = _read_own_journal(found)
    if journal is not None and journal.header is not None:
        state = _match(found, journal.header, labels, provenance)
        if state is not None:
            return _continue(found, journal, journal.header, state)
    return _start_anew(found, _base_without_journal(found, labels, provenance))


def save_labels(
    place: LabelPlace,
    labels: Plane,
    provenance: Plane,
    *,
    seq: int,
    journal: str,
    palette: Plane | None = None,
) -> None:
    """Write both PNGs as state `seq` of `journal`, durable on return; on the io pool, one at a time an image.

    The journal is made durable first: labels that know of a stroke which the journal has lost would make
    its undo history useless. Raises StorageError; what existed then stays.
    """
    if place.journal.exists():
        with place.journal.open("rb+") as file:
            os.fsync(file.fileno())
    image = place.image_id
    colors = place.palette if palette is None else palette
    write_plane(place.labels, labels, colors, image=image, seq=seq, journal=journal)
    colors = make_provenance_palette()
    write_plane(place.provenance, provenance, colors, image=image, seq=seq, journal=journal)


def _read_fitting(found: _Found, path: Path) -> PlaneFile | None:
    """A PNG of the image's size; anything else is to be put aside and counts as missing."""
    try:
        plane = read_plane(path)
    except LabelReadError as error:
        found.notices.append(str(error))
        found.move_aside.append(path)
        return None
    if plane is None or plane.pixels.shape == found.shape_hw:
        return plane
    height, width = plane.pixels.shape
    size = f"{found.shape_hw[1]} x {found.shape_hw[0]}"
    found.put_aside(path, f"is {width} x {height} pixels, but its image is now {size}")
    return None


def _read_own_journal(found: _Found) -> JournalFile | None:
    """The journal when it belongs to this image at this size; anything else is to be put aside."""
    path = found.place.journal
    journal = read_journal(path)
    if journal is None:
        return None
    header = journal.header
    if header is None:
        found.put_aside(path, "has lost its beginning and cannot be used")
        return None
    if (header.height, header.width) != found.shape_hw:
        found.put_aside(path, "was written for another size of the image")
        return None
    if header.image != found.place.image_id:
        found.put_aside(path, f"belongs to another image ({header.image})")
        return None
    if journal.is_broken:
        lost = journal.file_bytes - journal.good_bytes
        found.notices.append(
            f"{path} is cut off or damaged behind state {journal.last_seq}: what stood before it was kept, "
            f"the last {lost} bytes are kept aside when you next edit {header.image}."
        )
    return journal


def _match(
    found: _Found, header: JournalHeader, labels: PlaneFile | None, provenance: PlaneFile | None
) -> _State | None:
    """The state on disk that the journal continues; None (journal to be put aside) when there is none."""
    place = found.place
    first = header.first_seq - 1
    if labels is None:
        base = _base_without_journal(found, None, None) if header.base != "png" else None
        if header.base == "empty":
            base = _empty(found)
        if base is None or compute_hash(base.labels) != header.base_labels:
            why = "continues labels that are no longer there" if base is None else "continues another mask"
            found.put_aside(place.journal, why)
            return None
        return replace(base, labels_seq=first, provenance_seq=first)
    seq = labels.seq_in(header.journal)
    if seq is None and header.base == "png" and labels.sha256 == header.base_labels:
        seq = first
    if seq is None or seq < first:
        found.put_aside(
            place.journal,
            f"does not fit {place.labels}, which another program changed: those labels are used",
        )
        return None
    origin, origin_seq = _match_provenance(header, labels, provenance, seq)
    return _State(labels.pixels, origin, seq, origin_seq, "png")


def _match_provenance(
    header: JournalHeader, labels: PlaneFile, provenance: PlaneFile | None, labels_seq: int
) -> tuple[Plane, int]:
    """The provenance plane and its state number; a foreign one is mended and taken as it is."""
    first = header.first_seq - 1
    if provenance is None:
        untouched = Provenance.IMPORTED if header.base == "imported" else Provenance.PAINTED
        return make_provenance(labels.pixels, untouched), first
    seq = provenance.seq_in(header.journal)
    if seq is not None and seq >= first:
        return provenance.pixels, seq
    if provenance.sha256 == header.base_provenance:
        return provenance.pixels, first
    return mend_provenance(labels.pixels, provenance.pixels), labels_seq


def _continue(found: _Found, journal: JournalFile, header: JournalHeader, state: _State) -> LoadedLabels:
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
    if last < newest:
        return _start_anew(found, _without_lost_history(found, state, label_map, last))
    labels = label_map.labels
    known = _known_only(found, labels)
    if known is not labels:
        found.move_aside.append(found.place.journal)
        mended = mend_provenance(known, label_map.provenance)
        return _start_anew(found, _State(known, mended, last, last, "png"))
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


def _without_lost_history(found: _Found, state: _State, label_map: LabelMap, last: int) -> _State:
    """The PNGs know more than the journal: they win, plane by plane, and the undo history is put aside."""
    found.put_aside(found.place.journal, "ends before the state of the labels: its undo history is not used")
    labels = state.labels if state.labels_seq > last else label_map.labels
    provenance = state.provenance if state.provenance_seq > last else label_map.provenance
    newest = max(state.labels_seq, state.provenance_seq, last)
    return _State(labels, mend_provenance(labels, provenance), newest, newest, "png")


def _empty(found: _Found) -> _State:
    labels = np.full(found.shape_hw, UNLABELLED, np.uint8)
    return _State(labels, np.zeros(found.shape_hw, np.uint8), 0, 0, "empty")


def _base_without_journal(found: _Found, labels: PlaneFile | None, provenance: PlaneFile | None) -> _State:
    """The label PNG, else the imported mask, else nothing; classes the project lacks become unlabelled."""
    if labels is None:
        return _imported(found) or _empty(found)
    known = _known_only(found, labels.pixels)
    origin = provenance.pixels if provenance is not None else make_provenance(known, Provenance.PAINTED)
    seq = labels.stamp.seq if labels.stamp is not None else 0
    return _State(known, mend_provenance(known, origin), seq, seq, "png")


def _imported(found: _Found) -> _State | None:
    mask = found.place.mask
    if mask is None:
        return None
    try:
        labels = mask.read()
    except LabelReadError as error:
        found.notices.append(str(error))
        return None
    if labels.shape != found.shape_hw:
        height, width = labels.shape
        found.notices.append(
            f"{mask.path} is {width} x {height} pixels, but its image is {found.shape_hw[1]} x "
            f"{found.shape_hw[0]}: it is not used; save the labels at the image's size."
        )
        return None
    return _State(labels, make_provenance(labels, Provenance.IMPORTED), 0, 0, "imported")


def _known_only(found: _Found, labels: Plane) -> Plane:
    present = set(np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist())
    foreign = sorted(present - found.place.class_ids - {UNLABELLED})
    if not foreign:
        return labels
    found.rewrite = True
    values = ", ".join(map(str, foreign[:5]))
    found.notices.append(
        f"{found.place.labels} holds values that are no class of this project ({values}): they are shown as "
        f"unlabelled, and a copy is kept aside when you next edit {found.place.image_id}."
    )
    return np.where(np.isin(labels, foreign), UNLABELLED, labels).astype(np.uint8)


def _start_anew(found: _Found, state: _State) -> LoadedLabels:
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
    )
    plan = JournalPlan(
        found.place,
        header,
        seq + 1,
        create=True,
        move_aside=tuple(dict.fromkeys(found.move_aside)),
        rewrite=(state.labels, state.provenance) if found.rewrite else None,
    )
    label_map = LabelMap.from_arrays(state.labels, state.provenance)
    return _finish(found, label_map, Replay(), seq, plan)


def _finish(found: _Found, label_map: LabelMap, replay: Replay, seq: int, plan: JournalPlan) -> LoadedLabels:
    history = replay.make_history()
    kept = replay.done[len(replay.done) - len(history.done) :]
    strokes = tuple((f"{plan.header.journal[:8]}:{number}", edit) for number, edit in kept)
    return LoadedLabels(label_map, history, seq, plan, tuple(found.notices), strokes)
