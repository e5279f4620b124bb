"""Which program wrote a state dict, what network it holds, and its weights under the names used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.paper import CAFFE_MEAN
from fcn_studio.models.trunks.vgg import DEPTHS

State = dict[str, Tensor]

PYTORCH_FCN = "pytorch-fcn"
PYTORCH_SEMSEG = "pytorch-semseg"
CLASSIFIER = "torchvision classifier"
SEGMENTATION = "torchvision segmentation"

_SEGMENTATION_ENTRY = "backbone."
_SCORES = {"score_fr": 32, "score_pool4": 16, "score_pool3": 8}


class Preprocessing(NamedTuple):
    """How a file's network was fed: pixels 0..255 as ``(pixel - mean) / std``, ``mean`` in RGB order."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr: bool = False


PREPROCESSINGS = {
    "caffe": Preprocessing(CAFFE_MEAN, (1.0, 1.0, 1.0), bgr=True),
    "torchvision": Preprocessing((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "semseg": Preprocessing(CAFFE_MEAN, (255.0, 255.0, 255.0), bgr=True),
    "features": Preprocessing((122.99925, 116.9991, 103.9992), (1.0, 1.0, 1.0)),
}
"""fcn-reference 7.4. "semseg": what pytorch-semseg's loaders do for most data sets; "features": torchvision's
``VGG16_Weights.IMAGENET1K_FEATURES``."""


def recognise_layout(state: Mapping[str, Tensor]) -> str:
    """The program whose names a state dict has. Raises CheckpointError for names that nobody here knows."""
    names = set(state)
    if "fc6.weight" in names and names & {"conv1_1.weight", "conv1.weight"}:
        return PYTORCH_FCN
    if "conv_block1.0.weight" in names:
        return PYTORCH_SEMSEG
    if any(name.startswith(_SEGMENTATION_ENTRY) for name in names):
        return SEGMENTATION
    if any(name.startswith(("features.0.weight", "features.0.0.")) for name in names):
        return CLASSIFIER
    if {"conv1.weight", "layer1.0.conv1.weight"} <= names:
        return CLASSIFIER
    if {"conv1.conv.weight", "inception3a.branch1.conv.weight"} <= names:
        return CLASSIFIER
    raise CheckpointError(
        f"The names of these weights ({', '.join(sorted(names)[:3])} ...) are those of no layout known here: "
        "pytorch-fcn, pytorch-semseg, torchvision's classifiers and its segmentation networks."
    )


def name_segmentation(state: Mapping[str, Tensor]) -> str:
    """Which of torchvision's segmentation networks a state dict is of."""
    if any(name.startswith("classifier.cbr") for name in state):
        return "lraspp_mobilenet_v3_large"
    head = "deeplabv3" if any(name.startswith("classifier.0.convs") for name in state) else "fcn"
    if not any(name.startswith("backbone.layer1") for name in state):
        return f"{head}_mobilenet_v3_large"
    return f"{head}_resnet{101 if 'backbone.layer3.22.conv1.weight' in state else 50}"


def name_public(state: Mapping[str, Tensor]) -> str:
    """Which network a state dict of the pytorch-fcn layout is of, such as "fcn8s_vgg16".

    A VGG may lack layers, or have some that none has: it is the shallowest that has all others.
    """
    stride = min(
        stride for score, stride in _SCORES.items() if score == "score_fr" or f"{score}.weight" in state
    )
    if "conv1.weight" in state:
        return f"fcn{stride}s_alexnet"
    layers = {name.rpartition(".")[0] for name in state} & convolution_names("vgg19").keys()
    depth = next(depth for depth in DEPTHS if layers <= convolution_names(f"vgg{depth}").keys())
    norm = "_bn" if any(name.startswith("bn1_1") for name in state) else ""
    return f"fcn{stride}s_vgg{depth}{norm}"


def convolution_names(trunk: str) -> dict[str, str]:
    """Layer of the pytorch-fcn layout to layer of torchvision's classifier: "conv1_1" to "features.0" ...

    Of the batch-norm siblings "bn1_1" and so on too; the linear layers come last, as "fc6" and "fc7".
    """
    if trunk == "alexnet":
        indices = dict(zip(range(1, 6), (0, 3, 6, 8, 10), strict=True))
        names = {f"conv{number}": f"features.{index}" for number, index in indices.items()}
        return names | {"fc6": "classifier.1", "fc7": "classifier.4"}
    norm, index, names = trunk.endswith("_bn"), 0, {}
    for block, amount in enumerate(DEPTHS[int(trunk.removesuffix("_bn").removeprefix("vgg"))], start=1):
        for number in range(1, amount + 1):
            names[f"conv{block}_{number}"] = f"features.{index}"
            if norm:
                names[f"bn{block}_{number}"] = f"features.{index + 1}"
            index += 3 if norm else 2
        index += 1
    return names | {"fc6": "classifier.0", "fc7": "classifier.3"}


def rename_semseg(state: Mapping[str, Tensor]) -> State:
    """Weights of pytorch-semseg's fcn8s in the pytorch-fcn layout.

    Raises CheckpointError for its other networks: they stretch scores that lie round the padded picture
    over the picture without the padding, which no network here does.
    """
    if "upscore8.weight" not in state:
        kind = name_public(_rename(state, _semseg_names())).partition("_")[0]
        raise CheckpointError(
            f"This is pytorch-semseg's {kind} without deconvolutions: it pads the picture by 100, but "
            "stretches the scores over it without cutting the padding off, so that they do not lie on their "
            "pixels. No network here equals that. Its fcn8s with deconvolutions can be loaded; or train "
            "fcn8s_vgg16 anew."
        )
    return _rename(state, _semseg_names())


def _semseg_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for block, amount in enumerate(DEPTHS[16], start=1):
        names |= {f"conv_block{block}.{2 * n}": f"conv{block}_{n + 1}" for n in range(amount)}
    names |= {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "score_fr"}
    return names | {"upscore4": "upscore_pool4"}


def rename_classifier(state: Mapping[str, Tensor], trunk: str, fc6_kernel: int) -> State:
    """Weights of torchvision's classifier in the pytorch-fcn layout, linear layers as convolutions.

    What has no place there keeps its name.
    """
    names = {there: here for here, there in convolution_names(trunk).items()}
    found = _rename(state, names)
    for layer, kernel in (("fc6", fc6_kernel), ("fc7", 1)):
        weight = found.get(f"{layer}.weight")
        if weight is not None and weight.ndim == 2 and weight.shape[1] % kernel**2 == 0:
            found[f"{layer}.weight"] = weight.reshape(len(weight), -1, kernel, kernel)
    return found


def rename_public(state: Mapping[str, Tensor], trunk: str, score_path: str) -> State:
    """Weights of the pytorch-fcn layout under the names of a trunk and head with the same padding.

    ``score_path``: name of the score layer of a stride, with ``{}`` for the stride.
    """
    names = {here: f"trunk.{there}" for here, there in convolution_names(trunk).items()}
    names |= {layer: f"trunk.classifier.{layer}" for layer in ("fc6", "fc7")}
    names |= {score: score_path.format(stride) for score, stride in _SCORES.items()}
    return _rename(state, names)


def _rename(state: Mapping[str, Tensor], names: Mapping[str, str]) -> State:
    """``names``: layers, that is names without ".weight" and the like."""
    found = {}
    for key, value in state.items():
        layer, _, kind = key.rpartition(".")
        found[f"{names.get(layer, layer)}.{kind}"] = value
    return found
