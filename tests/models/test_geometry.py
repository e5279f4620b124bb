"""Cells lie where the card says, upsampling is the fixed bilinear kernel, windows are local means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.layers import WindowMean, upsample_to_pixels, upsample_twice
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk
from fcn_studio.models.registry import create_model


def _bilinear(cells: np.ndarray, stride: int, hw: tuple[int, int]) -> np.ndarray:
    """Oracle: pixel p lies between cells floor(p / stride) and the next, at its share of the way."""
    out = np.empty((cells.shape[0], *hw))
    for y in range(hw[0]):
        for x in range(hw[1]):
            i, j = y // stride, x // stride
            v, u = y / stride - i, x / stride - j
            below, right = min(i + 1, cells.shape[1] - 1), min(j + 1, cells.shape[2] - 1)
            out[:, y, x] = (1 - v) * ((1 - u) * cells[:, i, j] + u * cells[:, i, right]) + v * (
                (1 - u) * cells[:, below, j] + u * cells[:, below, right]
            )
    return out


def test_doubling_is_the_fixed_transposed_convolution() -> None:
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = nn.ConvTranspose2d(3, 3, 3, stride=2, padding=1, groups=3, bias=False).double()
    profile = torch.tensor([0.5, 1.0, 0.5], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_((profile[:, None] * profile[None, :]).expand(3, 1, 3, 3))
    assert torch.allclose(upsample_twice(x), layer(x), atol=1e-12)


@pytest.mark.parametrize(("stride", "hw"), [(8, (33, 25)), (8, (30, 19)), (16, (17, 33))])
def test_pixels_lie_between_their_cells(stride: int, hw: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(3, -(-(hw[0] - 1) // stride) + 1, -(-(hw[1] - 1) // stride) + 1))
    found = upsample_to_pixels(torch.from_numpy(cells)[None], stride, hw)[0].numpy()
    assert np.abs(found - _bilinear(cells, stride, hw)).max() < 1e-5


def test_window_mean_leaves_out_what_is_beyond_the_border() -> None:
    x = np.random.default_rng(2).normal(size=(1, 2, 5, 7))
    expected = np.empty_like(x)
    for y in range(5):
        for c in range(7):
            expected[0, :, y, c] = x[0, :, max(0, y - 1) : y + 2, max(0, c - 1) : c + 2].mean(axis=(1, 2))
    assert np.abs(WindowMean(3)(torch.from_numpy(x)).numpy() - expected).max() < 1e-12


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_cells_of_the_trunk_are_centred_on_their_pixel(stride: int) -> None:
    """With weights symmetric left and right, a mirrored picture of size 16 k + 1 gives mirrored features."""
    trunk = _even(MobileNetV2Trunk().double().eval())
    x = torch.randn(1, 3, 33, 49, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        one, two = trunk(x)[stride], trunk(x.flip(-1))[stride].flip(-1)
    assert one.shape[-2:] == (32 // stride + 1, 48 // stride + 1)
    assert float(one.std()) > 0
    assert torch.allclose(one, two, atol=1e-9)


@pytest.mark.parametrize("name", ["fcn16s_mobilenet_v2", "fcn8s_mobilenet_v2"])
@pytest.mark.parametrize("hw", [(33, 49), (32, 40), (1, 20)])
def test_forward_is_scores_of_the_padded_picture_upsampled(name: str, hw: tuple[int, int]) -> None:
    model = _shaken(create_model(name, 3)).eval()
    x = torch.randn(1, 3, *hw, generator=torch.Generator().manual_seed(4))
    padded = torch.zeros(1, 3, *(max(17, size + (1 - size) % 16) for size in hw))
    padded[..., : hw[0], : hw[1]] = x
    with torch.no_grad():
        scores = model.scores(padded)
        found = model(x)
    assert scores.shape[-1] == (padded.shape[-1] - 1) // model.stride + 1
    assert found.shape == (1, 3, *hw)
    cells = scores[0].double().numpy()
    assert np.abs(found[0].numpy() - _bilinear(cells, model.stride, hw)).max() < 1e-4 * np.abs(cells).max()


def test_a_far_pixel_changes_nothing_beyond_the_reach_of_the_network() -> None:
    """No layer sees the whole picture: the context is a window, so large pictures can be cut in tiles."""
    model = _shaken(create_model("fcn8s_mobilenet_v2", 2)).eval()
    model.head.window = WindowMean(3)
    x = torch.zeros(1, 3, 17, 801)
    with torch.no_grad():
        before = model.scores(x)
        x[..., 0] = 5.0
        after = model.scores(x)
    reach_cells = (245 + 16) // 8 + 3
    assert (before != after)[..., 0].any()
    assert torch.equal(before[..., reach_cells:], after[..., reach_cells:])


def _even(module: nn.Module) -> nn.Module:
    """Make every kernel symmetric left and right."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_((layer.weight + layer.weight.flip(-1)) / 2)
    return module


def _shaken(model: FcnNetwork) -> FcnNetwork:
    """Score layers are zero at the start; give them something to say."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in model.score_layers():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    return model
