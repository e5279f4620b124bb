"""Fully convolutional network: a trunk, and a head that sums its scores from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from fcn_studio.models.geometry import Grid, padded_size
from fcn_studio.models.layers import pad_right_bottom, upsample_to_pixels


class FcnNetwork(nn.Module):
    """Trunk and head as one network; what every architecture of the registry is.

    ``scores(x)``: float [N, 3, H, W], scaled pixels, of a size that fits (``padded_size``), to low-resolution
    scores [N, K, h, w] whose cells lie on ``grid``. ``forward(x)``: any size, scores of every pixel, float32
    [N, K, H, W]. ``name`` and ``options`` are what ``create_model`` was asked for: a card needs both.
    """

    name: str = ""
    options: dict[str, str | int]

    def __init__(self, trunk: Any, head: Any) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.options = {}

    @property
    def grid(self) -> Grid:
        """Where the score cells lie."""
        grid: Grid = self.head.grid
        return grid

    @property
    def stride(self) -> int:
        """Pixels from one score cell to the next."""
        return self.grid.jump

    @property
    def classes(self) -> int:
        """Number of output channels."""
        return int(self.score_layers()[0].out_channels)

    @property
    def pad_multiple(self) -> int:
        """Pictures of ``pad_multiple * k + pad_remainder`` pixels fit without rest."""
        return int(self.trunk.pad_multiple)

    @property
    def pad_remainder(self) -> int:
        return int(self.trunk.pad_remainder)

    @property
    def minimum_size(self) -> int:
        """The shortest side in pixels to which a picture is filled up."""
        return int(self.trunk.minimum_size)

    @property
    def mean(self) -> tuple[float, float, float]:
        """Of RGB pixels 0..255; x = (pixel - mean) / std."""
        mean: tuple[float, float, float] = self.trunk.mean
        return mean

    @property
    def std(self) -> tuple[float, float, float]:
        std: tuple[float, float, float] = self.trunk.std
        return std

    def feed_with(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        """Say how pixels enter, for weights that were trained otherwise than the trunk's usual ones."""
        self.trunk.mean, self.trunk.std = mean, std

    @property
    def exact_tiling(self) -> bool:
        """Whether a picture can be cut into tiles without a difference."""
        return bool(self.trunk.exact_tiling)

    @property
    def receptive_field_px(self) -> int:
        """How many pixels of an axis the deepest score of a cell sees: a head adds its ``reach_px``."""
        return int(self.trunk.receptive_field_px + getattr(self.head, "reach_px", 0))

    def scores(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.trunk(x))
        return scores

    def to_pixels(self, scores: Tensor, hw: tuple[int, int]) -> Tensor:
        """Scores of ``scores(x)`` for the first ``hw`` pixels, [N, K, H, W] float32."""
        return upsample_to_pixels(scores, self.stride, hw, self.grid.start)

    def forward(self, x: Tensor) -> Tensor:
        return self.pixels_of(x, self.scores)

    def pixels_of(self, x: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
        """``forward`` with what ``scores`` makes of a picture in place of this network's own ``scores``."""
        hw = (x.shape[-2], x.shape[-1])
        padded_hw = (self.padded_size(hw[0]), self.padded_size(hw[1]))
        return self.to_pixels(scores(pad_right_bottom(x, padded_hw)), hw)

    def padded_size(self, size_px: int) -> int:
        """The length to which one of ``size_px`` pixels is filled up at the right or the bottom."""
        return padded_size(size_px, self.pad_multiple, self.pad_remainder, self.minimum_size)

    def card_geometry(self) -> dict[str, Any]:
        """The fields of a card (ModelSpec) that say how pixels enter and where scores lie."""
        return {
            "stride": self.stride,
            "score_start": self.grid.start,
            "pad_multiple": self.pad_multiple,
            "pad_remainder": self.pad_remainder,
            "minimum_size": self.minimum_size,
            "mean": self.mean,
            "std": self.std,
        }

    def channel_rows(self, channel: int) -> tuple[int, ...]:
        """The rows of the score layers that make up an output channel: itself, unless classes were merged."""
        return (channel,)

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the deepest first."""
        layers: list[nn.Conv2d] = self.head.score_layers()
        return layers

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters between the trunk and the deep score, that included."""
        skips = set(self.skip_parameters())
        return [p for p in self.head.parameters() if p not in skips]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of the skips: new beside a pretrained head, they may learn fastest."""
        parameters: list[nn.Parameter] = self.head.skip_parameters()
        return parameters

    def trunk_parameters(self) -> list[nn.Parameter]:
        """Parameters of the pretrained trunk, fc6 and fc7 included."""
        return list(self.trunk.parameters())
