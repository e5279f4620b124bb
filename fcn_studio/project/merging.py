"""project.json of two windows: what this one has changed is put upon what the other one has written."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from fcn_studio.core.classes import MAX_CLASSES
from fcn_studio.project.record import ClassRecord, ProjectRecord


def merge_records(disk: ProjectRecord, before: ProjectRecord, ours: ProjectRecord) -> ProjectRecord:
    """`disk` with what has changed from `before` to `ours`; `disk` itself where both are the same.

    No class is lost: a window only ever adds some.
    """
    return replace(
        ours,
        classes=merge_classes(disk.classes, before.classes, ours.classes),
        next_class_id=max(disk.next_class_id, ours.next_class_id),
        reviewed=_merge_names(disk.reviewed, before.reviewed, ours.reviewed),
        emptied=_merge_names(disk.emptied, before.emptied, ours.emptied),
        splits=disk.splits if ours.splits == before.splits else ours.splits,
        active_checkpoint=(
            disk.active_checkpoint
            if ours.active_checkpoint == before.active_checkpoint
            else ours.active_checkpoint
        ),
    )


def merge_classes(
    disk: list[ClassRecord], before: list[ClassRecord], ours: list[ClassRecord]
) -> list[ClassRecord]:
    """Ours, as the other window has changed them unless we have, and behind them what it has added."""
    there = {(entry.id, entry.key): entry for entry in disk}
    known = {(entry.id, entry.key): entry for entry in before}
    merged = [
        there[i] if (i := (entry.id, entry.key)) in there and known.get(i) == entry else entry
        for entry in ours
    ]
    ids, keys = {entry.id for entry in ours}, {entry.key for entry in ours}
    return [*merged, *(entry for entry in disk if entry.id not in ids and entry.key not in keys)]


def make_room(
    disk: list[ClassRecord], before: list[ClassRecord], ours: list[ClassRecord], next_id: int
) -> list[ClassRecord]:
    """Ours, where what was added since `before` has other ids than what another window has added on disk."""
    known = {entry.id for entry in before}
    kept = [entry for entry in ours if entry.id in known]
    keys = {entry.key for entry in kept}
    theirs = [entry for entry in disk if entry.id not in known and entry.key not in keys]
    keys |= {entry.key for entry in theirs}
    new = [entry for entry in ours if entry.id not in known and entry.key not in keys]
    if not theirs or next_id + len(new) > MAX_CLASSES:
        return ours
    return [*kept, *theirs, *(replace(entry, id=next_id + number) for number, entry in enumerate(new))]


def _merge_names(disk: Iterable[str], before: Iterable[str], ours: Iterable[str]) -> list[str]:
    was, now = set(before), set(ours)
    return sorted((set(disk) - (was - now)) | (now - was))
