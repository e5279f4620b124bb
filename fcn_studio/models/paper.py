"""The paper's networks to the letter: pad 100, pools rounded up, fixed deconvolutions, crops from grids.

Layer names are those of the public PyTorch conversions of the released Caffe networks, so that their state
dicts load as they are. Table of layers, sizes and crops: fcn-reference 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.deconvolution import Deconvolution
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import Grid
from fcn_studio.models.heads import HEADS, ScoreLayer
from fcn_studio.models.registry import Options, make_network, register_architecture
from fcn_studio.models.trunks.trunk import Features
from fcn_studio.models.trunks.vgg import DEPTHS, VggTrunk

PAD = 100
"""Zeros round the picture: with fewer than 97 the deepest map of a small picture would be empty."""

CAFFE_MEAN = (122.67892, 116.66877, 104.00699)
"""RGB order, 0..255; the released networks divide by nothing (fcn-reference 7.4)."""

AT_ONCE_SCALES = {16: 0.01, 8: 0.0001}
"""What the at-once network multiplies pool4 and pool3 by (fcn-reference 1.4)."""

_SKIPS = {16: "score_pool4", 8: "score_pool3"}


class Layer(NamedTuple):
    """One row of the table; ``channels`` 0 is a max-pooling, whose output size is rounded up."""

    name: str
    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0

    @property
    def pools(self) -> bool:
        return self.channels == 0


def trunk_layers(trunk: str, width: int = 64) -> list[Layer]:
    """The rows from the picture to pool5. ``width``: channels of the first convolution (64 in the paper)."""
    if trunk == "alexnet":
        return _alexnet_layers(width)
    layers = []
    for block, amount in enumerate(DEPTHS[int(trunk.removesuffix("_bn").removeprefix("vgg"))], start=1):
        channels = width * min(2 ** (block - 1), 8)
        for number in range(1, amount + 1):
            padding = PAD if block == number == 1 else 1
            layers.append(Layer(f"conv{block}_{number}", channels, 3, 1, padding))
        layers.append(Layer(f"pool{block}", 0, 2, 2))
    return layers


def _alexnet_layers(width: int) -> list[Layer]:
    """torchvision's AlexNet: the geometry of CaffeNet, without its groups and its normalisation."""
    return [
        Layer("conv1", width, 11, 4, PAD),
        Layer("pool1", 0, 3, 2),
        Layer("conv2", 3 * width, 5, 1, 2),
        Layer("pool2", 0, 3, 2),
        Layer("conv3", 6 * width, 3, 1, 1),
        Layer("conv4", 4 * width, 3, 1, 1),
        Layer("conv5", 4 * width, 3, 1, 1),
        Layer("pool5", 0, 3, 2),
    ]


