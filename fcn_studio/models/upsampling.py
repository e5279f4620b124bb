"""Upsampling by name: what carries coarse scores to a grid of half the stride, and to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.geometry import Grid
from fcn_studio.models.layers import fit_edges, upsample_in_halves, upsample_twice
from fcn_studio.models.trunks.trunk import Pool

UPSAMPLINGS = ("bilinear", "transposed", "transposed_frozen", "transposed_learnt", "unpool")


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
        x = functional.conv_transpose2d(
            fit_edges(x, 1, 1), self.kernel.weight, stride=2, padding=3, groups=x.shape[1]
        )
        return self.fit(x)


class Unpooling(Doubling):
    """Scores put back where the trunk's max-pooling found its maximum, then a learnt 3x3 kernel per class.

    Where the maximum was is read off the mean over channels of the map before the pooling, by comparing each
    cell of a window with the largest of it: nothing is remembered but that map, and no shape is part of the
    operation. Equal maxima share the score. Without a pooling (``pool`` None) a score is put on its own cell,
    or copied to the two by two that it covers; the kernel then makes it the bilinear upsampling at the start.
    """

    windows: Tensor

    def __init__(self, coarse: Grid, fine: Grid, classes: int, pool: Pool | None) -> None:
        super().__init__(coarse, fine)
        self.pooled = pool is not None
        self.window, self.padding = pool or Pool(1 if self.shared else 2)
        if pool is not None:
            self.before = self.after = 0  # its windows cover the fine map
            if coarse.start != fine.through(pool.kernel, 2, pool.padding).start:
                raise ValueError(f"the scores at stride {coarse.jump} do not lie on what was pooled")
        count = self.window**2
        # One plane per cell of the window: gathers a window's cells as channels, and scatters them back.
        planes = torch.eye(count).view(count, 1, self.window, self.window)
        self.register_buffer("windows", planes, persistent=False)
        self.kernel = ClassKernel(make_profile(2, shared=True), classes)

    def forward(self, x: Tensor, before_pool: Tensor | None = None) -> Tensor:
        count, classes = x.shape[0], x.shape[1]
        cells = x.unsqueeze(2) * (1 / self.window**2)
        if self.pooled:
            assert before_pool is not None
            cells = x.unsqueeze(2) * self._share_of_maximum(before_pool).unsqueeze(1)
        cells = cells.expand(-1, -1, self.window**2, -1, -1).flatten(0, 1)
        placed = functional.conv_transpose2d(cells, self.windows, stride=2, padding=self.padding)
        placed = placed.reshape(count, classes, placed.shape[-2], placed.shape[-1])
        # Copies go on beyond the edge as the picture's edge does; a score that has one place does not.
        edge = (
            fit_edges(placed, 1, 1)
            if self.window == 2 and not self.pooled
            else functional.pad(placed, (1, 1, 1, 1))
        )
        return self.fit(functional.conv2d(edge, self.kernel.weight, groups=x.shape[1]))

    def _share_of_maximum(self, before_pool: Tensor) -> Tensor:
        """[N, k * k, h, w]: for each window 1 at its maximum, 0 elsewhere."""
        mean = before_pool.mean(dim=1, keepdim=True)
        if self.padding:
            mean = functional.pad(mean, (self.padding,) * 4, value=-1.0)  # below anything a ReLU gives
        windows = functional.conv2d(mean, self.windows, stride=2)
        largest = (windows >= windows.amax(dim=1, keepdim=True)).to(windows.dtype)
        return largest / largest.sum(dim=1, keepdim=True)


class LastUpsampling(nn.Module):
    """Scores on ``grid`` to all pixels by a learnt transposed convolution, [N, K, h, w] to [N, K, H, W]."""

    def __init__(self, grid: Grid, classes: int) -> None:
        super().__init__()
        shared = grid.start == int(grid.start)
        self.factor = grid.jump
        self.kernel = ClassKernel(make_profile(self.factor, shared), classes)
        reach = self.factor + (self.kernel.weight.shape[-1] - 1) / 2  # where the first cell comes to lie
        self.before, self.after = int(grid.start - reach), int(grid.end - reach)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.conv_transpose2d(
            fit_edges(x, 1, 1), self.kernel.weight, stride=self.factor, groups=x.shape[1]
        )
        return fit_edges(x, self.before, self.after)


def make_profile(factor: int, shared: bool) -> list[float]:
    """The bilinear kernel of one axis: 2f - 1 values where cells fall on cells, else 2f (reference 1.3)."""
    size = 2 * factor - 1 if shared else 2 * factor
    centre = (size - 1) / 2
    return [1 - abs(i - centre) / factor for i in range(size)]


def make_doubling(
    upsampling: str, coarse: Grid, fine: Grid, classes: int, pool: Pool | None = None
) -> Doubling:
    """The module that carries scores from ``coarse`` to ``fine``; ``pool``: the max-pooling between them."""
    if upsampling == "bilinear":
        return Doubling(coarse, fine)
    if upsampling == "unpool":
        return Unpooling(coarse, fine, classes, pool)
    return TransposedDoubling(coarse, fine, classes, learnt=upsampling != "transposed_frozen")


def make_last(upsampling: str, grid: Grid, classes: int) -> tuple[nn.Module, Grid]:
    """(what follows the finest sum, where its scores lie): nothing, unless the last step is learnt too."""
    if upsampling == "transposed_learnt":
        return LastUpsampling(grid, classes), Grid()
    return nn.Identity(), grid
