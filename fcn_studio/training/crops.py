"""Crops: which part of which sample, scaled and flipped how; and the batch they make."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from fcn_studio.training.deck import UNLABELLED, Deck
from fcn_studio.training.distill import Teaching
from fcn_studio.training.recipe import Recipe

ACCEPTED_WEIGHT = 0.5
CELL_PX = 8
"""Distance of the cells at which a teacher is compared."""


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


@dataclass(frozen=True)
class Batch:
    """Tensors of one pass. pixels: float [N, 3, S, S] scaled; labels: int64 [N, S, S]; weights: float
    [N, S, S]; teacher: float [N, K, s, s] on cells 8 pixels apart, teacher_weights: float [N, s, s]."""

    pixels: Tensor
    labels: Tensor
    weights: Tensor
    teacher: Tensor | None
    teacher_weights: Tensor | None

    @property
    def labelled(self) -> int:
        """Labelled pixels."""
        return int((self.labels != UNLABELLED).sum())

    @property
    def taught(self) -> float:
        """Sum of the weights of all cells that are compared with the teacher."""
        return 0.0 if self.teacher_weights is None else float(self.teacher_weights.sum())


def choose_crops(deck: Deck, recipe: Recipe) -> list[Crop]:
    """Draw the crops of one batch, the kinds of crop (see Recipe) in their shares as evenly as can be."""
    return [_choose(deck, recipe, (i + float(torch.rand(()))) / recipe.batch) for i in range(recipe.batch)]


def _choose(deck: Deck, recipe: Recipe, draw: float) -> Crop:
    """A crop round a class picked evenly, round any labelled pixel, anywhere, or of an image without labels.

    ``draw`` in 0..1 decides.
    """
    spot: tuple[int, int] | None = None
    if deck.unlabelled and recipe.replay:
        if draw >= 1.0 - recipe.replay:
            return _place(deck, recipe, deck.unlabelled[_below(len(deck.unlabelled))], None)
        draw /= 1.0 - recipe.replay
    if draw < recipe.focus:
        klass = deck.classes[_below(len(deck.classes))]
        having = deck.having(klass)
        index = having[_below(len(having))]
        spot = _pick(deck, index, klass)
    else:
        index = _below(len(deck))
        labelled = tuple(deck.cards[index].spots)
        if labelled and draw < 1.0 - recipe.anywhere:
            spot = _pick(deck, index, labelled[_below(len(labelled))])
    return _place(deck, recipe, index, spot)


def make_batch(
    deck: Deck, crops: list[Crop], recipe: Recipe, mean: Tensor, std: Tensor, teaching: Teaching | None
) -> Batch:
    """Cut, scale, mirror and colour the crops; mean and std: float [3, 1, 1] of the network's card."""
    jitter = v2.ColorJitter(recipe.color, recipe.color, recipe.color, recipe.color / 10)
    pixels, labels, weights, targets, keeps = [], [], [], [], []
    for crop in crops:
        picture = deck.picture(crop.index)
        image = _cut(picture.pixels, crop, v2.InterpolationMode.BILINEAR)
        if recipe.color > 0:
            image = jitter(image)
        masks = torch.stack([picture.labels, picture.accepted])
        masks = _cut(masks, crop, v2.InterpolationMode.NEAREST_EXACT)
        pixels.append(_fill((image.float() - mean) / std, recipe.crop_px, 0.0))
        labels.append(_fill(masks[0], recipe.crop_px, UNLABELLED).long())
        weights.append(_fill(1.0 - (1.0 - ACCEPTED_WEIGHT) * masks[1].float(), recipe.crop_px, 1.0))
        if teaching is not None:
            target, keep = teaching.sample(crop.index, *_cells(crop, recipe.crop_px))
            targets.append(target)
            keeps.append(keep)
    return Batch(
        torch.stack(pixels).contiguous(memory_format=torch.channels_last),
        torch.stack(labels),
        torch.stack(weights),
        torch.stack(targets) if targets else None,
        torch.stack(keeps) if keeps else None,
    )


def _below(count: int) -> int:
    return int(torch.randint(count, ()))


def _pick(deck: Deck, index: int, klass: int) -> tuple[int, int]:
    spots = deck.cards[index].spots[klass]
    y, x = spots[_below(len(spots))]
    return int(y), int(x)


def _place(deck: Deck, recipe: Recipe, index: int, spot: tuple[int, int] | None) -> Crop:
    low, high = recipe.scale_range
    scale = low * (high / low) ** float(torch.rand(()))  # evenly on the logarithm: half as often as double
    starts, lengths, outs = [], [], []
    for axis, size in enumerate(deck.cards[index].hw):
        length = min(size, max(1, round(recipe.crop_px / scale)))
        first, last = 0, size - length
        if spot is not None:
            first, last = max(first, spot[axis] - length + 1), min(last, spot[axis])
        starts.append(first + _below(last - first + 1))
        lengths.append(length)
        outs.append(min(recipe.crop_px, max(1, round(length * scale))))
    flip = float(torch.rand(())) < recipe.flip
    return Crop(index, starts[0], starts[1], lengths[0], lengths[1], (outs[0], outs[1]), flip)


def _cut(planes: Tensor, crop: Crop, mode: v2.InterpolationMode) -> Tensor:
    region = (crop.top, crop.left, crop.height, crop.width)
    part = functional.resized_crop(planes, *region, list(crop.out_hw), mode, antialias=True)
    turned: Tensor = functional.horizontal_flip(part) if crop.flip else part
    return turned


def _fill(plane: Tensor, side_px: int, value: float) -> Tensor:
    """Fill up at the right and the bottom, as prediction does."""
    height, width = plane.shape[-2:]
    return torch.nn.functional.pad(plane, (0, side_px - width, 0, side_px - height), value=value)


def _cells(crop: Crop, side_px: int) -> tuple[Tensor, Tensor]:
    """Where the crop's cells lie in the picture: float pixel rows [s] and columns [s]; NaN in the filling."""
    at = torch.arange(0, side_px, CELL_PX, dtype=torch.float32)
    across = crop.out_hw[1] - 1 - at if crop.flip else at
    axes = (
        (at, crop.top, crop.height, crop.out_hw[0]),
        (across, crop.left, crop.width, crop.out_hw[1]),
    )
    places = [start + (place + 0.5) * (length / out) - 0.5 for place, start, length, out in axes]
    inside = [at < out for out in crop.out_hw]
    rows, columns = (torch.where(ok, place, torch.nan) for ok, place in zip(inside, places, strict=True))
    return rows, columns
