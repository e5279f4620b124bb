"""What the weights of the classes do to the answers of a network, taken back or put on."""

from __future__ import annotations

import torch
from torch import Tensor

from fcn_studio.models.fcn import FcnNetwork


@torch.no_grad()
def take_back_weights(model: FcnNetwork, class_weights: Tensor, share: float) -> None:
    """Lower the scores of each class by ``share`` times the logarithm of its weight, float [K], above 0.

    A negative share puts on what the same positive one takes back.

    A loss in which a class weighs w teaches scores that are log(w) too high (Menon et al., "Long-tail
    learning via logit adjustment", ICLR 2021): rare things are learnt, and then seen where there are none.
    """
    biases = [layer.bias for layer in model.score_layers() if layer.bias is not None]
    finest = biases[-1]  # the coarser ones pass through more upsampling
    for channel, shift in enumerate(share * class_weights.to(finest).log()):
        finest[list(model.channel_rows(channel))] -= shift  # of a merged class each of its rows
