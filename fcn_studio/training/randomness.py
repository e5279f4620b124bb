"""A run's own random numbers: the global generators are lent for one step and given back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class PrivateRandom:
    """torch's random state of one run; inside ``lent()`` all of torch and torchvision draws from it."""

    def __init__(self, seed: int) -> None:
        self.state: Tensor = torch.Generator().manual_seed(seed).get_state()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Use within one step only, never across the ``yield`` of a job that shares its thread."""
        before = torch.get_rng_state()
        torch.set_rng_state(self.state)
        try:
            yield
        finally:
            self.state = torch.get_rng_state()
            torch.set_rng_state(before)
