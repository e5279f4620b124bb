"""Depthwise convolutions that train several times faster on a CPU: the same sums by other kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Depthwise(torch.autograd.Function):
    """Forward as torch's; backward by what is fast on a CPU (figures: docs/benchmarks.md).

    The gradient of the input is itself a depthwise convolution, of the (zero-stuffed) gradient with the
    turned kernel, and runs at the speed of the forward pass; torch's own kernel for it is 5 to 40 times
    slower with strides, dilations and bfloat16. The gradient of the weight is taken in float32 where the
    kernel for bfloat16 is 3 to 6 times slower: beyond 3x3, and with dilation.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, dilation
        return functional.conv2d(x, weight, None, stride, padding, dilation, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        (gradient,) = gradients
        need_x, need_weight = ctx.needs_input_grad[:2]
        of_x = _input_gradient(gradient, weight, x.shape, ctx.geometry) if need_x else None
        of_weight = None
        if need_weight:
            slow = x.dtype == torch.bfloat16 and (weight.shape[-1] > 3 or dilation > 1)
            wide = torch.float32 if slow else x.dtype
            of_weight = torch.ops.aten.convolution_backward(
                gradient.to(wide), x.to(wide), weight.to(wide), None, [stride] * 2, [padding] * 2,
                [dilation] * 2, False, [0, 0], weight.shape[0], [False, True, False],
            )[1].to(weight.dtype)  # fmt: skip
        return of_x, of_weight, None, None, None


def _input_gradient(
    gradient: Tensor, weight: Tensor, shape: torch.Size, geometry: tuple[int, int, int]
) -> Tensor:
    """Gradient of the input [N, C, H, W] from the output's [N, C, h, w]: the turned kernel slid over it.

    With a stride, zeros stand between the cells, up to the size that a stride of 1 would have given.
    """
    stride, padding, dilation = geometry
    reach = dilation * (weight.shape[-1] - 1)
    size = [length + 2 * padding - reach for length in shape[-2:]]
    if stride > 1:
        stuffed = torch.empty(
            (*shape[:2], *size),
            dtype=gradient.dtype,
            device=gradient.device,
            memory_format=torch.channels_last,
        ).zero_()
        stuffed[..., ::stride, ::stride] = gradient
        gradient = stuffed
    turned = weight.flip(-1, -2)
    return functional.conv2d(gradient, turned, None, 1, reach - padding, dilation, weight.shape[0])


class _FastBackward(nn.Conv2d):
    """What a convolution's own class is joined with; parameters and names stay as they are."""

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            x, weight = x.to(kind), weight.to(kind)
        geometry = self.stride[0], int(self.padding[0]), self.dilation[0]
        y: Tensor = _Depthwise.apply(x, weight, *geometry)
        return y if bias is None else y + bias.to(y.dtype).view(-1, 1, 1)


_JOINED: dict[type[nn.Conv2d], type[nn.Conv2d]] = {}


def _joined(kind: type[nn.Conv2d]) -> type[nn.Conv2d]:
    if kind not in _JOINED:
        _JOINED[kind] = type(kind.__name__, (_FastBackward, kind), {})
    return _JOINED[kind]


def speed_up_depthwise(model: nn.Module) -> nn.Module:
    """Let every depthwise convolution of ``model`` train faster on a CPU, in place; gives ``model`` back.

    Values, gradients (up to rounding), parameters and their names stay the same. For the copy that is
    trained, not for one that is exported. Taken are square kernels with zero padding of at most their reach.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and not isinstance(module, _FastBackward) and _fits(module):
            module.__class__ = _joined(type(module))
    return model


def _fits(layer: nn.Conv2d) -> bool:
    if not layer.groups == layer.in_channels == layer.out_channels > 1 or isinstance(layer.padding, str):
        return False
    pairs = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    square = all(len(set(pair)) == 1 for pair in pairs)
    return (
        square
        and layer.padding_mode == "zeros"
        and (layer.padding[0] <= layer.dilation[0] * (layer.kernel_size[0] - 1))
    )
