"""A labelled folder as samples for training and evaluation."""

from __future__ import annotations

import numpy as np

from fcn_studio.core.errors import DatasetError
from fcn_studio.core.ports import Sample
from fcn_studio.io.datasets import DatasetFiles, read_labelled

HELD_OUT_EVERY = 5


class DatasetSource:
    """Samples of a labelled folder in its own class order; masks are read when asked for.

    `ignore` is one more mask value that means "no label". Frozen, and readable from any thread.
    """

    def __init__(self, files: DatasetFiles, ignore: int | None = None) -> None:
        if ignore is not None and not 0 <= ignore <= 255:
            raise DatasetError(f"The value to ignore is {ignore}: mask values lie between 0 and 255.")
        self._files = files
        self._ignore = ignore

    @property
    def files(self) -> DatasetFiles:
        return self._files

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about what was passed over."""
        return self._files.notices

    @property
    def class_keys(self) -> tuple[str, ...]:
        return self._files.class_keys

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._files.class_names

    def names(self, split: str) -> tuple[str, ...]:
        """Labelled names of one list, or "all"; empty where there is no such list.

        Without a list "val" every fifth labelled image of the rest stands in for it; without a list
        "train" it is everything that is in neither "val" nor "test".
        """
        labelled = self._files.labelled
        if split == "all":
            return labelled
        splits = self._files.splits
        if split in splits:
            known = set(labelled)
            if split == "train" and "val" not in splits:
                known -= set(self._fifth())
            return tuple(name for name in splits[split] if name in known)
        if split not in ("train", "val"):
            return ()
        if split == "val":
            return self._fifth()
        others = {*self.names("val"), *splits.get("test", ())}
        return tuple(name for name in labelled if name not in others)

    def _fifth(self) -> tuple[str, ...]:
        """Every fifth labelled image that no list claims for testing, starting with the fifth."""
        splits = self._files.splits
        test, train = set(splits.get("test", ())), splits.get("train")
        known = set(self._files.labelled)
        pool = [n for n in (train or self._files.labelled) if n in known and n not in test]
        return tuple(pool[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])

    def read(self, name: str) -> Sample:
        """Image and labels of one name. Raises ImageReadError, LabelReadError, DatasetError."""
        pixels, labels = read_labelled(self._files, name, self._ignore)
        return Sample(name, pixels, np.ascontiguousarray(labels))
