"""Foreign weights under the names of a network here, and whether they fit it: the first misfit, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models import foreign_layouts as layouts
from fcn_studio.models.deconvolution import Deconvolution
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign_layouts import State
from fcn_studio.models.heads import ScoreLayer, SkipHead
from fcn_studio.models.paper import AT_ONCE_SCALES, AtOnceVgg, PaperNetwork
from fcn_studio.models.torchvision_nets import TorchvisionNetwork
from fcn_studio.models.trunks.alexnet import AlexNetTrunk
from fcn_studio.models.trunks.trunk import Trunk, is_head_name
from fcn_studio.models.trunks.vgg import VggTrunk

Named = tuple[State, Collection[str]]
"""(weights under the model's names, names of the model that may be missing)."""


def name_for_model(model: FcnNetwork, state: State, layout: str) -> Named:
    """Rename what a file holds. Raises CheckpointError when it is of another network than ``model``."""
    if layout == layouts.SEGMENTATION:
        return _from_segmentation(model, state)
    if layout == layouts.CLASSIFIER:
        return _from_classifier(model, state)
    return _from_public(model, layouts.rename_semseg(state) if layout == layouts.PYTORCH_SEMSEG else state)


def _from_public(model: FcnNetwork, state: State) -> Named:
    """A whole network in the pytorch-fcn layout."""
    there, here = layouts.name_public(state), _public_name(model)
    if there != here:
        raise CheckpointError(
            f"The file holds {there}, the network is {model.name or here}: build it with "
            f"create_model({there!r}, padding='paper') and load the file there."
        )
    if isinstance(model, PaperNetwork):
        return state, ()
    state = dict(state)
    for name, (kernel, factor) in _deconvolutions(there).items():
        given = state.pop(f"{name}.weight", None)
        reason = "" if given is None else Deconvolution(1, kernel, factor, learnt=False).misfit(given)
        if reason:
            raise CheckpointError(f"The weight '{name}.weight' {reason}, padding='paper'.")
    carried = [key for key in model.state_dict() if key.startswith(("head.up", "head.last"))]
    return layouts.rename_public(state, there.partition("_")[2], "head.score{}.score"), carried


def _public_name(model: FcnNetwork) -> str:
    """The name of a network that the pytorch-fcn layout can hold, or an empty text."""
    if isinstance(model, PaperNetwork):
        return f"fcn{model.finest}s_{model.trunk_name}"
    trunk, head = getattr(model, "trunk", None), getattr(model, "head", None)
    if not isinstance(trunk, (VggTrunk, AlexNetTrunk)) or not isinstance(head, SkipHead):
        return ""
    stride = min((*head.skips, head.deepest))
    if isinstance(trunk, AlexNetTrunk):
        return f"fcn{stride}s_alexnet"
    layers = [type(layer) for layer in trunk.features]
    return f"fcn{stride}s_vgg{layers.count(nn.Conv2d) + 3}{'_bn' if nn.BatchNorm2d in layers else ''}"


def _deconvolutions(name: str) -> dict[str, tuple[int, int]]:
    """(kernel, factor) of the deconvolutions of a network such as "fcn8s_vgg16"."""
    if name.startswith("fcn32s"):
        return {"upscore": (63 if name.endswith("alexnet") else 64, 32)}
    if name.startswith("fcn16s"):
        return {"upscore2": (4, 2), "upscore16": (32, 16)}
    return {"upscore2": (4, 2), "upscore_pool4": (4, 2), "upscore8": (16, 8)}


def _from_classifier(model: FcnNetwork, state: State) -> Named:
    """The layers before the scores; the former linear ones may be missing."""
    own = model.state_dict()
    if isinstance(model, PaperNetwork):
        named = layouts.rename_classifier(state, model.trunk_name, model.fc6.kernel_size[0])
        optional = [key for key in own if key.startswith(("fc6", "fc7", "score", "upscore"))]
        return {key: value for key, value in named.items() if key in own}, optional
    if isinstance(model, TorchvisionNetwork):
        prefixed = {f"backbone.{key.removeprefix('features.')}": value for key, value in state.items()}
        optional = [key for key in own if not key.startswith("backbone.")]
        return {key: value for key, value in prefixed.items() if key in own}, optional
    named = {f"trunk.{key}": value for key, value in model.trunk.own_state(state).items()}
    return named, [key for key in own if not key.startswith("trunk.") or key.startswith("trunk.classifier.")]


def _from_segmentation(model: FcnNetwork, state: State) -> Named:
    """A whole network of torchvision; its auxiliary head goes where the model has one too."""
    there = layouts.name_segmentation(state)
    if not isinstance(model, TorchvisionNetwork) or model.kind != there:
        here = model.kind if isinstance(model, TorchvisionNetwork) else model.name
        raise CheckpointError(
            f"The file holds torchvision's {there}, the network is {here}: build it with "
            f"create_model({there!r}) and load the file there."
        )
    auxiliary = [key for key in model.state_dict() if key.startswith("aux_classifier.")]
    if not auxiliary:
        state = {key: value for key, value in state.items() if not key.startswith("aux_classifier.")}
    return state, auxiliary


def scale_skips(model: FcnNetwork, state: State, at_once: bool) -> State:
    """The skips' weights of a file that is of the at-once network or is not, as ``model`` needs them."""
    here = model.at_once if isinstance(model, PaperNetwork) else isinstance(model.trunk, AtOnceVgg)
    state = dict(state)
    for stride, score in ((16, "score_pool4"), (8, "score_pool3")):
        for key in (f"{score}.weight", f"head.score{stride}.score.weight"):
            if at_once != here and key in state:
                state[key] = state[key] * (AT_ONCE_SCALES[stride] if at_once else 1 / AT_ONCE_SCALES[stride])
    return state


def turn_round(model: FcnNetwork, state: State) -> State:
    """The same network for RGB in place of BGR: the input channels of the first layer in reverse."""
    first = f"{_first_layer(model)}.weight"
    return state | {first: state[first].flip(1)} if first in state else state


def _first_layer(model: FcnNetwork) -> str:
    return next((name for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)), "")


