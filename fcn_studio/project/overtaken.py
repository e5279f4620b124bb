"""Strokes on labels that another window has changed meanwhile: done again upon what is on disk, or aside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fcn_studio.core.edit import Edit, make_edit_of
from fcn_studio.core.errors import LabelReadError
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.patch import make_patch
from fcn_studio.project.journal_file import find_free_name
from fcn_studio.project.label_files import write_plane
from fcn_studio.project.project import Project, load_document


@dataclass(frozen=True)
class Change:
    """What frame `seq` of a journal notes: an edit done (or done again); not `is_done`: taken back."""

    seq: int
    edit: Edit
    is_done: bool


def do_again(project: Project, image_id: str, shape_hw: tuple[int, int], changes: Iterable[Change]) -> None:
    """Do `changes` as new edits upon the labels that are on disk now; durable on return, for the io pool.

    What was done and taken back again is left out. Doing it twice changes nothing more. Raises StorageError
    (also when another window has the image open and has painted there), and InputError when the image is no
    longer of `shape_hw` or cannot be read.
    """
    loaded = load_document(project, image_id)
    label_map = loaded.label_map
    if label_map.shape_hw != shape_hw:
        raise LabelReadError(f"{image_id} has another size now: open it again.")
    journal = project.make_journal(image_id, loaded)
    try:
        for change in _leave_out_taken_back(changes):
            edit = _do(change, label_map)
            if edit is not None:
                journal.append_edit(edit)
        journal.sync()
    finally:
        journal.close()
    project.note_labelled(image_id)
    project.save_labels(image_id, label_map, journal.last_seq, journal.journal_id)


def write_aside(project: Project, image_id: str, label_map: LabelMap) -> Path:
    """Write labels as a label PNG beside the image's own, under a free name. Raises StorageError."""
    place = project.place_of(image_id)
    path = find_free_name(place.labels, "aside")
    write_plane(path, label_map.labels, place.palette, image=image_id, seq=0, journal="")
    return path


def _leave_out_taken_back(changes: Iterable[Change]) -> list[Change]:
    left: list[Change] = []
    for change in changes:
        if left and left[-1].edit is change.edit and left[-1].is_done is not change.is_done:
            left.pop()
        else:
            left.append(change)
    return left


def _do(change: Change, label_map: LabelMap) -> Edit | None:
    """Apply a change to labels that it was not made for; the edit that this was, None for none."""
    edit = change.edit
    boxes = [patch.box for patch in edit.patches]
    planes = label_map.labels, label_map.provenance
    before = [(planes[0][box.slices].copy(), planes[1][box.slices].copy()) for box in boxes]
    if change.is_done:
        edit.apply(label_map)
    else:
        edit.revert(label_map)
    planes = label_map.labels, label_map.provenance
    patches = (
        make_patch(box, old, (planes[0][box.slices], planes[1][box.slices]))
        for box, old in zip(boxes, before, strict=True)
    )
    return make_edit_of(edit.name if change.is_done else f"Undo {edit.name}", patches)
