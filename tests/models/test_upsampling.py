"""Scores are carried to the place where their cell lies, by every kind of upsampling and on every trunk."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.geometry import Grid
from fcn_studio.models.layers import fit_edges, upsample_to_pixels
from fcn_studio.models.registry import create_model
from fcn_studio.models.trunks.trunk import Features, Pool
from fcn_studio.models.upsampling import UPSAMPLINGS, ClassKernel, LastUpsampling, make_doubling

HALF = (Grid(1.5, 4, 1.5), Grid(0.5, 2, 0.5))
ALIGNED = (Grid(0, 4, 0), Grid(0, 2, 0))
WIDER = (Grid(2, 4, 2), Grid(0, 2, 0))  # as AlexNet: the fine map reaches a cell farther on each side
NARROWER = (Grid(0, 4, 0), Grid(2, 2, 2))
GRIDS = (HALF, ALIGNED, WIDER, NARROWER)


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _oracle(cells: Tensor, coarse: Grid, fine: Grid, size: tuple[int, int]) -> Tensor:
    """Each fine cell between the coarse ones round its place, computed one by one; the edge repeats."""

    def weights(count: int, cells_there: int) -> Tensor:
        matrix = torch.zeros(count, cells_there, dtype=torch.float64)
        for i in range(count):
            place = (fine.start + fine.jump * i - coarse.start) / coarse.jump
            place = min(max(place, 0.0), cells_there - 1.0)
            low = min(int(place), cells_there - 1)
            matrix[i, low] += 1 - (place - low)
            matrix[i, min(low + 1, cells_there - 1)] += place - low
        return matrix

    rows, columns = weights(size[0], cells.shape[-2]), weights(size[1], cells.shape[-1])
    return torch.einsum("yh,nkhw,xw->nkyx", rows, cells, columns)


@torch.no_grad()
@pytest.mark.parametrize("upsampling", ["bilinear", "transposed", "transposed_frozen", "unpool"])
@pytest.mark.parametrize(("coarse", "fine"), GRIDS)
def test_doubling_starts_as_the_bilinear_interpolation_at_each_cells_place(
    upsampling: str, coarse: Grid, fine: Grid
) -> None:
    x = _random(2, 3, 4, 6)
    size_px = (coarse.start + coarse.end + 1 + 4 * 3, coarse.start + coarse.end + 1 + 4 * 5)
    expected = _oracle(x, coarse, fine, (fine.cells(int(size_px[0])), fine.cells(int(size_px[1]))))
    found = make_doubling(upsampling, coarse, fine, 3).double()(x)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["transposed", "bilinear"])
def test_without_the_repeated_edge_it_is_torchs_interpolation(kind: str) -> None:
    x = _random(1, 2, 5, 7)
    found = make_doubling(kind, *HALF, 2).double()(x)
    expected = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(found, expected, atol=1e-12)


def test_grids_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        make_doubling("bilinear", Grid(0.25, 4), Grid(0, 2), 1)
    with pytest.raises(ValueError, match="twice as coarse"):
        make_doubling("bilinear", Grid(0, 8), Grid(0, 2), 1)


@torch.no_grad()
@pytest.mark.parametrize(
    ("start", "stride"),
    [(0, 8), (0.5, 8), (12.5, 32), (-1.5, 4), (5, 8), (13, 32), (3.5, 8), (15.5, 32), (0, 1)],
)
def test_pixels_lie_between_their_cells_wherever_these_start(start: float, stride: int) -> None:
    x = _random(1, 2, 3, 4)
    hw = (2 * stride + 20, 3 * stride + 3)
    expected = _oracle(x, Grid(start, stride), Grid(), hw)
    assert torch.allclose(upsample_to_pixels(x, stride, hw, start), expected, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize(
    "grid", [Grid(0.5, 8, 0.5), Grid(0, 8, 0), Grid(5, 8, 5), Grid(-1.5, 4, -1.5), Grid(8, 32, 8)]
)
def test_the_learnt_step_to_pixels_starts_bilinear(grid: Grid) -> None:
    x = _random(1, 3, 3, 4)
    hw = tuple(int(grid.start + grid.end + 1 + grid.jump * (n - 1)) for n in (3, 4))
    found = LastUpsampling(grid, 3).double()(x)
    assert found.shape[-2:] == hw
    assert torch.allclose(found, _oracle(x, grid, Grid(), (hw[0], hw[1])), atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize(
    ("pool", "coarse"), [(Pool(2), Grid(0.5, 2, 0.5)), (Pool(3, 1), Grid(0, 2, 0)), (Pool(3), Grid(1, 2, 1))]
)
def test_unpooling_puts_a_score_where_the_maximum_was(pool: Pool, coarse: Grid) -> None:
    """Against torch's pooling with indices; the smoothing kernel is taken away."""
    cells = 5
    fine_cells = 2 * cells + pool.kernel - 2 - 2 * pool.padding
    before = _random(1, 4, fine_cells, fine_cells, seed=1).abs()
    pooled, index = functional.max_pool2d(
        before.mean(dim=1), pool.kernel, 2, pool.padding, return_indices=True
    )
    module = make_doubling("unpool", coarse, Grid(), 3, pool).double()
    module.kernel.weight.zero_()
    module.kernel.weight[..., 1, 1] = 1.0
    x = _random(1, 3, cells, cells)
    assert pooled.shape[-2:] == x.shape[-2:]
    expected = torch.zeros(3, fine_cells**2, dtype=torch.float64)
    for place, score in zip(index.flatten().tolist(), x[0].flatten(1).T, strict=True):
        expected[:, place] += score  # windows overlap: two of them can have the same maximum
    assert torch.allclose(module(x, before)[0].flatten(1), expected, atol=1e-12)


