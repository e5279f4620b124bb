"""Classes merged into one: a network whose channels are groups of another's channels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.delegating import DelegatingNetwork
from fcn_studio.models.fcn import FcnNetwork

Groups = tuple[tuple[int, ...], ...]


class MergedNetwork(DelegatingNetwork):
    """Channel k scores ``log sum exp`` of the channels ``groups[k]`` of ``lead``.

    The probability of a merged class is then the sum of the probabilities of those it is made of: what each
    of them knew is kept, and training goes on with all. One linear row cannot say "cat or dog".
    """

    def __init__(self, lead: FcnNetwork, groups: Groups) -> None:
        super().__init__()
        self.lead = lead
        self.groups = groups

    @property
    def classes(self) -> int:
        return len(self.groups)

    def channel_rows(self, channel: int) -> tuple[int, ...]:
        return self.groups[channel]

    def scores(self, x: Tensor) -> Tensor:
        inner = self.lead.scores(x)
        return torch.cat([_united(inner, group) for group in self.groups], dim=1)

    def pixels_of(self, x: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
        return self.lead.pixels_of(x, scores)


def _united(scores: Tensor, group: tuple[int, ...]) -> Tensor:
    if len(group) == 1:
        return scores[:, group[0] : group[0] + 1]
    return torch.cat([scores[:, row : row + 1] for row in group], dim=1).logsumexp(dim=1, keepdim=True)


def write_groups(groups: Groups) -> str:
    """As a card stores them: "0,1+3,2" for (0,), (1, 3) and (2,)."""
    return ",".join("+".join(str(row) for row in group) for group in groups)


def read_groups(text: str, classes: int) -> Groups:
    """The groups of a card, one for each of ``classes``. Raises CheckpointError for anything else."""
    try:
        groups = tuple(tuple(int(row) for row in group.split("+")) for group in text.split(","))
    except ValueError:
        groups = ()
    rows = sorted(row for group in groups for row in group)
    if len(groups) != classes or rows != list(range(len(rows))):
        raise CheckpointError(
            f"merged={text!r} does not say which channels make up each of {classes} classes: "
            'write "0,1+2" for two classes, the second of them made of the channels 1 and 2.'
        )
    return groups
