"""The faster depthwise convolutions: the same values, the same gradients, the same names."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from fcn_studio.models.layers import ConvReLU6
from fcn_studio.training.depthwise import speed_up_depthwise

GEOMETRIES = [(3, 1, 1), (3, 2, 1), (5, 2, 1), (5, 1, 1), (3, 1, 2), (7, 1, 1)]


@pytest.mark.parametrize(("kernel", "stride", "dilation"), GEOMETRIES)
@pytest.mark.parametrize("hw", [(9, 12), (10, 11)])
@pytest.mark.parametrize("padded", [True, False])
def test_values_and_gradients_are_those_of_torch(
    kernel: int, stride: int, dilation: int, hw: tuple[int, int], padded: bool
) -> None:
    torch.manual_seed(0)
    padding = dilation * (kernel // 2) if padded else 0
    plain = nn.Conv2d(4, 4, kernel, stride, padding, dilation, groups=4).double()
    fast = speed_up_depthwise(copy.deepcopy(nn.Sequential(plain)))[0]  # type: ignore[index]
    assert type(fast) is not type(plain)
    outputs, gradients = [], []
    for layer in (plain, fast):
        x = torch.rand(2, 4, *hw, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        y = layer(x)
        (y * torch.arange(y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
        outputs.append(y)
        gradients.append((x.grad, layer.weight.grad, layer.bias.grad))
    torch.testing.assert_close(outputs[0], outputs[1])
    for theirs, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_autocast_gradients_stay_near_those_of_float32() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, 5, 2, 2, groups=8, bias=False)
    fast = speed_up_depthwise(copy.deepcopy(nn.Sequential(plain)))[0]  # type: ignore[index]
    x = torch.rand(2, 8, 17, 17)
    plain(x).square().sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        y = fast(x)
    assert y.dtype == torch.bfloat16
    y.float().square().sum().backward()
    assert fast.weight.grad.dtype == torch.float32
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad, rtol=0.05, atol=0.5)


def test_a_layer_with_its_own_activation_keeps_it_and_its_name() -> None:
    layer = ConvReLU6(4, 4, 3, padding=1, groups=4)
    x = 100 * torch.randn(1, 4, 5, 5)
    before, names = layer(x), list(layer.state_dict())
    speed_up_depthwise(nn.Sequential(layer))
    assert isinstance(layer, ConvReLU6)
    assert list(layer.state_dict()) == names
    torch.testing.assert_close(layer(x), before)
    assert float(layer(x).detach().amax()) == 6.0


def test_other_convolutions_are_left_alone() -> None:
    layers = nn.Sequential(
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 8, 3, groups=4),
        nn.Conv2d(1, 1, 3),
        nn.Conv2d(4, 4, (3, 5), groups=4),
        nn.Conv2d(4, 4, 3, padding=4, groups=4),
        nn.Conv2d(4, 4, 3, padding=1, groups=4, padding_mode="reflect"),
    )
    assert [type(layer) for layer in speed_up_depthwise(layers)] == [nn.Conv2d] * 6  # type: ignore[attr-defined]


def test_a_copy_of_a_sped_up_network_is_one_too_and_can_be_sped_up_again() -> None:
    model = speed_up_depthwise(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4)))
    again = speed_up_depthwise(copy.deepcopy(model))
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(model(x), again(x))
    assert type(again[0]) is type(model[0])  # type: ignore[index]
