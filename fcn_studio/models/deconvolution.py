"""The paper's deconvolution: fixed bilinear, or learnt from there; reads the weights of the public layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.upsampling import make_profile


def deconvolve_bilinear(x: Tensor, kernel: int, factor: int) -> Tensor:
    """The transposed convolution with the fixed bilinear kernel: n cells to (n - 1) * factor + kernel.

    [N, K, h, w], ``kernel`` 2 * factor (VGG) or 2 * factor - 1 (AlexNet). Computed as the interpolation of
    the map in a frame of zeros, which is the same number for number (fcn-reference 1.3), frame included, but
    needs neither a kernel in memory nor the count of classes.
    """
    height, width = x.shape[-2:]
    framed = functional.pad(x, (1, 1, 1, 1))
    if kernel == 2 * factor:
        size, cut = (factor * (height + 2), factor * (width + 2)), factor // 2
    else:
        size, cut = (factor * (height + 1) + 1, factor * (width + 1) + 1), 1
    wide = functional.interpolate(framed, size=size, mode="bilinear", align_corners=bool(kernel % 2))
    return wide[..., cut:-cut, cut:-cut]


def bilinear_kernel(size: int) -> Tensor:
    """[size, size]: 1 - |i - middle| / ceil(size / 2) times the same by column (Caffe's surgery)."""
    line = torch.tensor(make_profile((size + 1) // 2, shared=bool(size % 2)))
    return line[:, None] * line[None, :]


class Deconvolution(nn.Module):
    """Upsampling of each class by itself; bilinear for good, or bilinear at the start and learnt.

    Weights of the public layout, [K, K, k, k] with the kernels on the diagonal, are taken when they can be
    kept: fixed ones must be the bilinear kernel, learnt ones must not mix classes.
    """

    weight: nn.Parameter | None

    def __init__(self, classes: int, kernel: int, factor: int, learnt: bool) -> None:
        super().__init__()
        self.kernel, self.factor = kernel, factor
        weight = bilinear_kernel(kernel).repeat(classes, 1, 1, 1)
        self.register_parameter("weight", nn.Parameter(weight) if learnt else None)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight is None:
            return deconvolve_bilinear(x, self.kernel, self.factor)
        return functional.conv_transpose2d(x, self.weight, stride=self.factor, groups=self.weight.shape[0])

    @torch.no_grad()
    def keep_classes(self, rows: Sequence[int | None]) -> None:
        """One kernel per entry: that of the old class, or the bilinear one for None."""
        if self.weight is None:
            return
        weight = bilinear_kernel(self.kernel).to(self.weight).repeat(len(rows), 1, 1, 1)
        for new, old in enumerate(rows):
            if old is not None:
                weight[new] = self.weight[old]
        self.weight = nn.Parameter(weight)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        key = f"{prefix}weight"
        given = state_dict.get(key)
        if given is not None:
            state_dict = {name: value for name, value in state_dict.items() if name != key}
            errors: list[str] = args[4]
            reason = self.misfit(given)
            if reason:
                errors.append(f"{key} {reason}")
            elif self.weight is not None:
                state_dict[key] = _per_class(given)
            if reason and self.weight is not None:
                state_dict[key] = self.weight
        super()._load_from_state_dict(state_dict, prefix, *args)

    def misfit(self, given: Tensor) -> str:
        """Why a file's weight cannot be this layer's, or an empty text."""
        if given.ndim != 4 or given.shape[1] not in (1, given.shape[0]):
            return f"has the shape {tuple(given.shape)}, no square of classes"
        if given.shape[2:] != (self.kernel, self.kernel):
            return f"has {given.shape[2]}x{given.shape[3]} kernels, this layer {self.kernel}x{self.kernel}"
        if self.weight is not None and len(given) != len(self.weight):
            return f"is for {len(given)} classes, this network for {len(self.weight)}"
        given = given.float()
        own = _per_class(given)
        if given.shape[1] > 1 and float(given.abs().sum() - own.abs().sum()) > 1e-3 * len(given):
            return "mixes classes (values off its diagonal are not zero); here each is upsampled by itself"
        fixed = bilinear_kernel(self.kernel).to(own).expand_as(own)
        if self.weight is None and not torch.allclose(own, fixed, atol=2e-3):
            return "is not the bilinear kernel but learnt: build with upsampling='transposed_learnt'"
        return ""


def _per_class(weight: Tensor) -> Tensor:
    """[K, K, k, k] or [K, 1, k, k] to the kernels of the classes, [K, 1, k, k]."""
    if weight.shape[1] == 1:
        return weight
    classes = torch.arange(len(weight))
    return weight[classes, classes][:, None]
