"""A project's labels as samples for training: a frozen copy, small enough to keep in memory."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.core.edit import Edit
from fcn_studio.core.errors import FcnStudioError, LabelReadError
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.ports import Sample
from fcn_studio.io.images import read_image
from fcn_studio.project.label_files import LabelPlace, Plane, make_provenance
from fcn_studio.project.label_store import LoadedLabels, load_labels
from fcn_studio.project.record import SplitRecord
from fcn_studio.project.split import EVERY, NO_STROKE, compute_stroke_owners, split_every_fifth


@dataclass(frozen=True)
class _Snapshot:
    """One image's labels: compressed planes, or (untouched imports) only the mask they come from."""

    place: LabelPlace
    shape_hw: tuple[int, int] | None = None
    labels: bytes = b""
    provenance: bytes = b""
    held_out: bytes | None = None
    held_out_strokes: int = 0
    strokes: tuple[tuple[str, Edit], ...] = ()

    def read_planes(self) -> tuple[Plane, Plane]:
        if self.shape_hw is None:
            assert self.place.mask is not None
            labels = self.place.mask.read()
            return labels, make_provenance(labels, Provenance.IMPORTED)
        return _unpack(self.labels, self.shape_hw), _unpack(self.provenance, self.shape_hw)


class ProjectSource:
    """Samples of a project in the order of its class table; frozen, and readable from any thread.

    In `Sample.labels` a class that the table lacks counts as unlabelled. "val" holds what is held out:
    whole images, or images with `Sample.held_out` where single strokes are held out.
    """

    def __init__(
        self,
        classes: ClassTable,
        snapshots: Mapping[str, _Snapshot],
        splits: Mapping[str, tuple[str, ...]],
        notices: Sequence[str] = (),
    ) -> None:
        self._classes = classes
        self._snapshots = snapshots
        self._splits = splits
        self.notices = tuple(notices)
        self._lut = classes.make_channel_lut(classes.keys)
        self._unlabelled: Mapping[str, Path] = {}

    def with_unlabelled(self, images: Mapping[str, Path]) -> ProjectSource:
        """The same samples, and images (id -> file) without any label as the split "unlabelled"."""
        source = copy.copy(self)
        source._unlabelled = {name: path for name, path in images.items() if name not in self._snapshots}
        return source

    @property
    def class_keys(self) -> tuple[str, ...]:
        return self._classes.keys

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._classes.names

    @property
    def classes(self) -> ClassTable:
        return self._classes

    def names(self, split: str) -> tuple[str, ...]:
        """Ids of labelled images: "all", "train", "val", or a list of a labelled folder ("test").

        "unlabelled": ids of some images without labels.
        """
        if split == "unlabelled":
            return tuple(self._unlabelled)
        return self._splits.get(split, ())

    def read(self, name: str) -> Sample:
        """Image and labels of one id. Raises ImageReadError, LabelReadError."""
        if name in self._unlabelled:
            pixels = read_image(self._unlabelled[name]).pixels
            return Sample(name, pixels, np.full(pixels.shape[:2], UNLABELLED, np.uint8))
        snapshot = self._snapshots.get(name)
        if snapshot is None:
            raise LabelReadError(f"{name} has no labels in this project: label it first.")
        labels, provenance = snapshot.read_planes()
        pixels = read_image(snapshot.place.image).pixels
        if pixels.shape[:2] != labels.shape:
            raise LabelReadError(
                f"The labels of {name} are {labels.shape[1]} x {labels.shape[0]} pixels, but the image is "
                f"{pixels.shape[1]} x {pixels.shape[0]}: open it and label it again."
            )
        held_out = None
        if snapshot.held_out is not None:
            held_out = _unpack(snapshot.held_out, labels.shape).astype(bool)
        return Sample(name, pixels, self._lut[labels], provenance, held_out, snapshot.held_out_strokes)


