"""The list of networks: trunks by name, heads by name, and networks of one piece; nearest name for a typo."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.heads import HEADS, SkipHead
from fcn_studio.models.spec import MAX_CLASSES
from fcn_studio.models.trunks.trunk import Trunk
from fcn_studio.models.upsampling import UPSAMPLINGS

PADDINGS = ("same", "paper")
MODULES = (
    "fcn_studio.models.trunks.mobilenet_v2",
    "fcn_studio.models.trunks.alexnet",
    "fcn_studio.models.trunks.googlenet",
    "fcn_studio.models.trunks.vgg",
    "fcn_studio.models.trunks.resnet",
    "fcn_studio.models.paper",
    "fcn_studio.models.torchvision_nets",
    "fcn_studio.models.timm_trunks",
    "fcn_studio.models.embedded",
)
"""Imported before the registry is first read; each registers what it has."""


@dataclass(frozen=True)
class Options:
    """What ``create_model`` can be asked for beside the name and the classes; the card keeps what differs."""

    upsampling: str = "bilinear"
    padding: str = "same"
    fc_channels: int = 4096
    score_width: int = 0
    merged: str = ""

    def __post_init__(self) -> None:
        _require("upsampling", self.upsampling, UPSAMPLINGS)
        _require("padding", self.padding, PADDINGS)
        for key, least in (("fc_channels", 1), ("score_width", 0)):
            given = getattr(self, key)
            if not isinstance(given, int) or given < least:
                raise CheckpointError(f"{key} is {given!r}: use a whole number of at least {least}.")

    def chosen(self) -> dict[str, str | int]:
        """Those that are not the default, as the card stores them."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    def require_none(self, reason: str) -> None:
        """Raise CheckpointError, with the reason, unless all are the default; fc_channels may go unheard."""
        unheard = [word for word in self.chosen() if word != "fc_channels"]
        if unheard:
            raise CheckpointError(f"{reason}: leave out {', '.join(unheard)}.")


class BuildTrunk(Protocol):
    """Makes an untrained trunk; one without fc layers ignores ``fc_channels``."""

    def __call__(self, fc_channels: int, /) -> Trunk: ...


BuildNetwork = Callable[[int, Options], FcnNetwork]
"""(classes, options) to an untrained network."""
BuildHeaded = Callable[[Trunk, int, int, Options], FcnNetwork]
"""(trunk, classes, finest stride, options) to an untrained network."""
BuildPaper = Callable[[str, int, Options], FcnNetwork]
"""(head's name, classes, options) to an untrained network with the paper's padding."""


@dataclass(frozen=True)
class TrunkEntry:
    """A registered trunk. ``strides``: those its features have (a head is offered for each).

    ``network``: puts a head on it in place of the paper's; ``paper``: builds it with ``padding="paper"``.
    """

    name: str
    builder: BuildTrunk
    kind: str
    licence: str
    weights: str
    strides: tuple[int, ...]
    network: BuildHeaded | None
    paper: BuildPaper | None


_trunks: dict[str, TrunkEntry] = {}
_networks: dict[str, BuildNetwork] = {}
_families: dict[str, Callable[[str], TrunkEntry]] = {}


def register_trunk(
    name: str,
    builder: BuildTrunk,
    *,
    kind: str,
    licence: str,
    weights: str,
    strides: tuple[int, ...] = (4, 8, 16, 32),
    network: BuildHeaded | None = None,
    paper: BuildPaper | None = None,
) -> None:
    """Add a trunk, and with it a network for each head. ``kind``: where it comes from ("torchvision", "timm",
    "own"); ``weights``: words for the weights there are. Raises ValueError for a name in use."""
    _refuse_duplicate(name, _trunks)
    _trunks[name] = TrunkEntry(name, builder, kind, licence, weights, strides, network, paper)


def register_architecture(name: str, builder: BuildNetwork) -> None:
    """Add a network of one piece. Raises ValueError for a name in use."""
    _refuse_duplicate(name, _networks)
    _networks[name] = builder


def register_family(prefix: str, find: Callable[[str], TrunkEntry]) -> None:
    """Let every trunk name "prefix:REST" be ``find(REST)``, which raises CheckpointError for one it lacks."""
    _refuse_duplicate(prefix, _families)
    _families[prefix] = find


def trunks() -> tuple[TrunkEntry, ...]:
    """All registered trunks by name."""
    _load_entries()
    return tuple(_trunks[name] for name in sorted(_trunks))


def architectures() -> tuple[str, ...]:
    """The names of all registered networks, sorted; families and sums are endless and not listed."""
    headed = [head + "_" + trunk.name for trunk in trunks() for head in heads_of(trunk)]
    return tuple(sorted([*headed, *_networks]))


def heads_of(trunk: TrunkEntry) -> tuple[str, ...]:
    """Names of the heads that a trunk can have, coarsest first."""
    return tuple(head for head, stride in HEADS.items() if stride in trunk.strides)


