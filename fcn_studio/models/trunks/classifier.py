"""The linear layers of a classifier as convolutions: fc6, fc7 with their dropout."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn


def make_classifier(channels: int, width: int, *, kernel: int, padding: int) -> nn.Sequential:
    """[N, channels, h, w] to [N, width, h', w']: fc6 (kernel x kernel) and fc7 (1x1), ReLU and dropout 0.5.

    The only layers of the networks here that drop anything (fcn-reference 2.2).
    """
    return nn.Sequential(
        OrderedDict(
            fc6=nn.Conv2d(channels, width, kernel, padding=padding),
            relu6=nn.ReLU(inplace=True),
            drop6=nn.Dropout(0.5),
            fc7=nn.Conv2d(width, width, 1),
            relu7=nn.ReLU(inplace=True),
            drop7=nn.Dropout(0.5),
        )
    )


def convolve_linear(state: Mapping[str, Tensor], names: Mapping[str, str], kernel: int) -> dict[str, Tensor]:
    """Weights of linear layers as those of convolutions: a plain view (fcn-reference 1.5).

    ``names``: layer of the trunk's classifier to layer of ``state``; those that are not there are left out.
    fc6 sees kernel x kernel cells in the order channel, row, column; the others one cell.
    """
    found: dict[str, Tensor] = {}
    for own, linear in names.items():
        if f"{linear}.weight" not in state:
            continue
        weight = state[f"{linear}.weight"]
        cells = kernel if own == "fc6" else 1
        found[f"classifier.{own}.weight"] = weight.reshape(weight.shape[0], -1, cells, cells)
        found[f"classifier.{own}.bias"] = state[f"{linear}.bias"]
    return found
