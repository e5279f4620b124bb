"""The state of labels that files on disk stand for, and what is to be put aside because it does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.errors import LabelReadError
from fcn_studio.core.label_map import Provenance
from fcn_studio.project.journal_format import BaseKind, JournalFile, JournalHeader, read_journal
from fcn_studio.project.label_files import (
    LabelPlace,
    Plane,
    PlaneFile,
    compute_hash,
    make_provenance,
    mend_provenance,
    read_plane,
)


@dataclass
class Findings:
    """What loading has found so far; becomes a LoadedLabels."""

    place: LabelPlace
    shape_hw: tuple[int, int]
    notices: list[str] = field(default_factory=list)
    move_aside: list[Path] = field(default_factory=list)
    rewrite: bool = False
    other_size: bool = False

    def put_aside_for_size(self, path: Path, hw: tuple[int, ...]) -> None:
        """Files made for another size of the image; one sentence for all of them."""
        self.move_aside.append(path)
        if not self.other_size:
            self.notices.append(
                f"{self.place.image_id} is now {self.shape_hw[1]} x {self.shape_hw[0]} pixels, but its "
                f"labels are {hw[1]} x {hw[0]}: when you next edit it, they are kept aside in {path.parent}."
            )
        self.other_size = True

    def put_aside(self, path: Path, why: str) -> None:
        self.move_aside.append(path)
        self.notices.append(f"{path} {why}; it is kept aside when you next edit {self.place.image_id}.")


@dataclass(frozen=True)
class LabelState:
    """Both planes with their state numbers, and where they come from."""

    labels: Plane
    provenance: Plane
    labels_seq: int
    provenance_seq: int
    base: BaseKind


def read_fitting(found: Findings, path: Path) -> PlaneFile | None:
    """A PNG of the image's size; anything else is to be put aside and counts as missing."""
    try:
        plane = read_plane(path)
    except LabelReadError as error:
        found.notices.append(str(error))
        found.move_aside.append(path)
        return None
    if plane is None or plane.pixels.shape == found.shape_hw:
        return plane
    found.put_aside_for_size(path, plane.pixels.shape)
    return None


def read_own_journal(found: Findings) -> JournalFile | None:
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
        found.put_aside_for_size(path, (header.height, header.width))
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


def match_journal(
    found: Findings, header: JournalHeader, labels: PlaneFile | None, provenance: PlaneFile | None
) -> LabelState | None:
    """The state on disk that the journal continues; None (journal to be put aside) when there is none."""
    place = found.place
    first = header.first_seq - 1
    if labels is None:
        base = find_base(found, None, None) if header.base != "png" else None
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
    return LabelState(labels.pixels, origin, seq, origin_seq, "png")


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


def _empty(found: Findings) -> LabelState:
    labels = np.full(found.shape_hw, UNLABELLED, np.uint8)
    return LabelState(labels, np.zeros(found.shape_hw, np.uint8), 0, 0, "empty")


def find_base(found: Findings, labels: PlaneFile | None, provenance: PlaneFile | None) -> LabelState:
    """The label PNG, else the imported mask, else nothing; classes the project lacks become unlabelled."""
    if labels is None:
        return _imported(found) or _empty(found)
    known = keep_known(found, labels.pixels)
    origin = provenance.pixels if provenance is not None else make_provenance(known, Provenance.PAINTED)
    seq = labels.stamp.seq if labels.stamp is not None else 0
    return LabelState(known, mend_provenance(known, origin), seq, seq, "png")


def _imported(found: Findings) -> LabelState | None:
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
    return LabelState(labels, make_provenance(labels, Provenance.IMPORTED), 0, 0, "imported")


def keep_known(found: Findings, labels: Plane) -> Plane:
    """The labels with unlabelled for what is no class of the project; the same array when all of it is."""
    is_foreign = np.ones(256, bool)
    is_foreign[[*found.place.class_ids, UNLABELLED]] = False
    foreign = is_foreign[labels]
    if not foreign.any():
        return labels
    found.rewrite = True
    values = ", ".join(map(str, np.unique(labels[foreign])[:5].tolist()))
    found.notices.append(
        f"{found.place.labels} holds values that are no class of this project ({values}): they are shown as "
        f"unlabelled, and a copy is kept aside when you next edit {found.place.image_id}."
    )
    return np.where(foreign, UNLABELLED, labels).astype(np.uint8)
