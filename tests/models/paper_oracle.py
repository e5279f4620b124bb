"""The paper's networks written a second time, in float64 and of convolutions only; nothing of FCN Studio.

Layer table, paddings and crops are copied from fcn.berkeleyvision.org (fcn-reference 1.2): pooling is the
maximum over shifted slices, a deconvolution is the convolution of the zero-stuffed map.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

VGG_CONVS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
DECONVS = {
    32: {"upscore": 64},
    16: {"upscore2": 4, "upscore16": 32},
    8: {"upscore2": 4, "upscore_pool4": 4, "upscore8": 16},
}  # fmt: skip
State = dict[str, Tensor]


def bilinear(size: int) -> Tensor:
    """The kernel of Caffe's surgery, float64 [size, size]."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    line = 1 - (torch.arange(size, dtype=torch.float64) - centre).abs() / factor
    return line[:, None] * line[None, :]


def public_state(
    stride: int, classes: int = 3, trunk: str = "vgg16", width: int = 4, fc: int = 8, seed: int = 0
) -> State:
    """Weights in the layout of the public conversions, float64; random, but deconvolutions are bilinear."""
    generator = torch.Generator().manual_seed(seed)
    state: State = {}

    def put(name: str, outputs: int, inputs: int, kernel: int) -> None:
        spread = (2 / (inputs * kernel**2)) ** 0.5
        shape = (outputs, inputs, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator, dtype=torch.float64) * spread
        state[f"{name}.bias"] = torch.randn(outputs, generator=generator, dtype=torch.float64) * 0.3

    inputs = 3
    for block, amount in enumerate(VGG_CONVS[trunk], start=1):
        outputs = width * min(2 ** (block - 1), 8)
        for number in range(1, amount + 1):
            put(f"conv{block}_{number}", outputs, inputs, 3)
            inputs = outputs
    put("fc6", fc, inputs, 7)
    put("fc7", fc, fc, 1)
    put("score_fr", classes, fc, 1)
    if stride <= 16:
        put("score_pool4", classes, 8 * width, 1)
    if stride <= 8:
        put("score_pool3", classes, 4 * width, 1)
    for name, size in DECONVS[stride].items():
        weight = torch.zeros(classes, classes, size, size, dtype=torch.float64)
        weight[range(classes), range(classes)] = bilinear(size)
        state[f"{name}.weight"] = weight
    return state


def alexnet_state(classes: int = 3, width: int = 8, fc: int = 8, seed: int = 0) -> State:
    """torchvision's AlexNet (64 channels at first, here ``width``) as a 32s network, float64."""
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    w2, w3, w4 = 3 * width, 6 * width, 4 * width
    rows = (("conv1", width, 3, 11), ("conv2", w2, width, 5), ("conv3", w3, w2, 3), ("conv4", w4, w3, 3))
    rows += (("conv5", w4, w4, 3), ("fc6", fc, w4, 6), ("fc7", fc, fc, 1), ("score_fr", classes, fc, 1))
    for name, outputs, inputs, kernel in rows:
        spread = (2 / (inputs * kernel**2)) ** 0.5
        shape = (outputs, inputs, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator, dtype=torch.float64) * spread
        state[f"{name}.bias"] = torch.randn(outputs, generator=generator, dtype=torch.float64) * 0.3
    weight = torch.zeros(classes, classes, 63, 63, dtype=torch.float64)
    weight[range(classes), range(classes)] = bilinear(63)
    state["upscore.weight"] = weight
    return state


def pool(x: Tensor, kernel: int = 2, stride: int = 2) -> Tensor:
    """Max-pooling without padding whose size is rounded up, as Caffe does it."""
    cells = [-(-max(size - kernel, 0) // stride) + 1 for size in x.shape[-2:]]
    ends = [(amount - 1) * stride + kernel for amount in cells]
    fill = (0, max(0, ends[1] - x.shape[-1]), 0, max(0, ends[0] - x.shape[-2]))
    x = functional.pad(x, fill, value=float("-inf"))
    shifted = [
        x[..., dy : dy + (cells[0] - 1) * stride + 1 : stride, dx : dx + (cells[1] - 1) * stride + 1 : stride]
        for dy in range(kernel)
        for dx in range(kernel)
    ]
    return torch.stack(shifted).amax(dim=0)


def deconvolve(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """weight [inputs, outputs, k, k]: zeros between the cells, then a convolution with the turned kernel."""
    batch, channels, height, width = x.shape
    stuffed = x.new_zeros(batch, channels, (height - 1) * stride + 1, (width - 1) * stride + 1)
    stuffed[..., ::stride, ::stride] = x
    turned = weight.transpose(0, 1).flip((2, 3))
    return functional.conv2d(stuffed, turned, padding=weight.shape[-1] - 1)


def forward(
    state: State, x: Tensor, stride: int, trunk: str = "vgg16", scales: tuple[float, float] = (1, 1)
) -> Tensor:
    """Scores of every pixel, [1, K, H, W]; ``scales``: what pool4 and pool3 are multiplied by."""

    def conv(name: str, x: Tensor, padding: int = 0) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def crop(x: Tensor, offset: int, like: Tensor) -> Tensor:
        return x[..., offset : offset + like.shape[-2], offset : offset + like.shape[-1]]

    image, pooled = x, {}
    for block, amount in enumerate(VGG_CONVS[trunk], start=1):
        for number in range(1, amount + 1):
            x = conv(f"conv{block}_{number}", x, 100 if block == number == 1 else 1).relu()
        x = pooled[block] = pool(x)
    x = conv("score_fr", conv("fc7", conv("fc6", x).relu()).relu())
    if stride == 32:
        return crop(deconvolve(x, state["upscore.weight"], 32), 19, image)
    x = deconvolve(x, state["upscore2.weight"], 2)
    x = x + crop(conv("score_pool4", pooled[4] * scales[0]), 5, x)
    if stride == 16:
        return crop(deconvolve(x, state["upscore16.weight"], 16), 27, image)
    x = deconvolve(x, state["upscore_pool4.weight"], 2)
    x = x + crop(conv("score_pool3", pooled[3] * scales[1]), 9, x)
    return crop(deconvolve(x, state["upscore8.weight"], 8), 31, image)


def alexnet_forward(state: State, x: Tensor) -> Tensor:
    """FCN-AlexNet 32s, [1, K, H, W]."""

    def conv(name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return functional.conv2d(x, weight, bias, stride, padding)

    height, width = x.shape[-2:]
    x = pool(conv("conv1", x, 4, 100).relu(), 3)
    x = pool(conv("conv2", x, 1, 2).relu(), 3)
    x = conv("conv4", conv("conv3", x, 1, 1).relu(), 1, 1).relu()
    x = pool(conv("conv5", x, 1, 1).relu(), 3)
    x = conv("score_fr", conv("fc7", conv("fc6", x).relu()).relu())
    return deconvolve(x, state["upscore.weight"], 32)[..., 18 : 18 + height, 18 : 18 + width]
