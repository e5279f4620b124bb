"""A network whose scores are the sum of several networks' scores: two trunks looking at one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.delegating import DelegatingNetwork
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import padded_size


class SumNetwork(DelegatingNetwork):
    """``part0``, ``part1`` ... on the same picture, prepared as the first one wants it.

    Raises CheckpointError unless their score cells lie on the same pixels and a size fits all of them.
    """

    def __init__(self, parts: Sequence[FcnNetwork]) -> None:
        super().__init__()
        first = parts[0]
        self._count = len(parts)
        for index, part in enumerate(parts):
            if (part.grid.start, part.grid.jump) != (first.grid.start, first.grid.jump):
                raise CheckpointError(
                    f"{first.name}+{part.name} cannot be: the scores lie at stride {first.stride} from pixel "
                    f"{first.grid.start:g} and at stride {part.stride} from {part.grid.start:g}."
                )
            self.add_module(f"part{index}", part)
        self._multiple = math.lcm(*(part.pad_multiple for part in parts))
        self._minimum = max(part.minimum_size for part in parts)
        fitting = [
            r for r in range(self._multiple) if all(r % p.pad_multiple == p.pad_remainder for p in parts)
        ]
        if not fitting:
            names = "+".join(part.name for part in parts)
            raise CheckpointError(f"{names} cannot be: no size of picture fits both without rest.")
        self._remainder = fitting[0]

    @property
    def parts(self) -> list[FcnNetwork]:
        """The networks that are summed."""
        return [
            part for i in range(self._count) if isinstance(part := self.get_submodule(f"part{i}"), FcnNetwork)
        ]

    @property
    def lead(self) -> FcnNetwork:  # type: ignore[override]
        return self.parts[0]

    @property
    def pad_multiple(self) -> int:
        return self._multiple

    @property
    def pad_remainder(self) -> int:
        return self._remainder

    @property
    def minimum_size(self) -> int:
        return padded_size(self._minimum, self._multiple, self._remainder)

    @property
    def exact_tiling(self) -> bool:
        return all(part.exact_tiling for part in self.parts)

    @property
    def receptive_field_px(self) -> int:
        return max(part.receptive_field_px for part in self.parts)

    def scores(self, x: Tensor) -> Tensor:
        total = self.lead.scores(x)
        for part in self.parts[1:]:
            total = total + part.scores(self._scaled_for(part, x))
        return total

    def _scaled_for(self, part: FcnNetwork, x: Tensor) -> Tensor:
        """Pixels scaled for the first part, scaled again as this one was trained."""
        if (part.mean, part.std) == (self.mean, self.std):
            return x
        mean, std, own_mean, own_std = (
            x.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.std, part.mean, part.std)
        )
        return x * (std / own_std) + (mean - own_mean) / own_std

    def score_layers(self) -> list[nn.Conv2d]:
        return [layer for part in self.parts for layer in part.score_layers()]

    def head_parameters(self) -> list[nn.Parameter]:
        return [p for part in self.parts for p in part.head_parameters()]

    def skip_parameters(self) -> list[nn.Parameter]:
        return [p for part in self.parts for p in part.skip_parameters()]

    def trunk_parameters(self) -> list[nn.Parameter]:
        return [p for part in self.parts for p in part.trunk_parameters()]
