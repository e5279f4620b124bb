"""Heads with a finer stride that start as what they come from: 32s to 16s to 8s to 4s."""

from __future__ import annotations

import torch

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.heads import HEADS
from fcn_studio.models.registry import create_model


@torch.no_grad()
def grow_head(model: FcnNetwork) -> FcnNetwork:
    """A network with the next finer stride and all that ``model`` has learnt; ``model`` stays as it is.

    The new skip is zero, so its scores are those of ``model`` carried to the finer stride (Long et al. 2015,
    4.3: staged training). In train or eval mode and on the device of ``model``. Raises CheckpointError where
    there is no finer one.
    """
    finer = "+".join(_finer(part) for part in model.name.split("+"))
    grown = create_model(finer, model.classes, **model.options)  # type: ignore[arg-type]
    reference = next(model.parameters())
    grown = grown.to(reference.device, reference.dtype).train(model.training)
    if (grown.mean, grown.std) != (model.mean, model.std):
        grown.feed_with(model.mean, model.std)
    fresh = grown.state_dict()
    # What differs in shape is the learnt step to the pixels: its stride is another one now.
    known = {k: v for k, v in model.state_dict().items() if k in fresh and fresh[k].shape == v.shape}
    grown.load_state_dict(fresh | known)
    return grown


def _finer(name: str) -> str:
    head, _, trunk = name.partition("_")
    heads = list(HEADS)
    if head not in heads or head == heads[-1]:
        raise CheckpointError(f"{name} has no finer head: {heads[-1]} is the finest.")
    return f"{heads[heads.index(head) + 1]}_{trunk}"