class PaperNetwork(FcnNetwork):
    """FCN-32s, 16s or 8s on AlexNet or VGG as published.

    ``scores(x)`` takes pictures of any size from 1 x 1. Input as in the card: RGB, ``(pixel - mean) / std``.
    The public files expect BGR: loaded as they are, so does this network; ``load_foreign`` turns their first
    layer round and sets ``mean`` and ``std``. Where the last deconvolution is learnt, scores have stride 1.
    """

    pad_multiple, pad_remainder, minimum_size = 1, 0, 1
    exact_tiling = True
    mean: tuple[float, float, float] = CAFFE_MEAN
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __init__(
        self,
        trunk: str,
        stride: int,
        classes: int,
        *,
        at_once: bool = False,
        learnt: tuple[bool, bool] = (False, False),
        fc_channels: int = 4096,
        width: int = 64,
    ) -> None:
        """``learnt``: whether the deconvolutions between strides, and the last one, are learnt."""
        nn.Module.__init__(self)
        if stride < 8 or (trunk == "alexnet" and stride < 32):
            raise CheckpointError(
                f"There is no fcn{stride}s_{trunk} with padding='paper': the paper has 32s on AlexNet, "
                "and 32s, 16s and 8s on VGG. Use padding='same'."
            )
        self.options = {}
        self.trunk_name, self.finest = trunk, stride
        self._normalised = trunk.endswith("_bn")
        self.at_once = at_once
        self._learnt_to_pixels = learnt[1]
        self._layers = trunk_layers(trunk, width)
        self._crops: dict[int, int] = {}
        channels = self._add_trunk(6 if trunk == "alexnet" else 7, fc_channels)
        self._add_head(channels, classes, learnt)

    def _add_trunk(self, fc_kernel: int, fc_channels: int) -> dict[int, int]:
        """Make the layers down to fc7; returns the channels at each pooled stride."""
        inputs, grid, pooled = 3, Grid(0.0, 1), {}
        self._grids: dict[int, Grid] = {}
        for layer in self._layers:
            grid = grid.through(layer.kernel, layer.stride, layer.padding)
            if layer.pools:
                self._grids[grid.jump], pooled[grid.jump] = grid, inputs
                continue
            conv = nn.Conv2d(inputs, layer.channels, layer.kernel, layer.stride, layer.padding)
            self.add_module(layer.name, conv)
            inputs = layer.channels
            if self._normalised:
                self.add_module(layer.name.replace("conv", "bn"), nn.BatchNorm2d(inputs))
        self.fc6 = nn.Conv2d(inputs, fc_channels, fc_kernel)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        self.dropout = nn.Dropout(0.5)
        self._grid = grid.through(fc_kernel)
        self._field_px = self._grid.field_px
        return pooled

    def _add_head(self, channels: dict[int, int], classes: int, learnt: tuple[bool, bool]) -> None:
        self.score_fr = ScoreLayer(self.fc7.out_channels, classes)
        names = {32: ["upscore"], 16: ["upscore2", "upscore16"], 8: ["upscore2", "upscore_pool4", "upscore8"]}
        *self._doublings, self._last = names[self.finest]
        for name, stride in zip(self._doublings, _SKIPS, strict=False):
            self.add_module(name, Deconvolution(classes, 4, 2, learnt[0]))
            self.add_module(_SKIPS[stride], ScoreLayer(channels[stride], classes))
            self._grid = _deconvolved(self._grid, 4, 2)
            self._crops[stride] = _whole((self._grid.start - self._grids[stride].start) / stride)
        kernel = 2 * self.finest - (self.trunk_name == "alexnet")
        self.add_module(self._last, Deconvolution(classes, kernel, self.finest, learnt[1]))
        self._crops[1] = _whole(-_deconvolved(self._grid, kernel, self.finest).start)

    def feed_with(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        self.mean, self.std = mean, std

    @property
    def grid(self) -> Grid:
        return Grid() if self._learnt_to_pixels else self._grid

    @property
    def receptive_field_px(self) -> int:
        return self._field_px

    def scores(self, x: Tensor) -> Tensor:
        deep, pooled = self._features(x)
        scores: Tensor = self.score_fr(deep)
        for name, stride in zip(self._doublings, _SKIPS, strict=False):
            scores = self.get_submodule(name)(scores)
            skip = pooled[stride] * AT_ONCE_SCALES[stride] if self.at_once else pooled[stride]
            scores = scores + _cut(
                self.get_submodule(_SKIPS[stride])(skip), self._crops[stride], scores.shape
            )
        return self._last_step(scores, x.shape) if self._learnt_to_pixels else scores

    def to_pixels(self, scores: Tensor, hw: tuple[int, int]) -> Tensor:
        scores = scores if scores.dtype == torch.float64 else scores.float()
        return scores[..., : hw[0], : hw[1]] if self._learnt_to_pixels else self._last_step(scores, hw)

    def _last_step(self, scores: Tensor, shape: Sequence[int]) -> Tensor:
        return _cut(self.get_submodule(self._last)(scores), self._crops[1], shape)

    def _features(self, x: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """(fc7, the pooled maps by stride)."""
        pooled, stride = {}, 1
        for layer in self._layers:
            stride *= layer.stride
            if layer.pools:
                x = functional.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=True)
                pooled[stride] = x
                continue
            x = self.get_submodule(layer.name)(x)
            if self._normalised:
                x = self.get_submodule(layer.name.replace("conv", "bn"))(x)
            x = functional.relu(x)
        x = self.dropout(functional.relu(self.fc6(x)))
        return self.dropout(functional.relu(self.fc7(x))), pooled

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the deepest first."""
        names = ["score_fr", *(name for stride, name in _SKIPS.items() if stride >= self.finest)]
        return [layer for name in names if isinstance(layer := self.get_submodule(name), ScoreLayer)]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Parameters of the scores at pool4 and pool3, and of what carries scores to them."""
        layers = [*self.score_layers()[1:], *(self.get_submodule(name) for name in self._doublings)]
        return [p for layer in layers for p in layer.parameters()]

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters of the deep score, and of the last deconvolution where it is learnt."""
        return [*self.score_fr.parameters(), *self.get_submodule(self._last).parameters()]

    def trunk_parameters(self) -> list[nn.Parameter]:
        """Parameters of the former classifier, fc6 and fc7 included."""
        others = {id(p) for p in (*self.head_parameters(), *self.skip_parameters())}
        return [p for p in self.parameters() if id(p) not in others]


def build(trunk: str, head: str, classes: int, options: Options, *, at_once: bool = False) -> PaperNetwork:
    """What ``padding="paper"`` stands for, on the trunk of that name.

    ``upsampling``: "bilinear" and "transposed_frozen" are the fixed deconvolutions of the released networks,
    "transposed" the article's (those between strides learnt), "transposed_learnt" all of them learnt.

    Raises CheckpointError for what the paper does not have.
    """
    if options.score_width:
        raise CheckpointError("padding='paper' has the paper's bare scores: leave out score_width.")
    learnt = {"transposed": (True, False), "transposed_learnt": (True, True)}
    if options.upsampling == "unpool":
        raise CheckpointError("padding='paper' upsamples by deconvolution: 'unpool' is for padding='same'.")
    return PaperNetwork(
        trunk,
        HEADS[head],
        classes,
        at_once=at_once,
        learnt=learnt.get(options.upsampling, (False, False)),
        fc_channels=options.fc_channels,
    )


def _deconvolved(grid: Grid, kernel: int, factor: int) -> Grid:
    """The grid after a transposed convolution: cell i lies amid ``factor * i`` to ``+ kernel - 1``."""
    jump = grid.jump // factor
    return Grid(grid.start - (kernel - 1) / 2 * jump, jump)


def _whole(offset: float) -> int:
    assert offset == int(offset) >= 0, "grids that do not meet cannot be cropped to each other"
    return int(offset)


def _cut(x: Tensor, offset: int, shape: Sequence[int]) -> Tensor:
    """Rows and columns from ``offset``, as many as ``shape`` has; not centred (fcn-reference 8, item 1)."""
    return x[..., offset : offset + shape[-2], offset : offset + shape[-1]]


class AtOnceVgg(VggTrunk):
    """VGG whose pool4 and pool3 are scaled as in the at-once network, for the same padding."""

    def forward(self, x: Tensor) -> Features:
        features = super().forward(x)
        for stride, scale in AT_ONCE_SCALES.items():
            features[stride] = features[stride] * scale
        return features


def _build_at_once(classes: int, options: Options) -> FcnNetwork:
    if options.padding == "paper":
        return build("vgg16", "fcn8s", classes, options, at_once=True)
    return make_network(AtOnceVgg(DEPTHS[16], fc_channels=options.fc_channels), classes, 8, options)


register_architecture("fcn8s_atonce_vgg16", _build_at_once)
