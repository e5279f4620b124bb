"""The images of a project: which there are, what came with them, and where their labels lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fcn_studio.core.classes import ClassTable
from fcn_studio.io.datasets import DatasetFiles
from fcn_studio.project.label_files import ImportedMask, LabelPlace
from fcn_studio.project.naming import find_label_name, journal_path, make_label_names


@dataclass(frozen=True)
class ImageListing:
    """The images of a project in order, and the labelled folder they come from, if it is one.

    names: image id -> the labelled folder's name for it (empty without one).
    """

    root: Path
    image_ids: tuple[str, ...]
    dataset: DatasetFiles | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def label_names(self) -> dict[str, str]:
        """Image id -> usual name of its label PNG."""
        return make_label_names(self.root, self.image_ids)

    def mask_of(self, image_id: str) -> Path | None:
        """The mask that came with an image."""
        return self.dataset.masks.get(self.names[image_id]) if self.dataset is not None else None

    def make_lists(self) -> dict[str, tuple[str, ...]]:
        """The labelled folder's lists (train, val, ...) by image id."""
        if self.dataset is None:
            return {}
        ids = {name: image_id for image_id, name in self.names.items()}
        splits = self.dataset.splits.items()
        return {split: tuple(ids[name] for name in names if name in ids) for split, names in splits}

    def has_files(self, image_id: str, store: Path) -> bool:
        """Whether an image has a label PNG or a journal of its own."""
        name = find_label_name(store, image_id, self.label_names[image_id])
        return (store / "labels" / name).exists() or journal_path(store, name).exists()

    def make_place(self, image_id: str, store: Path, table: ClassTable) -> LabelPlace:
        """Where the labels of one image lie in `store`."""
        name = find_label_name(store, image_id, self.label_names[image_id])
        return LabelPlace(
            image_id,
            self.root / image_id,
            store / "labels" / name,
            store / "provenance" / name,
            journal_path(store, name),
            self._imported_mask(image_id, table),
            frozenset(entry.id for entry in table),
            table.make_palette(),
        )

    def _imported_mask(self, image_id: str, table: ClassTable) -> ImportedMask | None:
        files, mask = self.dataset, self.mask_of(image_id)
        if files is None or mask is None:
            return None
        ids = table.make_lut(files.class_keys)[: len(files.class_keys)]
        return ImportedMask(mask, files.classes, tuple(int(class_id) for class_id in ids))
