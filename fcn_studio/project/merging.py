"""project.json of two windows: what this one has changed is put upon what the other one has written."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fcn_studio.project.record import ClassRecord, ProjectRecord


def merge_records(disk: ProjectRecord, before: ProjectRecord, ours: ProjectRecord) -> ProjectRecord:
    """`disk` with what has changed from `before` to `ours`; `disk` itself where both are the same.

    No class is lost: a window only ever adds some.
    """
    return msgspec.structs.replace(
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


def _merge_names(disk: Iterable[str], before: Iterable[str], ours: Iterable[str]) -> list[str]:
    was, now = set(before), set(ours)
    return sorted((set(disk) - (was - now)) | (now - was))
