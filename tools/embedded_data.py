"""What the embedded model is trained on: labelled photographs, cut, pasted and lit anew."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from torch import Tensor

from fcn_studio.core.boundary import fill_void, find_borders
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.ports import SampleSource

T = TypeVar("T", bound=np.generic)
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Pixels = NDArray[np.float32]

GREY = 127.5
VOID_LINE_PX = 6
"""Void farther than this from any label is an unclear region, not a line: no label there."""
EDGE_PX = 8
"""A pixel this near to a border counts as one of its pixels."""
MINIMUM_PASTE_PX = 900
LIGHT = 0.45
"""Strength of changes of light and colour."""


@dataclass(frozen=True)
class Photograph:
    """One sample. pixels: uint8 [H, W, 3]; labels: uint8 [H, W], void lines filled, 255 = unclear; edges:
    bool [H, W]; classes: those with enough pixels to be pasted elsewhere."""

    pixels: NDArray[np.uint8]
    labels: Labels
    edges: Mask
    classes: tuple[int, ...]


@dataclass
class View:
    """A photograph as one crop shows it. pixels: float32 [S, S, 3], 0..255; labels: uint8 [S, S], 255 = none;
    edges: bool [S, S]; weights: float32 [S, S], below 1 where something was pasted in."""

    pixels: Pixels
    labels: Labels
    edges: Mask
    weights: Pixels


def read_photographs(source: SampleSource, names: Sequence[str]) -> list[Photograph]:
    """All of them, in memory (5 bytes a pixel)."""
    samples = (source.read(name) for name in names)
    return [make_photograph(sample.pixels, sample.labels) for sample in samples]


def make_photograph(pixels: NDArray[np.uint8], labels: Labels) -> Photograph:
    """Fill the void lines of one sample and find its borders."""
    filled = fill_void(labels)
    filled[ndimage.distance_transform_edt(labels == UNLABELLED) > VOID_LINE_PX] = UNLABELLED
    edges = ndimage.distance_transform_edt(~find_borders(filled)) <= EDGE_PX
    counts = np.bincount(filled.ravel(), minlength=256)
    classes = tuple(int(c) for c in np.flatnonzero(counts > MINIMUM_PASTE_PX) if c not in (0, UNLABELLED))
    return Photograph(pixels, filled, edges, classes)


class Views:
    """Draws crops of ``side_px``; all chance comes from the generator that is passed in."""

    def __init__(
        self,
        photographs: Sequence[Photograph],
        side_px: int,
        scale_range: tuple[float, float] = (0.6, 1.7),
        paste: float = 0.4,
    ) -> None:
        self._photographs = photographs
        self._side_px = side_px
        self._scale_range = scale_range
        self._paste = paste

    def draw(self, chance: random.Random) -> View:
        """A crop of a random photograph, perhaps with up to two objects of others pasted in."""
        view = self._look(chance.choice(self._photographs), chance, 1.0, 1.0)
        for _ in range(2):
            if chance.random() >= self._paste:
                break
            self._paste_object(view, chance)
        if chance.random() < 0.1:
            picture = Image.fromarray(view.pixels.astype(np.uint8))
            blurred = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.2)))
            view.pixels = np.asarray(blurred, np.float32)
        return view

    def _look(self, photograph: Photograph, chance: random.Random, least: float, most: float) -> View:
        """A part of a photograph scaled, stretched a little, mirrored or not, and lit anew."""
        side = self._side_px
        height, width = photograph.labels.shape
        low, high = self._scale_range[0] * least, self._scale_range[1] * most
        scale = low * (high / low) ** chance.random()
        stretch = math.exp(chance.uniform(-0.12, 0.12))
        top, rows, out_rows = _choose_span(height, side, scale * stretch, chance)
        left, columns, out_columns = _choose_span(width, side, scale / stretch, chance)
        picture = Image.fromarray(photograph.pixels).resize(
            (out_columns, out_rows),
            Image.Resampling.BILINEAR,
            box=(left, top, left + columns, top + rows),
            reducing_gap=2.0,
        )
        at_y = _nearest(top, rows, out_rows, height)
        at_x = _nearest(left, columns, out_columns, width)
        if chance.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            at_x = at_x[::-1]
        lit = change_light(np.asarray(picture, np.float32), chance)
        places = np.ix_(at_y, at_x)
        return View(
            _fill_up(lit, side, GREY),
            _fill_up(photograph.labels[places], side, UNLABELLED),
            _fill_up(photograph.edges[places], side, False),
            np.ones((side, side), np.float32),
        )

    def _paste_object(self, view: View, chance: random.Random) -> None:
        """Set the pixels of one class of another photograph into ``view``, at another place and scale."""
        donor = chance.choice(self._photographs)
        if not donor.classes:
            return
        klass = chance.choice(donor.classes)
        other = self._look(donor, chance, 0.7, 0.8)
        mask = other.labels == klass
        if mask.sum() < MINIMUM_PASTE_PX or mask.mean() > 0.85:
            return
        reach = self._side_px // 4
        offset = (chance.randint(-reach, reach), chance.randint(-reach, reach))
        mask = _moved(mask, offset)
        # Soft at the seam: a hard one would be the easiest of all borders.
        opacity = np.clip(1.2 * ndimage.uniform_filter(mask.astype(np.float32), 3) * mask, 0, 1)[..., None]
        view.pixels = view.pixels * (1 - opacity) + _moved(other.pixels, offset) * opacity
        view.labels = np.where(mask, np.uint8(klass), view.labels)
        seam = ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_erosion(mask, iterations=3)
        view.edges = (view.edges & ~mask) | seam
        view.weights[seam] = 0.5


def change_light(pixels: Pixels, chance: random.Random) -> Pixels:
    """Brightness, contrast, saturation, tint and gamma changed at random; float32 [H, W, 3], 0..255."""
    if chance.random() < 0.9:
        pixels = pixels * (1 + chance.uniform(-LIGHT, LIGHT)) + 255 * chance.uniform(-0.4, 0.4) * LIGHT
        mean = pixels.mean()
        pixels = (pixels - mean) * (1 + chance.uniform(-LIGHT, LIGHT)) + mean
        grey = pixels.mean(axis=2, keepdims=True)
        pixels = (pixels - grey) * (1 + chance.uniform(-1.3 * LIGHT, LIGHT)) + grey
        pixels = pixels * np.array([1 + chance.uniform(-0.3, 0.3) * LIGHT for _ in range(3)], np.float32)
    if chance.random() < 0.08:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    if chance.random() < 0.3:
        gamma = math.exp(chance.uniform(-0.4, 0.4))
        pixels = (255 * np.clip(pixels / 255, 0, 1) ** gamma).astype(np.float32)
    lit: Pixels = np.clip(pixels, 0, 255).astype(np.float32)
    return lit


def make_tensors(views: Sequence[View]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(input float [N, 3, S, S], labels int64, weights float, edges bool; these at every second pixel)."""
    pixels = torch.from_numpy(np.stack([view.pixels for view in views])).permute(0, 3, 1, 2)
    halves = [
        torch.from_numpy(np.stack([getattr(view, name)[::2, ::2] for view in views]))
        for name in ("labels", "weights", "edges")
    ]
    x = (pixels / GREY - 1).contiguous(memory_format=torch.channels_last)
    return x, halves[0].long(), halves[1], halves[2]


