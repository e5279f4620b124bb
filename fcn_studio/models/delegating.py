"""Base of networks made of other networks: what is not theirs is that of the one that leads."""

from __future__ import annotations

from torch import Tensor, nn

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import Grid


class DelegatingNetwork(FcnNetwork):
    """A network without trunk and head of its own; geometry, pixels and parameters are those of ``lead``."""

    lead: FcnNetwork

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.options = {}

    @property
    def grid(self) -> Grid:
        return self.lead.grid

    @property
    def pad_multiple(self) -> int:
        return self.lead.pad_multiple

    @property
    def pad_remainder(self) -> int:
        return self.lead.pad_remainder

    @property
    def minimum_size(self) -> int:
        return self.lead.minimum_size

    @property
    def mean(self) -> tuple[float, float, float]:
        return self.lead.mean

    @property
    def std(self) -> tuple[float, float, float]:
        return self.lead.std

    def feed_with(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        self.lead.feed_with(mean, std)

    @property
    def exact_tiling(self) -> bool:
        return self.lead.exact_tiling

    @property
    def receptive_field_px(self) -> int:
        return self.lead.receptive_field_px

    def to_pixels(self, scores: Tensor, hw: tuple[int, int]) -> Tensor:
        return self.lead.to_pixels(scores, hw)

    def score_layers(self) -> list[nn.Conv2d]:
        return self.lead.score_layers()

    def head_parameters(self) -> list[nn.Parameter]:
        return self.lead.head_parameters()

    def skip_parameters(self) -> list[nn.Parameter]:
        return self.lead.skip_parameters()

    def trunk_parameters(self) -> list[nn.Parameter]:
        return self.lead.trunk_parameters()