def require_fit(model: FcnNetwork, state: State, optional: Collection[str]) -> None:
    """Raise CheckpointError, naming the first weight that is missing, too many or of another shape."""
    own = model.state_dict()
    name = model.name or type(model).__name__
    deconvolutions = {f"{n}.weight": m for n, m in model.named_modules() if isinstance(m, Deconvolution)}
    for key, value in own.items():
        if key in state and key not in deconvolutions and state[key].shape != value.shape:
            raise CheckpointError(_shape_misfit(model, key, state[key], value))
        if key not in state and key not in optional and not key.endswith("num_batches_tracked"):
            raise CheckpointError(
                f"The file lacks the weight {key!r} of {name}: it belongs to another network. Take the file "
                "that was made for this one, or build the network that the file is of."
            )
    for key, value in state.items():
        if key in deconvolutions:
            reason = deconvolutions[key].misfit(value)
            if reason:
                raise CheckpointError(f"The weight {key!r} {reason}.")
        elif key not in own:
            raise CheckpointError(_too_many(model, key))


def require_no_rest(model: FcnNetwork, dropped: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError, naming it, when a classifier's weight that was left over is of no former head.

    Then the file is of a deeper network, of which a part would fit as it is. Counters and indices are no
    weights.
    """
    trunk = getattr(model, "trunk", None)
    is_former_head = trunk.is_former_head if isinstance(trunk, Trunk) else is_head_name
    for key, value in dropped.items():
        if value.is_floating_point() and not is_former_head(key):
            raise CheckpointError(_too_many(model, key))


def _too_many(model: FcnNetwork, key: str) -> str:
    return (
        f"The file has the weight {key!r}, which {model.name or type(model).__name__} has not: it belongs to "
        "another network. Build the network that the file is of."
    )


def _shape_misfit(model: FcnNetwork, key: str, given: Tensor, own: Tensor) -> str:
    layer = key.rpartition(".")[0]
    sizes = f"The weight {key!r} is {_size(given)} in the file and {_size(own)} in the network"
    if layer == _first_layer(model) and given.ndim == 4 and given.shape[1] != 3:
        return f"{sizes}: the file's network takes pictures of {given.shape[1]} channels, those here have 3."
    scores = [name for name, module in model.named_modules() if isinstance(module, ScoreLayer)]
    if layer in scores and given.shape[1:] == own.shape[1:]:
        return (
            f"{sizes}: build the network with classes={len(given)}, as the file has, load it, and change the "
            "classes afterwards (with_classes)."
        )
    is_linear = "fc6" in layer or "fc7" in layer
    if is_linear and given.ndim and len(given) != len(own) and given.shape[2:] == own.shape[2:]:
        return f"{sizes}: build the network with fc_channels={len(given)}."
    return f"{sizes}: it belongs to another network."


def _size(tensor: Tensor) -> str:
    return "x".join(str(n) for n in tensor.shape) or "a single number"
