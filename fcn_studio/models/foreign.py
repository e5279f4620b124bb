"""Weights of other programs into networks here: the layout is recognised, and every misfit is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models import foreign_layouts as layouts
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign_files import read_foreign, require_numbers, unwrap_state
from fcn_studio.models.foreign_layouts import PREPROCESSINGS, Preprocessing, State
from fcn_studio.models.foreign_names import (
    name_for_model,
    require_fit,
    require_no_rest,
    scale_skips,
    turn_round,
)
from fcn_studio.models.paper import PaperNetwork
from fcn_studio.models.torchvision_nets import TorchvisionNetwork
from fcn_studio.models.trunks.alexnet import AlexNetTrunk
from fcn_studio.models.trunks.vgg import VggTrunk
from fcn_studio.models.weights_source import path_of

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Loaded:
    """What ``load_foreign`` did. ``dropped``: names in the file that the network has no place for;
    ``untouched``: names in the network that the file has nothing for, left as they were."""

    layout: str
    dropped: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()


def load_foreign(
    model: FcnNetwork,
    weights: Mapping[str, object] | Path | str,
    *,
    at_once: bool | None = None,
    preprocessing: str | None = None,
) -> Loaded:
    """Fill ``model`` with the weights of another program; what was lost or is new stands in the answer.

    weights: a state dict, also wrapped or with the prefix ``module.``, or the path of a file, which is read
    without running anything of it, or "pretrained" for those that `fcn-studio models` names, fetched where
    they are not there. Known: the pytorch-fcn layout (the released Caffe networks converted),
    pytorch-semseg's fcn8s, torchvision's classifiers and its segmentation networks.

    preprocessing: a name of ``PREPROCESSINGS`` where the file's network was fed otherwise than its layout
    tells ("caffe" for pytorch-fcn, "torchvision" for torchvision; pytorch-semseg's must be said). Networks
    that want BGR get their first layer turned round, so that they take RGB like all others here, and
    ``model.mean`` and ``model.std`` become what the card must say.
    at_once: whether the file is of the at-once network, whose names are those of the staged one; default: as
    ``model``. Where they differ the scales go into the weights.

    The model is changed only when everything fits. Raises CheckpointError, which names the first weight that
    does not.
    """
    if not isinstance(model, (PaperNetwork, TorchvisionNetwork)) and not hasattr(model, "trunk"):
        raise CheckpointError(f"{model.name} is made of other networks: load the weights into those.")
    if isinstance(weights, (str, Path)):
        state = read_foreign(path_of(weights, model.name))
    else:
        state = unwrap_state(weights)
    layout = _layout_for(model, state)
    feeding = _feeding(model, layout, preprocessing)
    usable = state
    if layout == layouts.CLASSIFIER and _is_caffes(model) and _is_of_features_alone(state):
        usable = {key: value for key, value in state.items() if not key.startswith("classifier.")}
        feeding = feeding if preprocessing else PREPROCESSINGS["features"]
    found, optional = name_for_model(model, usable, layout)
    dropped = _dropped(state, found)
    require_numbers({key: value for key, value in state.items() if key not in dropped})
    require_fit(model, found, optional)
    if layout == layouts.CLASSIFIER:
        require_no_rest(model, dropped)
    if layout in (layouts.PYTORCH_FCN, layouts.PYTORCH_SEMSEG) and at_once is not None:
        found = scale_skips(model, found, at_once)
    if feeding is not None and feeding.bgr:
        found = turn_round(model, found)
    own = model.state_dict()
    model.load_state_dict(own | found)
    if feeding is not None:
        model.feed_with(feeding.mean, feeding.std)
    return Loaded(
        layout,
        dropped=tuple(dropped),
        untouched=tuple(key for key in own if key not in found and not key.endswith(_COUNTER)),
    )


def _layout_for(model: FcnNetwork, state: State) -> str:
    try:
        return layouts.recognise_layout(state)
    except CheckpointError:
        if hasattr(model, "trunk") and model.trunk.own_state(state):
            return layouts.CLASSIFIER  # of the library that the trunk comes from
        raise


def _feeding(model: FcnNetwork, layout: str, name: str | None) -> Preprocessing | None:
    """How the file's network was fed; None: as the model says already."""
    if name is None and layout == layouts.PYTORCH_SEMSEG:
        raise CheckpointError(
            "pytorch-semseg feeds its networks differently for each data set: say "
            "preprocessing='torchvision' (its VOC loader: RGB) or preprocessing='semseg' (most others: BGR, "
            "divided by 255)."
        )
    if name is None and layout != layouts.PYTORCH_FCN:
        return PREPROCESSINGS["torchvision"] if _is_caffes(model) else None
    name = name or "caffe"
    if name not in PREPROCESSINGS:
        known = ", ".join(PREPROCESSINGS)
        raise CheckpointError(f"There is no preprocessing {name!r}: choose one of {known}.")
    return PREPROCESSINGS[name]


def _is_caffes(model: FcnNetwork) -> bool:
    """Whether files of Caffe can be loaded into the network too, which feeds its networks otherwise."""
    fed = model if isinstance(model, PaperNetwork) else getattr(model, "trunk", None)
    return isinstance(fed, (PaperNetwork, VggTrunk, AlexNetTrunk))


def _is_of_features_alone(state: State) -> bool:
    """torchvision's files of features fill the linear layers with NaN (and want other pixels)."""
    linear = [value for key, value in state.items() if key.startswith("classifier.")]
    return bool(linear) and all(bool(value.isnan().all()) for value in linear)


def _dropped(state: State, found: State) -> State:
    """What of the file did not get anywhere: values under other names share their memory."""
    taken = {value.data_ptr() for value in found.values()}
    return {key: value for key, value in state.items() if value.data_ptr() not in taken}
