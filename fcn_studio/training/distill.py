"""What a teacher or the start model says of every sample, kept small, for the places without labels."""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch
from torch import Tensor
from torch.nn import functional

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.models.layers import upsample_to_pixels
from fcn_studio.training.deck import Deck

ScoresOf = Callable[[Tensor], Tensor]
"""uint8 [3, H, W] to scores float [K, h, w] whose cell i lies on pixel stride * i."""


class Teaching:
    """Teacher scores per sample at low resolution (float16), with the weight that each cell may have."""

    def __init__(self, scores_of: ScoresOf, stride: int, confidence: float, clear_px: int) -> None:
        self._scores_of = scores_of
        self._stride = stride
        self._confidence = confidence
        self._clear_cells = round(clear_px / stride)
        self._scores: dict[int, Tensor] = {}
        self._weights: dict[int, Tensor] = {}

    def prepare(self, deck: Deck) -> Generator[int, None, None]:
        """Ask the teacher about every sample of the deck, whole; yields the number done."""
        for done, (index, picture) in enumerate(deck.pictures(deck.indices), start=1):
            with torch.no_grad():
                scores = self._scores_of(picture.pixels).float().cpu()
            weights = (scores.softmax(dim=0).amax(dim=0) >= self._confidence).float()
            if self._clear_cells:
                weights *= self._far_from_corrections(scores, picture.labels)
            self._scores[index], self._weights[index] = scores.half(), weights
            yield done

    def sample(self, index: int, rows_px: Tensor, columns_px: Tensor) -> tuple[Tensor, Tensor]:
        """(scores [K, s, t], weights [s, t]) at pixel rows [s] and columns [t]; NaN places weigh nothing."""
        scores, weights = self._scores[index].float(), self._weights[index]
        inside = ~(rows_px.isnan()[:, None] | columns_px.isnan()[None, :])
        axes = []
        for places, cells in ((rows_px, scores.shape[1]), (columns_px, scores.shape[2])):
            axes.append(places.nan_to_num() / self._stride * 2 / max(cells - 1, 1) - 1)
        grid = torch.stack(torch.meshgrid(axes[1], axes[0], indexing="xy"), dim=-1)
        stacked = torch.cat([scores, weights[None]])[None]
        at = functional.grid_sample(stacked, grid[None], padding_mode="border", align_corners=True)[0]
        return at[:-1], at[-1] * inside

    def said_at(self, index: int, labels: Tensor, klass: int) -> Tensor:
        """int64 [K]: how often the teacher gives each channel to the cells labelled ``klass`` in a sample."""
        at = labels[:: self._stride, :: self._stride]
        scores = self._scores[index][:, : at.shape[0], : at.shape[1]]
        return torch.bincount(scores.argmax(dim=0)[at == klass], minlength=len(scores))

    def kept(self, index: int, channels: Tensor) -> tuple[int, int]:
        """(cells that are still given the teacher's channel, cells) of a sample, near corrections left out.

        channels: uint8 [H, W], the prediction at the deck's size, by the teacher's channel numbers.
        """
        now = channels[:: self._stride, :: self._stride]
        said = self._scores[index].argmax(dim=0)[: now.shape[0], : now.shape[1]]
        counted = self._weights[index][: now.shape[0], : now.shape[1]] > 0
        return int((said == now)[counted].sum()), int(counted.sum())

    def _far_from_corrections(self, scores: Tensor, labels: Tensor) -> Tensor:
        """float [h, w]: 0 near labelled pixels that contradict the teacher, else 1.

        Near a correction the teacher may well be wrong beside the stroke, too.
        """
        stride, reach = self._stride, self._clear_cells
        full_hw = (stride * (scores.shape[1] - 1) + 1, stride * (scores.shape[2] - 1) + 1)
        said = upsample_to_pixels(scores[None], stride, (labels.shape[0], labels.shape[1])).argmax(dim=1)[0]
        wrong = ((labels != UNLABELLED) & (labels != said)).float()
        wrong = functional.pad(wrong, (0, full_hw[1] - wrong.shape[1], 0, full_hw[0] - wrong.shape[0]))
        cells = functional.max_pool2d(wrong[None, None], 2 * stride - 1, stride, stride - 1)
        return 1.0 - functional.max_pool2d(cells, 2 * reach + 1, 1, reach)[0, 0]
