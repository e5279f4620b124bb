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

    ``names``: layer of the trunk's classifier to layer of ``state``; those that are not there are left out,
    those of a shape that no linear layer has stay as they are. fc6 sees kernel x kernel cells in the order
    channel, row, column; the others one cell.
    """
    found: dict[str, Tensor] = {}
    for own, linear in names.items():
        for kind in ("weight", "bias"):
            if f"{linear}.{kind}" in state:
                found[f"classifier.{own}.{kind}"] = state[f"{linear}.{kind}"]
        weight = found.get(f"classifier.{own}.weight")
        cells = kernel if own == "fc6" else 1
        if weight is not None and weight.ndim == 2 and weight.shape[1] % cells**2 == 0:
            found[f"classifier.{own}.weight"] = weight.reshape(len(weight), -1, cells, cells)
    return found