def make_source(
    classes: ClassTable,
    places: Sequence[LabelPlace],
    touched: frozenset[str],
    lists: Mapping[str, tuple[str, ...]],
    splits: SplitRecord,
) -> tuple[ProjectSource, SplitRecord]:
    """Copy all labels as they are on disk now; returns the source and the splits to be remembered.

    places: images that may have labels; touched: ids with label files of their own (the rest are untouched
    imports and stay where they are); lists: train, val, test of a labelled folder, by image id. Where
    labels cannot be read the image is left out, with a sentence in `source.notices`. Writes nothing.
    """
    snapshots: dict[str, _Snapshot] = {}
    notices: list[str] = []
    for place in places:
        if place.image_id not in touched:
            snapshots[place.image_id] = _Snapshot(place)
            continue
        try:
            loaded = load_labels(place)
        except FcnStudioError as error:
            notices.append(error.user_message)
            continue
        if loaded.label_map.is_empty:
            notices.extend(loaded.notices)
        else:
            snapshots[place.image_id] = _copy(place, loaded)
    present = tuple(snapshots)
    if lists.get("val"):
        return ProjectSource(classes, snapshots, _follow_lists(present, lists), notices), splits
    if len(present) >= EVERY:
        held, trained = split_every_fifth(present, splits.held_out, splits.trained)
        kept = SplitRecord(held, trained, splits.held_out_strokes, splits.trained_strokes)
        return ProjectSource(classes, snapshots, _by_images(present, held, lists), notices), kept
    kept, marked = _hold_out_strokes(snapshots, splits)
    val = tuple(name for name, snapshot in marked.items() if snapshot.held_out is not None)
    named = {"all": present, "train": present, "val": val}
    return ProjectSource(classes, marked, named, notices), kept


def _copy(place: LabelPlace, loaded: LoadedLabels) -> _Snapshot:
    label_map = loaded.label_map
    return _Snapshot(
        place,
        label_map.shape_hw,
        _pack(label_map.labels),
        _pack(label_map.provenance),
        strokes=loaded.strokes,
    )


def _follow_lists(
    present: tuple[str, ...], lists: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """A labelled folder's own lists; what the person labelled beyond them is for training."""
    known = set(present)
    named = {name: tuple(i for i in ids if i in known) for name, ids in lists.items()}
    apart = {*named.get("val", ()), *named.get("test", ())}
    unlisted = known.difference(*lists.values())
    wanted = {*named.get("train", present), *unlisted} - apart
    named["train"] = tuple(i for i in present if i in wanted)
    named["all"] = present
    return named


def _by_images(
    present: tuple[str, ...], held: Sequence[str], lists: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    apart, test = set(held), set(lists.get("test", ()))
    return {
        "all": present,
        "train": tuple(name for name in present if name not in apart and name not in test),
        "val": tuple(name for name in present if name in apart and name not in test),
        "test": tuple(name for name in present if name in test),
    }


def _hold_out_strokes(
    snapshots: Mapping[str, _Snapshot], splits: SplitRecord
) -> tuple[SplitRecord, dict[str, _Snapshot]]:
    """Mark the pixels that every fifth stroke still owns; nothing with fewer than five strokes."""
    owners: dict[str, npt.NDArray[np.int32]] = {}
    alive: dict[str, list[tuple[int, str]]] = {}
    for name, snapshot in snapshots.items():
        if snapshot.shape_hw is None:
            continue
        owners[name] = compute_stroke_owners(snapshot.shape_hw, [edit for _, edit in snapshot.strokes])
        living = sorted(set(np.unique(owners[name]).tolist()) - {NO_STROKE})
        alive[name] = [(number, snapshot.strokes[number][0]) for number in living]
    present = [key for strokes in alive.values() for _, key in strokes]
    held, trained = split_every_fifth(present, splits.held_out_strokes, splits.trained_strokes)
    apart = set(held) if len(present) >= EVERY else set()
    marked = dict(snapshots)
    for name, strokes in alive.items():
        numbers = [number for number, key in strokes if key in apart]
        if numbers:
            mask = np.isin(owners[name], numbers).astype(np.uint8)
            marked[name] = replace(snapshots[name], held_out=_pack(mask), held_out_strokes=len(numbers))
    return SplitRecord(splits.held_out, splits.trained, held, trained), marked


def _pack(plane: npt.NDArray[np.uint8]) -> bytes:
    return zlib.compress(np.ascontiguousarray(plane).data, 1)


def _unpack(data: bytes, shape_hw: tuple[int, ...]) -> Plane:
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape_hw[:2])
