"""Upsampling by name: what carries coarse scores to a grid of half the stride, and to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcn_studio.models.geometry import Grid
from fcn_studio.models.layers import fit_edges, upsample_in_halves, upsample_twice

UPSAMPLINGS = ("bilinear", "transposed", "transposed_frozen")


class Doubling(nn.Module):
    """Bilinear x2 from the grid ``coarse`` onto ``fine``: [N, K, h, w] to [N, K, h', w'].

    How the cells lie and how many are missing or too many at the edges follows from the grids; beyond the
    first and last coarse cell the edge repeats. No shape is part of the operation, so it can be exported.
    """

    def __init__(self, coarse: Grid, fine: Grid) -> None:
        super().__init__()
        self.shared, self.before, self.after = coarse.doubled_into(fine)

    def forward(self, x: Tensor, before_pool: Tensor | None = None) -> Tensor:  # noqa: ARG002
        return self.fit(upsample_twice(x) if self.shared else upsample_in_halves(x))

    def fit(self, x: Tensor) -> Tensor:
        """The enlarged map, its edges cut or repeated to those of the fine grid."""
        return fit_edges(x, self.before, self.after)


class ClassKernel(nn.Module):
    """One k x k kernel for each class, [K, 1, k, k]: learnt, or kept as it is where ``learnt`` is False.

    What is kept is no part of the state dict: it follows from the architecture.
    """

    weight: Tensor

    def __init__(self, profile: Sequence[float], classes: int, *, learnt: bool = True) -> None:
        super().__init__()
        line = torch.tensor(profile)
        kernel = (line[:, None] * line[None, :]).expand(classes, 1, -1, -1).clone()
        if learnt:
            self.weight = nn.Parameter(kernel)
        else:
            self.register_buffer("weight", kernel, persistent=False)
        self._profile = tuple(profile)

    @torch.no_grad()
    def keep_classes(self, rows: Sequence[int | None]) -> None:
        """One kernel per entry: that of the old class, or the first one for None."""
        fresh = ClassKernel(self._profile, len(rows)).weight.to(self.weight)
        for new, old in enumerate(rows):
            if old is not None:
                fresh[new] = self.weight[old]
        if isinstance(self.weight, nn.Parameter):
            self.weight = nn.Parameter(fresh.detach())
        else:
            self.weight = fresh.detach()


class TransposedDoubling(Doubling):
    """The same by a transposed convolution of one kernel per class, which starts bilinear.

    The outermost cells are repeated before it, so that it does not fade towards the edge
    (fcn-reference 1.3) and starts as the bilinear one everywhere.
    """

    def __init__(self, coarse: Grid, fine: Grid, classes: int, *, learnt: bool) -> None:
        super().__init__(coarse, fine)
        self.kernel = ClassKernel(make_profile(2, self.shared), classes, learnt=learnt)

    def forward(self, x: Tensor, before_pool: Tensor | None = None) -> Tensor:  # noqa: ARG002
        x = nn.functional.conv_transpose2d(
            fit_edges(x, 1, 1), self.kernel.weight, stride=2, padding=3, groups=x.shape[1]
        )
        return self.fit(x)


def make_profile(factor: int, shared: bool) -> list[float]:
    """The bilinear kernel of one axis: 2f - 1 values where cells fall on cells, else 2f (reference 1.3)."""
    size = 2 * factor - 1 if shared else 2 * factor
    centre = (size - 1) / 2
    return [1 - abs(i - centre) / factor for i in range(size)]


def make_doubling(upsampling: str, coarse: Grid, fine: Grid, classes: int) -> Doubling:
    """The module that carries scores from ``coarse`` to ``fine``."""
    if upsampling == "bilinear":
        return Doubling(coarse, fine)
    return TransposedDoubling(coarse, fine, classes, learnt=upsampling != "transposed_frozen")
