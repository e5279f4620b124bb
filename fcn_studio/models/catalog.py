"""What each network offers, from stored figures: no torch, no timm, nothing is built.

``python -m fcn_studio.models.catalog_figures`` computes the figures from the networks and stores them.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

import msgspec

from fcn_studio.core.errors import CheckpointError

PATH = Path(__file__).with_name("catalog.json")


class Preprocessing(msgspec.Struct, frozen=True, kw_only=True):
    """How pixels enter: 0..255 in this order of channels, ``x = (pixel - mean) / std``."""

    order: str = "RGB"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk, or one network ("<head>_<trunk>", or a network of one piece) with 21 classes.

    ``kind``: "trunk" or "network"; ``family``: whose layers ("own", "torchvision", "timm"); ``trunk``: what a
    network stands on, "" for one of one piece.
    ``stride``: pixels from one cell to the next, of a trunk's deepest features or of a network's scores.
    ``receptive_field``: pixels of an axis that a deepest cell sees through layers of finite reach; None where
    a network pools over the whole picture. ``exact_tiling``: tiles give the same as the whole picture.
    ``weights``: which pretrained ones there are, "" for none, and ``licence`` is theirs; ``url`` and
    ``sha256`` (or its first digits; "" where the server says it) serve ``fetch_weights``.
    """

    name: str
    kind: str
    family: str
    trunk: str = ""
    parameters: int
    stride: int
    receptive_field: int | None
    exact_tiling: bool
    preprocessing: Preprocessing
    weights: str
    licence: str
    url: str = ""
    sha256: str = ""


@cache
def read_catalog() -> tuple[Offer, ...]:
    """All offers: the trunks by name, then the networks by name."""
    return msgspec.json.decode(PATH.read_bytes(), type=tuple[Offer, ...])


def find_offer(name: str) -> Offer:
    """The offer of a trunk or network. Raises CheckpointError for an unknown name and says the nearest."""
    by_name = {offer.name: offer for offer in read_catalog()}
    if name not in by_name:
        near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.0)
        raise CheckpointError(
            f"There is no {name!r} in the list of networks: the nearest is {near[0]!r}. "
            "`fcn-studio models` shows all of them."
        )
    return by_name[name]


def encode_catalog(offers: tuple[Offer, ...]) -> bytes:
    """One line an offer, so that a change is a change of few lines."""
    lines = ",\n".join(msgspec.json.encode(offer).decode() for offer in offers)
    return f"[\n{lines}\n]\n".encode()