def _choose_span(size: int, side: int, scale: float, chance: random.Random) -> tuple[float, float, int]:
    """(start, length, length when scaled) of one axis: a part that fills the crop, or the whole axis."""
    length = min(side / scale, size)
    start = chance.uniform(0, size - length) if length < size else 0.0
    return start, length, min(side, max(8, round(length * scale)))


def _nearest(start: float, length: float, out: int, size: int) -> NDArray[np.intp]:
    """The pixel that is shown at each of ``out`` places of an axis."""
    places = start + (np.arange(out) + 0.5) * length / out
    return np.clip(places.astype(np.intp), 0, size - 1)


def _fill_up(plane: NDArray[T], side: int, value: float) -> NDArray[T]:
    """Fill up at the right and the bottom, as prediction does."""
    filled = np.full((side, side, *plane.shape[2:]), value, plane.dtype)
    filled[: plane.shape[0], : plane.shape[1]] = plane
    return filled


def _moved(plane: NDArray[T], offset: tuple[int, int]) -> NDArray[T]:
    """A plane [S, S, ...] shifted by (rows, columns); what comes in is zero."""
    moved = np.zeros_like(plane)
    target, origin = [], []
    for size, shift in zip(plane.shape[:2], offset, strict=True):
        target.append(slice(max(shift, 0), size + min(shift, 0)))
        origin.append(slice(max(-shift, 0), size - max(shift, 0)))
    moved[tuple(target)] = plane[tuple(origin)]
    return moved
