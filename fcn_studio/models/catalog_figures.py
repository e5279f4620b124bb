"""Computes the catalog from the networks themselves: `python -m fcn_studio.models.catalog_figures`."""

from __future__ import annotations

import re
import sys
from typing import Any

import msgspec
import torch
import torchvision
from torch import nn

from fcn_studio.io.atomic import write_atomic
from fcn_studio.models.catalog import PATH, Offer, Preprocessing, encode_catalog
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.registry import TrunkEntry, architectures, create_model, heads_of, trunks

_HASH = re.compile(r"-([0-9a-f]{8,64})\.")
"""torchvision's files carry the first digits of their SHA-256 in their name, as torch.hub asks for."""
_VOC = "COCO with VOC's classes (torchvision)"


def compute_catalog() -> tuple[Offer, ...]:
    """The offers of everything that is registered; networks are built without numbers (meta device)."""
    entries = trunks()
    offers = {entry.name: _trunk(entry) for entry in entries}
    origins = {f"{head}_{entry.name}": offers[entry.name] for entry in entries for head in heads_of(entry)}
    return (*offers.values(), *(_network(name, origins.get(name)) for name in architectures()))


def _trunk(entry: TrunkEntry) -> Offer:
    with torch.device("meta"):
        trunk = entry.builder(4096)
    return Offer(
        name=entry.name,
        kind="trunk",
        family=entry.kind,
        parameters=_count(trunk),
        stride=trunk.deepest,
        receptive_field=trunk.receptive_field_px,
        exact_tiling=trunk.exact_tiling,
        preprocessing=Preprocessing(mean=trunk.mean, std=trunk.std),
        weights=entry.weights,
        licence=entry.licence,
        **_source(entry.name, entry.kind),
    )


def _network(name: str, trunk: Offer | None) -> Offer:
    """``trunk``: what it stands on, None for a network of one piece."""
    with torch.device("meta"):
        model: FcnNetwork = create_model(name)
    figures: dict[str, Any] = {
        "name": name,
        "kind": "network",
        "trunk": trunk.name if trunk else "",
        "parameters": _count(model),
        "stride": model.stride,
        "receptive_field": model.receptive_field_px or None,
        "exact_tiling": model.exact_tiling,
        "preprocessing": Preprocessing(mean=model.mean, std=model.std),
    }
    if trunk is not None:
        return msgspec.structs.replace(trunk, **figures)
    if name in torchvision.models.list_models():
        figures |= {"family": "torchvision", "weights": _VOC, "licence": "BSD-3-Clause"}
        return Offer(**figures | _source(name, "torchvision"))
    return Offer(**figures, family="own", weights="", licence="Apache-2.0")


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _source(name: str, family: str) -> dict[str, str]:
    """Where the pretrained weights lie and how they are checked."""
    if family == "torchvision":
        # The first ones: torchvision's own segmentation networks start from them too, not from the later V2.
        url = next(iter(torchvision.models.get_model_weights(name))).url
        found = _HASH.search(url)
        if found is None:
            raise ValueError(f"{url} carries no hash: it could not be checked")
        return {"url": url, "sha256": found.group(1)}
    if family == "timm":
        from fcn_studio.models.timm_trunks import hub_url_of

        return {"url": hub_url_of(name)}
    return {}


def main(arguments: list[str]) -> None:
    """Store the catalog; with --check only say whether it is still right."""
    found: Any = encode_catalog(compute_catalog())
    if "--check" in arguments:
        sys.exit(0 if found == PATH.read_bytes() else "catalog.json is out of date: run me without --check.")
    write_atomic(PATH, found)
    print(f"{PATH}: {found.count(b'name')} entries")


if __name__ == "__main__":
    main(sys.argv[1:])