@torch.no_grad()
def test_equal_maxima_share_the_score() -> None:
    module = make_doubling("unpool", Grid(0.5, 2, 0.5), Grid(), 1, Pool(2)).double()
    x = _random(1, 1, 4, 5)
    found = module(x, torch.zeros(1, 7, 8, 10, dtype=torch.float64))
    expected = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("name", ["fcn4s_alexnet", "fcn4s_googlenet", "fcn4s_vgg11", "fcn8s_resnet18"])
def test_an_impulse_in_a_score_cell_comes_out_round_that_cells_pixel(name: str, upsampling: str) -> None:
    model = create_model(name, 1, fc_channels=1, upsampling=upsampling).double().eval()
    for layer in model.score_layers():
        layer.weight[:, 0] = 1.0
    hw = tuple(model.trunk.grids[32].start + model.trunk.grids[32].end + 1 + 32 * n for n in (6, 7))
    hw = (int(hw[0]), int(hw[1]))
    for stride, grid in model.trunk.grids.items():
        if stride < model.trunk.deepest and stride not in model.head.skips:
            continue
        row, column = (grid.cells(n) // 2 for n in hw)
        features = _silence(model, hw)
        features[stride][0, 0, row, column] = 1.0
        bump = model.to_pixels(model.head(features), hw)[0, 0]
        assert float(bump.max()) > 0
        found = _centre_of_mass(bump)
        expected = (grid.start + stride * row, grid.start + stride * column)
        assert found == pytest.approx(expected, abs=1e-6), stride


def _silence(model: nn.Module, hw: tuple[int, int]) -> Features:
    """Features that are zero everywhere, of a picture of ``hw``."""
    trunk = model.trunk
    maps = {
        stride: torch.zeros(1, trunk.channels[stride], *(grid.cells(n) for n in hw), dtype=torch.float64)
        for stride, grid in trunk.grids.items()
    }
    return Features(maps, {stride: maps[stride // 2] for stride in trunk.pools})


def _centre_of_mass(bump: Tensor) -> tuple[float, float]:
    rows, columns = bump.sum(dim=1), bump.sum(dim=0)
    return tuple(float((line * torch.arange(len(line))).sum() / line.sum()) for line in (rows, columns))  # type: ignore[return-value]


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "extra"), [("fcn16s_vgg11", {}), ("fcn8s_mobilenet_v2", {}), ("fcn8s_alexnet", {})]
)
def test_the_kinds_differ_only_in_what_they_may_learn(name: str, extra: dict[str, int]) -> None:
    """All of them give the bilinear scores before training, but for unpooling where there was a pooling."""
    x = torch.randn(1, 3, 70, 90, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = {}
    for upsampling in ("bilinear", "transposed", "transposed_frozen", "transposed_learnt"):
        torch.manual_seed(0)
        model = create_model(name, 2, fc_channels=8, upsampling=upsampling, **extra).double().eval()
        for number, layer in enumerate(model.score_layers()):
            layer.weight.normal_(generator=torch.Generator().manual_seed(number))
        found[upsampling] = model(x)
    for upsampling, pixels in found.items():
        assert torch.allclose(pixels, found["bilinear"], atol=1e-6 * float(found["bilinear"].abs().max())), (
            upsampling
        )
    learnt = {
        upsampling: sum(
            p.numel() for p in create_model(name, 2, fc_channels=8, upsampling=upsampling).parameters()
        )
        for upsampling in found
    }
    assert (
        learnt["bilinear"] == learnt["transposed_frozen"] < learnt["transposed"] < learnt["transposed_learnt"]
    )


def test_edges_are_repeated_or_cut() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert fit_edges(x, 1, (0, -1))[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [3, 3, 4]]
    assert fit_edges(x, -1, 1)[0, 0].tolist() == [[4, 5, 5], [4, 5, 5]]


def test_kernels_of_new_classes_are_the_first_ones() -> None:
    kernel = ClassKernel([0.5, 1.0, 0.5], 2)
    with torch.no_grad():
        kernel.weight[1] = 7.0
    kernel.keep_classes([1, None, 0])
    assert (kernel.weight[0] == 7).all()
    assert torch.equal(kernel.weight[1], kernel.weight[2])
    assert isinstance(kernel.weight, nn.Parameter)
