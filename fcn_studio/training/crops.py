"""Crops: which part of which sample, scaled and flipped how, and what of another sample is laid on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from fcn_studio.training.deck import Deck
from fcn_studio.training.settings import Recipe

_PASTE_TRIES = 4


@dataclass(frozen=True)
class Paste:
    """The pixels of class ``klass`` of sample ``index``, at the same place."""

    index: int
    klass: int


@dataclass(frozen=True)
class Crop:
    """A region of a picture in its pixels, the size it is scaled to, and whether it is mirrored."""

    index: int
    top: int
    left: int
    height: int
    width: int
    out_hw: tuple[int, int]
    flip: bool
    paste: Paste | None = None


def choose_crops(deck: Deck, recipe: Recipe, side_px: int | None) -> list[Crop]:
    """Draw the crops of one batch, the kinds of crop (see Recipe) in their shares as evenly as can be.

    ``side_px``: the side of the square that the crops are to fill; None = whole pictures at their own size.
    """
    crops = [
        _choose(deck, recipe, (i + float(torch.rand(()))) / recipe.batch, side_px)
        for i in range(recipe.batch)
    ]
    if recipe.paste > 0 and deck.rare:
        crops = [_with_paste(crop, deck) if float(torch.rand(())) < recipe.paste else crop for crop in crops]
    return crops


def _choose(deck: Deck, recipe: Recipe, draw: float, side_px: int | None) -> Crop:
    """A crop round a class picked evenly, round any labelled pixel, anywhere, or of an image without labels.

    ``draw`` in 0..1 decides.
    """
    spot: tuple[int, int] | None = None
    if deck.unlabelled and recipe.replay:
        if draw >= 1.0 - recipe.replay:
            return _place(deck, recipe, deck.unlabelled[_below(len(deck.unlabelled))], None, side_px)
        draw /= 1.0 - recipe.replay
    if draw < recipe.focus:
        klass = deck.classes[_below(len(deck.classes))]
        having = deck.having(klass)
        index = having[_below(len(having))]
        spot = _pick(deck, index, klass)
    else:
        index = deck.indices[_below(len(deck.indices))]
        labelled = tuple(deck.cards[index].spots)
        if labelled and draw < 1.0 - recipe.anywhere:
            spot = _pick(deck, index, labelled[_below(len(labelled))])
    return _place(deck, recipe, index, spot, side_px)


def _below(count: int) -> int:
    return int(torch.randint(count, ()))


def _pick(deck: Deck, index: int, klass: int) -> tuple[int, int]:
    spots = deck.cards[index].spots[klass]
    y, x = spots[_below(len(spots))]
    return int(y), int(x)


def _place(deck: Deck, recipe: Recipe, index: int, spot: tuple[int, int] | None, side_px: int | None) -> Crop:
    if side_px is None:
        hw = deck.cards[index].hw
        return Crop(index, 0, 0, *hw, hw, flip=float(torch.rand(())) < recipe.flip)
    low, high = recipe.scale_range
    scale = low * (high / low) ** float(torch.rand(()))  # evenly on the logarithm: half as often as double
    starts, lengths, outs = [], [], []
    for axis, size in enumerate(deck.cards[index].hw):
        length = min(size, max(1, round(side_px / scale)))
        first, last = 0, size - length
        if spot is not None:
            first, last = max(first, spot[axis] - length + 1), min(last, spot[axis])
        starts.append(first + _below(last - first + 1))
        lengths.append(length)
        outs.append(min(side_px, max(1, round(length * scale))))
    flip = float(torch.rand(())) < recipe.flip
    return Crop(index, starts[0], starts[1], lengths[0], lengths[1], (outs[0], outs[1]), flip)


def _with_paste(crop: Crop, deck: Deck) -> Crop:
    """The crop with a rare class of a sample that has some of it in the same region, if one is found soon."""
    klass = deck.rare[_below(len(deck.rare))]
    having = deck.having(klass)
    for _ in range(_PASTE_TRIES):
        donor = having[_below(len(having))]
        y, x = deck.cards[donor].spots[klass].T
        inside = (
            (crop.top <= y) & (y < crop.top + crop.height) & (crop.left <= x) & (x < crop.left + crop.width)
        )
        if donor != crop.index and inside.any():
            return replace(crop, paste=Paste(donor, klass))
    return crop
