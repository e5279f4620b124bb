"""The samples of a run, at the size the network sees them, with what the choice of crops needs to know."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.errors import ImageReadError, InputError, TrainingError
from fcn_studio.core.label_map import Provenance
from fcn_studio.core.ports import Sample, SampleSource
from fcn_studio.models.preprocess import compute_work_hw, scale_pixels
from fcn_studio.training.left_out import Unreadable

CACHE_BYTES = 768 * 2**20
_SPOTS_PER_CLASS = 200


@dataclass(frozen=True)
class Picture:
    """One sample as tensors. pixels: uint8 [3, H, W]; labels: uint8 [H, W] without held-out ones;
    accepted: uint8 [H, W], 1 where the label is an accepted prediction."""

    pixels: Tensor
    labels: Tensor
    accepted: Tensor

    @property
    def hw(self) -> tuple[int, int]:
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def size_bytes(self) -> int:
        return self.pixels.numel() + 2 * self.labels.numel()


@dataclass(frozen=True)
class Card:
    """What is kept of every sample: its size and, per labelled class, some pixels of it ([n, 2] y, x)."""

    name: str
    hw: tuple[int, int]
    spots: dict[int, NDArray[np.int32]]


class Deck:
    """Samples of a source by index, decoded ones cached up to a byte budget.

    What does not fit is read again when it is asked for; a sample that cannot be read, now or then, goes to
    ``unreadable`` and is not drawn any more. ``indices``: the samples that are there. ``counts``,
    ``present``: int64 [K], labelled pixels of each class, and of the samples that show it.
    """

    def __init__(
        self,
        source: SampleSource,
        names: Sequence[str],
        long_side: int,
        zoom: float = 1.0,
        unreadable: Unreadable | None = None,
    ) -> None:
        self._source = source
        self._names = list(names)
        self._long_side = long_side
        self._zoom = zoom
        self._cache: OrderedDict[int, Picture] = OrderedDict()
        self._cached_bytes = 0
        self.unreadable = Unreadable() if unreadable is None else unreadable
        self.cards: list[Card] = []
        self.indices: list[int] = []
        self.unlabelled: list[int] = []
        self.counts = np.zeros(len(source.class_keys), np.int64)
        self.present = np.zeros(len(source.class_keys), np.int64)
        self._by_class: dict[int, list[int]] = {}

    def prepare(self) -> Generator[int, None, None]:
        """Read every sample once; yields the number done. Raises TrainingError when nothing is labelled."""
        for done in range(1, len(self._names) + 1):
            index = len(self.cards)
            try:
                picture = self.picture(index)
            except InputError as error:
                self.unreadable.add(self._names.pop(index), error)
            else:
                self._add_card(index, picture)
            yield done
        self._require_labels()

    def _require_labels(self) -> None:
        if self._by_class:
            return
        if not self.unreadable:
            raise TrainingError("Nothing is labelled yet: paint a few strokes first, then train.")
        if not self.indices:
            raise TrainingError("None of the labelled images can be read: mend them first.")
        raise TrainingError("No label is left to learn from: mend what cannot be read, or label others.")

    def _add_card(self, index: int, picture: Picture) -> None:
        labels = picture.labels.numpy()
        found = np.bincount(labels.ravel(), minlength=256)[: len(self.counts)]
        self.counts += found
        self.present += np.where(found > 0, found.sum(), 0)
        spots = {int(c): _spots(labels, int(c)) for c in np.flatnonzero(found)}
        for klass in spots:
            self._by_class.setdefault(klass, []).append(index)
        self.cards.append(Card(self._names[index], picture.hw, spots))
        self.indices.append(index)
        if not spots:
            self.unlabelled.append(index)

    @property
    def classes(self) -> tuple[int, ...]:
        """Channel indices that have at least one labelled pixel."""
        return tuple(sorted(self._by_class))

    @property
    def rare(self) -> tuple[int, ...]:
        """Channel indices of the classes with fewer pixels than the median class that is there."""
        there = list(self.classes)
        median = float(np.median(self.counts[there])) if there else 0.0
        return tuple(klass for klass in there if self.counts[klass] < median)

    def having(self, klass: int) -> list[int]:
        """Indices of the samples with labelled pixels of this class."""
        return self._by_class[klass]

    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, Picture]]:
        """Those of the samples that can be read, with their indices. Raises TrainingError, see `picture`."""
        for index in indices:
            try:
                picture = self.picture(index)
            except InputError:
                continue
            yield index, picture

    def picture(self, index: int) -> Picture:
        """The sample as tensors; kept in memory while the budget allows.

        Raises InputError where it cannot be read any more, TrainingError where it was the last labelled one.
        """
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        try:
            picture = self._read(index)
        except InputError as error:
            if index < len(self.cards):
                self._leave_out(index, error)
            raise
        self._cache[index] = picture
        self._cached_bytes += picture.size_bytes
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].size_bytes
        return picture

    def _read(self, index: int) -> Picture:
        picture = make_picture(self._source.read(self._names[index]), self._long_side, self._zoom)
        if index < len(self.cards) and picture.hw != self.cards[index].hw:
            raise ImageReadError(
                f"{self._names[index]} has changed its size since the training began: train again."
            )
        return picture

    def _leave_out(self, index: int, error: InputError) -> None:
        self.unreadable.add(self._names[index], error)
        self.indices = [i for i in self.indices if i != index]
        self.unlabelled = [i for i in self.unlabelled if i != index]
        left = {klass: [i for i in having if i != index] for klass, having in self._by_class.items()}
        self._by_class = {klass: having for klass, having in left.items() if having}
        self._require_labels()


def make_picture(sample: Sample, long_side: int, zoom: float = 1.0) -> Picture:
    """Tensors of a sample, scaled as prediction does (labels by the nearest pixel)."""
    labels = sample.labels
    if sample.held_out is not None:
        labels = np.where(sample.held_out, np.uint8(UNLABELLED), labels)
    if sample.provenance is None:
        accepted = np.zeros_like(labels)
    else:
        accepted = (sample.provenance == Provenance.ACCEPTED).astype(np.uint8)
    work_hw = compute_work_hw((labels.shape[0], labels.shape[1]), long_side, zoom)
    pixels = scale_pixels(sample.pixels, work_hw)
    masks = torch.from_numpy(np.stack([labels, accepted]))
    if work_hw != labels.shape:
        masks = functional.resize(masks, list(work_hw), v2.InterpolationMode.NEAREST_EXACT)
    planes = torch.from_numpy(np.array(pixels.transpose(2, 0, 1)))
    return Picture(planes, masks[0], masks[1])


def _spots(labels: NDArray[np.uint8], klass: int) -> NDArray[np.int32]:
    """At most 200 pixels of the class, evenly over its pixels in reading order; the same at every call."""
    flat = np.flatnonzero(labels == klass)
    if len(flat) > _SPOTS_PER_CLASS:
        flat = flat[np.linspace(0, len(flat) - 1, _SPOTS_PER_CLASS).astype(np.int64)]
    return np.stack(np.unravel_index(flat, labels.shape), axis=1).astype(np.int32)
