"""Backbones of timm as trunks: their maps at strides 4 to 32, on a grid that does not move with the size."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.geometry import Grid
from fcn_studio.models.reach import MapReach, compute_reach
from fcn_studio.models.registry import TrunkEntry, register_family, register_trunk
from fcn_studio.models.trunks.trunk import Features, Trunk

FAMILY = "timm"
CURATED = {
    "convnext_atto": "Apache-2.0",
    "convnext_femto": "Apache-2.0",
    "convnext_nano": "Apache-2.0",
    "convnext_tiny": "Apache-2.0",
    "efficientnet_lite0": "Apache-2.0",
    "mobilenetv2_100": "Apache-2.0",
    "mobilenetv3_large_100": "Apache-2.0",
    "mobilenetv3_small_100": "Apache-2.0",
    "mobilenetv4_conv_medium": "Apache-2.0",
    "mobilenetv4_conv_small": "Apache-2.0",
    "regnetx_008": "BSD-3-Clause",
    "regnety_004": "BSD-3-Clause",
    "tf_efficientnet_lite0": "Apache-2.0",
    "tf_efficientnet_lite1": "Apache-2.0",
    "tf_efficientnet_lite2": "Apache-2.0",
    "tf_efficientnet_lite3": "Apache-2.0",
    "tf_efficientnet_lite4": "Apache-2.0",
}
"""Names in timm whose weights may be used freely, small enough for a laptop; and the weights' licence."""

