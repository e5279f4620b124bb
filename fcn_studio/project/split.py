"""What is held out: every fifth labelled image, or with fewer than five, every fifth stroke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.edit import Edit
from fcn_studio.core.label_map import Provenance

EVERY = 5
NO_STROKE = -1


def split_every_fifth(
    present: Sequence[str], held_out: Iterable[str], trained: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Both lists, longer by what is new in `present`; what stands in one of them stays there.

    New names are counted on behind the known ones, and each fifth is held out. With fewer than five present
    nothing is decided. When nothing present would be held out, the last new name is.
    """
    held, used = list(held_out), list(trained)
    known = {*held, *used}
    new = [name for name in present if name not in known]
    if len(present) < EVERY:
        return held, used
    for position, name in enumerate(new, start=len(known) + 1):
        (held if position % EVERY == 0 else used).append(name)
    if new and not set(held) & set(present):
        used.remove(new[-1])
        held.append(new[-1])
    return held, used


def compute_stroke_owners(shape_hw: tuple[int, int], edits: Sequence[Edit]) -> npt.NDArray[np.int32]:
    """int32 [H, W]: which of the edits gave each pixel its present label by hand; -1 = none of them."""
    owners = np.full(shape_hw, NO_STROKE, np.int32)
    for number, edit in enumerate(edits):
        for patch in edit.patches:
            planes, changed = patch.decode()
            by_hand = (planes[..., 2] != UNLABELLED) & (planes[..., 3] == Provenance.PAINTED)
            owners[patch.box.slices][changed] = np.where(by_hand[changed], number, NO_STROKE)
    return owners