def create_model(
    name: str,
    classes: int = 21,
    *,
    upsampling: str = "bilinear",
    padding: str = "same",
    weights: Path | str | Mapping[str, Tensor] | None = None,
    fc_channels: int = 4096,
    score_width: int = 0,
    merged: str = "",
) -> FcnNetwork:
    """Build a network with ``classes`` output channels; score layers are zero, the rest random.

    name: "<head>_<trunk>" with a head of ``HEADS``, a registered network, or "a+b", whose scores are the sum
    of both. upsampling: "bilinear", "transposed" (the doublings learnt, the last step fixed),
    "transposed_frozen", "transposed_learnt" (all learnt: scores come out at stride 1) or "unpool". padding:
    "same", or "paper" (pad 100). weights: a classifier's state dict, or the path of one (.pth, .safetensors),
    for the trunk. fc_channels: width of fc6 and fc7 where the trunk has them. score_width: 0 for the paper's
    bare 1x1 scores; else each score is a 3x3 convolution to so many channels, batch norm, ReLU and 1x1.
    merged: which rows make up each class, "0,1+2"; ``surgery.with_classes`` writes it.

    Raises CheckpointError for an unknown name (and says the nearest), for a number of classes or options that
    cannot be, and for weights that do not fit.
    """
    _load_entries()
    if not isinstance(classes, int) or not 1 <= classes <= MAX_CLASSES:
        raise CheckpointError(
            f"classes is {classes!r}: use a whole number from 1 to {MAX_CLASSES} (a label is a byte)."
        )
    options = Options(upsampling, padding, fc_channels, score_width, merged)
    model = _merged(name, classes, options) if merged else _build(name, classes, options)
    model.options = options.chosen()
    if weights is not None:
        from fcn_studio.models.foreign import load_foreign

        load_foreign(model, weights)
    return model


def _merged(name: str, classes: int, options: Options) -> FcnNetwork:
    from fcn_studio.models.merging import MergedNetwork, read_groups

    groups = read_groups(options.merged, classes)
    rows = sum(len(group) for group in groups)  # may be more than there can be classes
    model = MergedNetwork(_build(name, rows, replace(options, merged="")), groups)
    model.name = name
    return model


def _build(name: str, classes: int, options: Options) -> FcnNetwork:
    builder = _networks.get(name)
    if "+" in name:
        from fcn_studio.models.sum import SumNetwork

        model: FcnNetwork = SumNetwork([_build(part, classes, options) for part in name.split("+")])
    else:
        model = _with_head(name, classes, options) if builder is None else builder(classes, options)
    model.name, model.options = name, options.chosen()
    return model


def _with_head(name: str, classes: int, options: Options) -> FcnNetwork:
    head, _, trunk_name = name.partition("_")
    entry = _find_trunk(trunk_name)
    if head not in HEADS or entry is None:
        raise _unknown(name)
    if HEADS[head] not in entry.strides:
        raise CheckpointError(
            f"There is no {name}: {trunk_name} has scores at the strides "
            f"{', '.join(map(str, sorted(entry.strides)))} only. Choose "
            f"{' or '.join(other for other, stride in HEADS.items() if stride in entry.strides)}."
        )
    if options.padding == "paper":
        if entry.paper is None:
            having = ", ".join(trunk.name for trunk in trunks() if trunk.paper)
            raise CheckpointError(f"padding='paper' is not for {trunk_name}: it is for {having}.")
        return entry.paper(head, classes, options)
    trunk = entry.builder(options.fc_channels)
    if entry.network is not None:
        return entry.network(trunk, classes, HEADS[head], options)
    return make_network(trunk, classes, HEADS[head], options)


def make_network(trunk: Trunk, classes: int, finest: int, options: Options) -> FcnNetwork:
    """The paper's head on a trunk."""
    head = SkipHead(trunk, classes, finest, upsampling=options.upsampling, score_width=options.score_width)
    return FcnNetwork(trunk, head)


def _find_trunk(name: str) -> TrunkEntry | None:
    family, colon, rest = name.partition(":")
    if colon and family in _families:
        return _families[family](rest)
    return _trunks.get(name)


def _unknown(name: str) -> CheckpointError:
    near = difflib.get_close_matches(name, architectures(), n=1, cutoff=0.0)
    return CheckpointError(
        f"There is no network {name!r} in this version of FCN Studio: the nearest is {near[0]!r}."
    )


def _refuse_duplicate(name: str, names: Mapping[str, object]) -> None:
    if name in names:
        raise ValueError(f"{name!r} is registered already")


def _require(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.0)[0]
        raise CheckpointError(f"There is no {option} {value!r}: the nearest is {near!r}.")


@cache
def _load_entries() -> None:
    for module in MODULES:
        import_module(module)
