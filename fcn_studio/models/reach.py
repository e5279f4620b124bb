"""Which input pixels a network's maps see, followed through its layers: grids, receptive fields, tiling.

The network is run once on a tensor without data (torch's meta device) while every operation is watched, and
each tensor carries the grids of its rows and columns. Nothing is assumed about how the network is written:
what counts is what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from fcn_studio.models.geometry import Grid

_SAME_PLACE = {  # each cell of the result from the same cell of the inputs
    "abs", "add", "add_", "alpha_dropout", "batch_norm", "cat", "celu", "clamp", "clamp_", "clone",
    "concat", "contiguous", "detach", "div", "div_", "dropout", "dropout2d", "elu", "exp", "float",
    "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "local_response_norm", "mish", "mul",
    "mul_", "neg", "prelu", "relu", "relu_", "relu6", "rsub", "selu", "sigmoid", "sigmoid_", "silu",
    "softplus", "softsign", "sqrt", "square", "sub", "sub_", "tanh", "to", "type_as",
}  # fmt: skip
_POOLS = frozenset({"max_pool2d", "avg_pool2d"})
_RESHAPES = frozenset({"reshape", "view", "flatten", "unflatten"})
_PARTS = frozenset({"chunk", "split", "__getitem__", "unbind"})
_SUMS = frozenset({"mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm", "softmax", "var_mean"})


@dataclass(frozen=True)
class MapReach:
    """What a map sees. ``grids``: of rows and columns, None where it has no cells of its own (a global pool).

    ``axes``: which axes of the tensor are rows and columns. ``exact``: no cell sees the whole picture, so
    that tiles cut at multiples of the stride give the same numbers as the picture.
    """

    grids: tuple[Grid, Grid] | None
    axes: tuple[int, int] = (2, 3)
    exact: bool = True


def compute_reach(network: nn.Module, hw: tuple[int, int] = (129, 161)) -> Any:
    """The MapReach of every map that ``network`` returns, in the same list, tuple or dict.

    network: parameters on the meta device, takes [N, 3, H, W]; other results than tensors become None.
    """
    was_training = network.training
    network.eval()
    picture = torch.zeros(1, 3, *hw, device="meta")
    watch = _Watch(picture)
    try:
        with watch, torch.no_grad():
            result = network(picture)
    finally:
        network.train(was_training)
    return _each_tensor(result, watch.reach_of)


def _each_tensor(result: Any, change: Callable[[Tensor], Any]) -> Any:
    if isinstance(result, Tensor):
        return change(result)
    if isinstance(result, dict):
        return {key: _each_tensor(value, change) for key, value in result.items()}
    if isinstance(result, list | tuple):
        return [_each_tensor(value, change) for value in result]
    return None


class _Watch(TorchFunctionMode):
    """Sees every torch function that is called and notes what its result sees."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        # The tensors are kept (they hold no data), so that an id is not given twice.
        self._known: dict[int, tuple[Tensor, MapReach]] = {id(picture): (picture, MapReach((Grid(), Grid())))}

    def reach_of(self, tensor: Tensor) -> MapReach | None:
        found = self._known.get(id(tensor))
        return None if found is None else found[1]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        inputs = [(t, r) for t in _tensors((args, kwargs)) if (r := self.reach_of(t)) is not None]
        result = func(*args, **kwargs)
        if inputs:
            name = getattr(func, "__name__", "")
            for tensor in _tensors(result):
                self._known[id(tensor)] = (tensor, _through(name, inputs, tensor, args, kwargs))
        return result


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _through(
    name: str, inputs: list[tuple[Tensor, MapReach]], result: Tensor, args: tuple[Any, ...], kwargs: Any
) -> MapReach:
    """What ``result`` of the function ``name`` sees, given what its inputs see."""
    tensor, reach = inputs[0]
    if name == "conv2d":
        return _windowed(reach, *_convolution(args, kwargs))
    if name in _POOLS:
        return _windowed(reach, *_pooling(args, kwargs))
    if name == "pad":
        return _padded(reach, args[1] if len(args) > 1 else kwargs["pad"], tensor.ndim)
    if name in ("permute", "transpose"):
        return _turned(name, reach, args[1:], kwargs, tensor.ndim)
    if name == "layer_norm":
        shape = args[1] if len(args) > 1 else kwargs["normalized_shape"]
        return _spread(reach, range(tensor.ndim - len(shape), tensor.ndim))
    if name == "linear":
        return _spread(reach, [tensor.ndim - 1])
    if name in _SUMS:
        return _summed(reach, args[1:], kwargs, tensor.ndim, result)
    if name in _RESHAPES:
        return _reshaped(tensor, reach, result)
    united = _united(inputs, result)
    if name in _SAME_PLACE or (name in _PARTS and result.ndim == tensor.ndim):
        return united
    return replace(united, exact=False)


_Window = tuple[int, int, int, int]  # kernel, stride, padding, dilation


def _windowed(reach: MapReach, rows: _Window, columns: _Window) -> MapReach:
    """Behind a convolution or pooling with these windows along rows and columns."""
    if reach.grids is None:
        return reach
    pairs = zip(reach.grids, (rows, columns), strict=True)
    one, two = (grid.through(k, s, p, dilation=d) for grid, (k, s, p, d) in pairs)
    return replace(reach, grids=(one, two), exact=reach.exact and reach.axes == (2, 3))


