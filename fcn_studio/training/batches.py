"""From crops to tensors: cut, pasted, scaled, mirrored, lit, normalised; the teacher's word beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.augment import change_light
from fcn_studio.training.crops import Crop
from fcn_studio.training.deck import Deck
from fcn_studio.training.distill import Teaching
from fcn_studio.training.settings import Recipe

ACCEPTED_WEIGHT = 0.5
CELL_PX = 8
"""Distance of the cells at which a teacher is compared."""


@dataclass(frozen=True)
class Batch:
    """Tensors of one pass. pixels: float [N, 3, H, W] scaled; labels: int64 [N, H, W]; weights: float
    [N, H, W]; teacher: float [N, K, h, w] on cells 8 pixels apart, teacher_weights: float [N, h, w]."""

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


class BatchMaker:
    """Makes batches for one network: its preprocessing, the sizes it takes, and its teacher."""

    def __init__(self, deck: Deck, recipe: Recipe, spec: ModelSpec, teaching: Teaching | None) -> None:
        self._deck = deck
        self._recipe = recipe
        self._teaching = teaching
        self._padded_size: Callable[[int], int] = spec.padded_size
        self._mean, self._std = (
            torch.tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (spec.mean, spec.std)
        )
        self.side_px = spec.padded_size(recipe.crop_px) if recipe.crop_px else 0
        """The side of a crop that is no whole picture."""

    def split(self, crops: list[Crop], whole: bool) -> list[list[Crop]]:
        """The passes of a batch; whole pictures go through the network fewer at once than smaller crops."""
        at_once = self._recipe.crops_at_once
        if whole and self.side_px:
            area = max(height * width for height, width in (crop.out_hw for crop in crops))
            at_once = max(1, min(at_once, at_once * self.side_px**2 // area))
        return [crops[i : i + at_once] for i in range(0, len(crops), at_once)]

    def make(self, crops: list[Crop], whole: bool = False) -> Batch:
        """The tensors of one pass; crops that are smaller than the pass are filled up without label."""
        if whole:
            height, width = (max(crop.out_hw[axis] for crop in crops) for axis in (0, 1))
            hw = (self._padded_size(height), self._padded_size(width))
        else:
            hw = (self.side_px, self.side_px)
        pixels, labels, weights, targets, keeps = [], [], [], [], []
        for crop in crops:
            image, masks = self._show(crop)
            pixels.append(_fill((image.float() - self._mean) / self._std, hw, 0.0))
            labels.append(_fill(masks[0], hw, UNLABELLED).long())
            weights.append(_fill(1.0 - (1.0 - ACCEPTED_WEIGHT) * masks[1].float(), hw, 1.0))
            if self._teaching is not None:
                target, keep = self._teaching.sample(crop.index, *_cells(crop, hw))
                targets.append(target)
                keeps.append(keep)
        return Batch(
            torch.stack(pixels).contiguous(memory_format=torch.channels_last),
            torch.stack(labels),
            torch.stack(weights),
            torch.stack(targets) if targets else None,
            torch.stack(keeps) if keeps else None,
        )

    def _show(self, crop: Crop) -> tuple[Tensor, Tensor]:
        """(pixels uint8 [3, h, w], labels and accepted uint8 [2, h, w]) of a crop, scaled and lit."""
        picture = self._deck.picture(crop.index)
        image, masks = picture.pixels, torch.stack([picture.labels, picture.accepted])
        box = (crop.top, crop.left, crop.height, crop.width)
        if crop.paste is not None:
            image, masks = self._lay_on(image, masks, crop)
            box = (0, 0, crop.height, crop.width)
        image = _cut(image, box, crop, v2.InterpolationMode.BILINEAR)
        masks = _cut(masks, box, crop, v2.InterpolationMode.NEAREST_EXACT)
        return change_light(image, self._recipe), masks

    def _lay_on(self, image: Tensor, masks: Tensor, crop: Crop) -> tuple[Tensor, Tensor]:
        """The crop's region with the pixels and labels of the class that is pasted."""
        assert crop.paste is not None
        region = (slice(crop.top, crop.top + crop.height), slice(crop.left, crop.left + crop.width))
        image, masks = image[:, *region].clone(), masks[:, *region].clone()
        donor = self._deck.picture(crop.paste.index)
        labels = donor.labels[region]
        height, width = labels.shape  # less than the crop's where the other picture is smaller
        mine = labels == crop.paste.klass
        image[:, :height, :width] = torch.where(mine, donor.pixels[:, *region], image[:, :height, :width])
        given = torch.stack([labels, donor.accepted[region]])
        masks[:, :height, :width] = torch.where(mine, given, masks[:, :height, :width])
        return image, masks


def _cut(planes: Tensor, box: tuple[int, int, int, int], crop: Crop, mode: v2.InterpolationMode) -> Tensor:
    part = functional.resized_crop(planes, *box, list(crop.out_hw), mode, antialias=True)
    turned: Tensor = functional.horizontal_flip(part) if crop.flip else part
    return turned


def _fill(plane: Tensor, hw: tuple[int, int], value: float) -> Tensor:
    """Fill up at the right and the bottom, as prediction does."""
    height, width = plane.shape[-2:]
    return torch.nn.functional.pad(plane, (0, hw[1] - width, 0, hw[0] - height), value=value)


def _cells(crop: Crop, hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Where the crop's cells lie in the picture: float pixel rows [s] and columns [t]; NaN in the filling."""
    down, along = (torch.arange(0, side, CELL_PX, dtype=torch.float32) for side in hw)
    across = crop.out_hw[1] - 1 - along if crop.flip else along
    axes = (
        (down, crop.top, crop.height, crop.out_hw[0]),
        (across, crop.left, crop.width, crop.out_hw[1]),
    )
    places = [start + (place + 0.5) * (length / out) - 0.5 for place, start, length, out in axes]
    inside = [at < out for at, out in zip((down, along), crop.out_hw, strict=True)]
    rows, columns = (torch.where(ok, place, torch.nan) for ok, place in zip(inside, places, strict=True))
    return rows, columns
