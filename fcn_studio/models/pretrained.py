"""Weights of classifiers into trunks, as training asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign


def load_trunk_weights(model: FcnNetwork, weights: Mapping[str, Tensor] | Path | str) -> FcnNetwork:
    """``load_foreign``, which takes and refuses the same; gives the network back."""
    load_foreign(model, weights)
    return model