def _convolution(args: tuple[Any, ...], kwargs: Any) -> list[_Window]:
    given = (
        dict(zip(("input", "weight", "bias", "stride", "padding", "dilation"), args, strict=False)) | kwargs
    )
    kernel = tuple(given["weight"].shape[-2:])
    dilation = _pair(given.get("dilation", 1))
    padding = given.get("padding", 0)
    if isinstance(padding, str):
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        padding = [n // 2 for n in reach] if padding == "same" else 0
    return list(zip(kernel, _pair(given.get("stride", 1)), _pair(padding), dilation, strict=True))


def _pooling(args: tuple[Any, ...], kwargs: Any) -> list[_Window]:
    given = dict(zip(("input", "kernel_size", "stride", "padding", "dilation"), args, strict=False)) | kwargs
    kernel = _pair(given["kernel_size"])
    stride = given.get("stride")
    dilation = given.get("dilation", 1)
    if isinstance(dilation, bool):  # the fifth argument of an average pool says something else
        dilation = 1
    return list(
        zip(kernel, _pair(stride or kernel), _pair(given.get("padding", 0)), _pair(dilation), strict=True)
    )


def _pair(value: Any) -> tuple[int, int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return (int(values[0]), int(values[-1]))


def _padded(reach: MapReach, pads: Any, ndim: int) -> MapReach:
    """A frame was added: ``pads`` counts from the last axis, before and after."""
    if reach.grids is None:
        return reach
    frame = {ndim - 1 - i // 2: (int(pads[i]), int(pads[i + 1])) for i in range(0, len(pads), 2)}
    frames = [frame.get(axis, (0, 0)) for axis in reach.axes]
    pairs = zip(reach.grids, frames, strict=True)
    rows, columns = (grid.through(1, padding=before, padding_end=after) for grid, (before, after) in pairs)
    return replace(reach, grids=(rows, columns))


def _turned(name: str, reach: MapReach, args: tuple[Any, ...], kwargs: Any, ndim: int) -> MapReach:
    dims = kwargs.get("dims") or (args[0] if args and isinstance(args[0], list | tuple) else args)
    if reach.grids is None:
        return reach
    order = [int(dim) % ndim for dim in dims]
    if name == "transpose":
        one, two = order
        order = list(range(ndim))
        order[one], order[two] = two, one
    return replace(reach, axes=(order.index(reach.axes[0]), order.index(reach.axes[1])))


def _spread(reach: MapReach, over: Iterable[int]) -> MapReach:
    """One number from many along the axes ``over``: no longer exact if rows or columns are among them."""
    return replace(reach, exact=reach.exact and not set(over) & set(reach.axes))


def _summed(reach: MapReach, args: tuple[Any, ...], kwargs: Any, ndim: int, result: Tensor) -> MapReach:
    dims = kwargs.get("dim", args[0] if args and not isinstance(args[0], bool) else None)
    over = range(ndim) if dims is None else [d % ndim for d in ([dims] if isinstance(dims, int) else dims)]
    if reach.grids is None or set(over) & set(reach.axes):
        return MapReach(None, exact=False)
    axes = reach.axes
    if result.ndim < ndim:
        axes = (axes[0] - sum(d < axes[0] for d in over), axes[1] - sum(d < axes[1] for d in over))
    return replace(reach, axes=axes)


def _reshaped(tensor: Tensor, reach: MapReach, result: Tensor) -> MapReach:
    """Another shape: followed while rows and columns stay what they are (groups of channels are made)."""
    kept = _sizes(tensor, reach.axes) if reach.grids is not None else None
    if result.ndim == tensor.ndim and _sizes(result, reach.axes) == kept:
        return reach
    ends = (result.ndim - 2, result.ndim - 1)
    if reach.axes == (tensor.ndim - 2, tensor.ndim - 1) and _sizes(result, ends) == kept:
        return replace(reach, axes=ends)
    return MapReach(None, exact=False)


def _sizes(tensor: Tensor, axes: tuple[int, int]) -> tuple[int, int]:
    return (tensor.shape[axes[0]], tensor.shape[axes[1]])


def _united(inputs: list[tuple[Tensor, MapReach]], result: Tensor) -> MapReach:
    """What a sum, product or concatenation sees: all that its inputs see.

    Where the inputs' cells do not lie on one another (an average pool in a shortcut), those of the input
    with the widest view count.
    """
    placed = [(tensor, reach, reach.grids) for tensor, reach in inputs if reach.grids is not None]
    if not placed:
        return MapReach(None, exact=False)
    tensor, widest, grids = max(placed, key=lambda entry: entry[2][0].field_px)
    axes = widest.axes
    alike = all(r.axes == axes and g[0].jump == grids[0].jump for _, r, g in placed)
    if not alike or max(axes) >= result.ndim or _sizes(result, axes) != _sizes(tensor, axes):
        return MapReach(None, exact=False)
    rows, columns = (_with_field(grids[axis], [g[axis] for _, _, g in placed]) for axis in (0, 1))
    return MapReach((rows, columns), axes, all(reach.exact for _, reach in inputs))


def _with_field(grid: Grid, others: list[Grid]) -> Grid:
    """``grid`` with a field that covers those of ``others`` as well."""
    low = min(other.start - (other.field_px - 1) / 2 for other in others)
    high = max(other.start + (other.field_px - 1) / 2 for other in others)
    least_px = max(other.least_px for other in others)
    return replace(grid, field_px=round(high - low) + 1, least_px=least_px)
