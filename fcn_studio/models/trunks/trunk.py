"""What every trunk is: features by stride, and where their cells lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from fcn_studio.models.geometry import Grid

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # torchvision's 0.485, 0.456, 0.406 of 255
IMAGENET_STD = (58.395, 57.12, 57.375)


FORMER_HEADS = ("fc.", "classifier.", "head.", "conv_head.", "norm_head.", "bn2.", "aux.", "aux1.", "aux2.")
"""How the names begin, in torchvision and timm, of what turns a classifier's features into its answer."""


def is_head_name(name: str) -> bool:
    """Whether a classifier's weight of that name belongs to what follows its features."""
    return name.startswith(FORMER_HEADS)


class Features(dict[int, Tensor]):
    """Stride to map [N, channels[stride], h, w]; the deepest is what the deep score is computed from.

    ``before_pool[s]``: the map at stride s / 2, nowhere below zero, that a max-pooling turned into the one at
    stride s; at least for the strides in the trunk's ``pools``.
    """

    def __init__(self, maps: Mapping[int, Tensor], before_pool: Mapping[int, Tensor] | None = None) -> None:
        super().__init__(maps)
        self.before_pool: dict[int, Tensor] = dict(before_pool or {})


class Pool(NamedTuple):
    """A max-pooling of stride 2 that a head can undo: its window and padding in cells."""

    kernel: int
    padding: int = 0


class Trunk(nn.Module):
    """Base of trunks: ``forward(x)`` takes float [N, 3, H, W] to Features.

    A trunk sets, in ``__init__`` or as class attributes:

    - ``grids``: stride to Grid of that feature map; ``channels``: stride to number of channels;
    - ``pools``: stride s to the max-pooling between the maps at s / 2 and s, where the map that is scored at
      s still lies on the pooled one's grid (``unpool`` puts scores back where the maximum was);
    - ``mean``, ``std``: a pixel 0..255 RGB enters as ``(pixel - mean) / std``;
    - ``exact_tiling``: False where something sees the whole picture (squeeze-excite, attention);
    - ``classifier``: the former fc6 and fc7 as convolutions, applied to the deepest features; or None.
    """

    grids: dict[int, Grid]
    channels: dict[int, int]
    pools: dict[int, Pool] = {}  # noqa: RUF012 (constant)
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    exact_tiling: bool = True
    classifier: nn.Module | None

    def __init__(self) -> None:
        super().__init__()
        self.classifier = None

    @property
    def deepest(self) -> int:
        """The coarsest stride."""
        return max(self.grids)

    @property
    def receptive_field_px(self) -> int:
        """How many pixels of an axis the deepest features see."""
        return self.grids[self.deepest].field_px

    @property
    def pad_multiple(self) -> int:
        """Inputs of ``pad_multiple * k + pad_remainder`` pixels fit without rest."""
        return self.grids[self.deepest].jump

    @property
    def pad_remainder(self) -> int:
        return self.grids[self.deepest].remainder

    @property
    def minimum_size(self) -> int:
        """The shortest input, chosen so that the deepest map has two cells (batch norm needs them)."""
        deep = self.grids[self.deepest]
        return deep.fitting_size(1) + deep.jump

    def own_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The entries of a classifier's state dict that are this trunk's, under this trunk's names."""
        own = self.state_dict()
        return {name: value for name, value in state.items() if name in own}

    def is_former_head(self, name: str) -> bool:
        """Whether an entry of a classifier's state dict, not taken by ``own_state``, may be left out."""
        return is_head_name(name)