STRIDES = (4, 8, 16, 32)
_GOOGLE_LITE = ((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
"""How Google trained the Lite networks (efficientnet_lite_builder.py); timm rounds both to 127.5."""


class TimmTrunk(Trunk):
    """The maps that timm calls ``features_only``; parameters named as timm's, behind ``net.``.

    TensorFlow's "SAME" padding, which differs from size to size, becomes the symmetric one: both are the same
    where sizes are 32 k + 1, and those are what the network is given (fcn-reference 6.1). Grids, receptive
    field and ``exact_tiling`` are read off the layers. Raises CheckpointError for a network that has no such
    maps.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        facts = _facts_of(name)
        indices = [index for index, _ in facts.maps]
        self.net = _with_symmetric_padding(_create(name, features_only=True, out_indices=indices))
        self.grids = {grid.jump: grid for _, grid in facts.maps}
        self.channels = dict(zip(self.grids, self.net.feature_info.channels(), strict=True))
        self.exact_tiling = facts.exact
        self.mean, self.std = preprocessing_of(name)

    def forward(self, x: Tensor) -> Features:
        return Features(dict(zip(self.grids, self.net(x), strict=True)))

    def own_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Entries of timm's classifier under the names here, where the parts of a stage have other names."""
        by_plain = {_plain_name(name): name for name in self.state_dict()}
        named = ((by_plain.get(_plain_name(name)), value) for name, value in state.items())
        return {name: value for name, value in named if name}

    def is_former_head(self, name: str) -> bool:
        """Whatever timm's own classifier has and the features do not: each family calls it otherwise."""
        return super().is_former_head(name) or name in _names_of(self._name)


def preprocessing_of(name: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """(mean, std) of pixels 0..255, as the ImageNet weights of that timm network were trained."""
    if name.startswith("tf_efficientnet_lite"):
        return _GOOGLE_LITE
    from timm.models import get_pretrained_cfg

    card = get_pretrained_cfg(name)
    if card is None or len(card.mean) != 3:
        return Trunk.mean, Trunk.std
    mean, std = (tuple(round(255 * float(value), 6) for value in values) for values in (card.mean, card.std))
    return mean, std  # type: ignore[return-value]


def hub_url_of(name: str) -> str:
    """Where timm keeps the weights of a network of its own; "" where there are none on the hub."""
    from timm.models import get_pretrained_cfg

    card = get_pretrained_cfg(name)
    if card is None or not card.hf_hub_id:
        return ""
    return f"https://huggingface.co/{card.hf_hub_id}/resolve/main/model.safetensors"


def _plain_name(name: str) -> str:
    """What a parameter's names have in common: ``net.stages_0.blocks`` here, ``stages.0.blocks`` in timm."""
    return name.removeprefix("net.").removeprefix("model.").removeprefix("body.").replace(".", "_")


def _create(name: str, **options: Any) -> Any:
    import timm

    return timm.create_model(name, pretrained=False, **options)


@cache
def _names_of(name: str) -> frozenset[str]:
    """The names in the state dict of a classifier of timm."""
    with torch.device("meta"):
        return frozenset(_create(name).state_dict())


class _Facts(NamedTuple):
    """What is read off a network: (index in timm's list, grid) of its maps at ``STRIDES``; tiled exactly?"""

    maps: tuple[tuple[int, Grid], ...]
    exact: bool


@cache
def _facts_of(name: str) -> _Facts:
    """Looks at the network without numbers in it. Raises CheckpointError where it cannot be a trunk."""
    try:
        with torch.device("meta"):
            probe = _with_symmetric_padding(_create(name, features_only=True))
        reductions = probe.feature_info.reduction()
    except Exception as error:  # each family of timm raises another kind
        raise _no_trunk(name, "timm cannot take features from it") from error
    if not {8, 16, 32} <= set(reductions):
        raise _no_trunk(name, f"its features have the strides {reductions}, not 8, 16 and 32")
    try:
        reaches = compute_reach(probe)
    except Exception as error:  # networks say it in many ways: errors of shapes, assertions, missing keys
        raise _no_trunk(name, "it does not take pictures of any size") from error
    wanted = [(index, stride) for index, stride in enumerate(reductions) if stride in STRIDES]
    return _Facts(
        tuple((index, _grid_of(reaches[index], stride, name)) for index, stride in wanted),
        all(reaches[index].exact for index, _ in wanted),
    )


def _no_trunk(name: str, reason: str) -> CheckpointError:
    return CheckpointError(f"timm's {name} cannot be a trunk: {reason}. Choose another; `fcn-studio models`.")


def _grid_of(reach: MapReach | None, stride: int, name: str) -> Grid:
    """The grid of one map. Raises CheckpointError where rows and columns cannot be followed to it."""
    if reach is None or reach.grids is None or reach.axes != (2, 3):
        raise _no_trunk(name, f"where the cells of its map at stride {stride} lie cannot be told")
    rows, columns = reach.grids
    if rows != columns or rows.jump != stride:
        raise _no_trunk(name, f"its map at stride {stride} has other rows than columns")
    return rows


def _with_symmetric_padding(net: Any) -> Any:
    """Replace every layer whose padding depends on the size; weights are kept."""
    for parent in list(net.modules()):
        for key, layer in list(parent.named_children()):
            if type(layer).__name__ in _SAME:
                setattr(parent, key, _SAME[type(layer).__name__](layer))
    return net


def _symmetric_convolution(layer: Any) -> nn.Conv2d:
    """The same weights, padded by half the kernel on every side."""
    (rows, columns), (down, right) = layer.kernel_size, layer.dilation
    padding = (_half(down * (rows - 1)), _half(right * (columns - 1)))
    with torch.device("meta"):  # its own weights are not wanted
        same = nn.Conv2d(
            layer.in_channels, layer.out_channels, (rows, columns), layer.stride, padding,
            (down, right), layer.groups, layer.bias is not None,
        )  # fmt: skip
    same.weight, same.bias = layer.weight, layer.bias
    return same


def _symmetric_pooling(layer: Any) -> nn.Module:
    """The same pooling; in a mean the zeros of the frame count, as in timm's."""
    kernel = layer.kernel_size if isinstance(layer.kernel_size, int) else layer.kernel_size[0]
    if isinstance(layer, nn.MaxPool2d):
        return nn.MaxPool2d(kernel, layer.stride, _half(kernel - 1))
    return nn.AvgPool2d(kernel, layer.stride, _half(kernel - 1), count_include_pad=layer.count_include_pad)


def _half(reach: int) -> int:
    """Half of what a window sees beside its middle. Raises ValueError where it has no middle."""
    if reach % 2:
        raise ValueError("a window of even size has no middle to be padded round")
    return reach // 2


_SAME = {  # layers of timm by the name of their class
    "Conv2dSame": _symmetric_convolution,
    "Conv2dSameExport": _symmetric_convolution,
    "MaxPool2dSame": _symmetric_pooling,
    "AvgPool2dSame": _symmetric_pooling,
}


def find_timm(name: str) -> TrunkEntry:
    """The entry of any network of timm. Raises CheckpointError, naming the nearest, for one it lacks."""
    import timm

    known = timm.list_models()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise CheckpointError(f"timm {timm.__version__} has no network {name!r}: the nearest is {near!r}.")
    from timm.models import get_pretrained_cfg

    card = get_pretrained_cfg(name)
    return TrunkEntry(
        name=f"{FAMILY}:{name}",
        builder=lambda fc_channels: TimmTrunk(name),  # noqa: ARG005
        kind="timm",
        licence=(card.license if card and card.license else "unknown"),
        weights="ImageNet (timm)" if card and card.hf_hub_id else "",
        strides=tuple(grid.jump for _, grid in _facts_of(name).maps),
        network=None,
        paper=None,
    )


for _name, _licence in CURATED.items():
    register_trunk(
        _name,
        lambda fc_channels, n=_name: TimmTrunk(n),  # noqa: ARG005
        kind="timm",
        licence=_licence,
        weights="ImageNet (timm)",
    )
register_family(FAMILY, find_timm)
