"""The list of architectures: name to builder. A new trunk or head is one file and one registration."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk

Builder = Callable[[int], FcnNetwork]
_builders: dict[str, Builder] = {}


def register(name: str, builder: Builder) -> None:
    """Add an architecture; ``builder(classes)`` makes it untrained. Raises ValueError for a name in use."""
    if name in _builders:
        raise ValueError(f"the architecture {name!r} is registered already")
    _builders[name] = builder


def architectures() -> tuple[str, ...]:
    """All registered names, sorted."""
    return tuple(sorted(_builders))


def create_model(name: str, classes: int) -> FcnNetwork:
    """Build an architecture with ``classes`` output channels; score layers are zero, the rest random.

    Raises CheckpointError for an unknown name and says the nearest known one.
    """
    builder = _builders.get(name)
    if builder is None:
        near = difflib.get_close_matches(name, _builders, n=1, cutoff=0.0)
        raise CheckpointError(
            f"There is no network {name!r} in this version of FCN Studio: the nearest is {near[0]!r}."
        )
    return builder(classes)


def _mobilenet_v2(skips: tuple[int, ...]) -> Builder:
    return lambda classes: FcnNetwork(MobileNetV2Trunk(), MobileNetV2Trunk.channels, classes, skips)


register("fcn16s_mobilenet_v2", _mobilenet_v2(()))
register("fcn8s_mobilenet_v2", _mobilenet_v2((8,)))
