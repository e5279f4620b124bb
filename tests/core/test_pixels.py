"""One memory for screen and network: what the screen draws is what the network reads."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_studio.core.pixels import find_rgb32, make_rgb32, view_rgb


@pytest.mark.parametrize("hw", [(1, 1), (1, 700), (700, 1), (3, 5), (260, 1100)])
def test_the_view_reads_what_was_put_in_and_copies_nothing(hw: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*hw, 3), dtype=np.uint8)
    memory = make_rgb32(pixels)
    view = view_rgb(memory)
    assert np.array_equal(view, pixels)
    assert np.shares_memory(view, memory)
    assert (memory >> 24 == 255).all()
    found = find_rgb32(view)
    assert found is not None
    assert np.shares_memory(found, memory)
    assert np.array_equal(found, memory)
    with pytest.raises(ValueError):
        view[0, 0, 0] = 1


def test_other_pixels_are_not_taken_for_the_screens_memory() -> None:
    memory = make_rgb32(np.zeros((8, 9, 3), np.uint8))
    view = view_rgb(memory)
    strangers = (
        np.zeros((8, 9, 3), np.uint8),
        np.zeros((8, 9, 4), np.uint8)[..., 2::-1],  # lies alike, but with an opacity of its own
        view[1:],
        view[:, ::-1],
        view[..., ::-1],
        view.copy(),
    )
    assert all(find_rgb32(stranger) is None for stranger in strangers)
    with pytest.raises(ValueError):
        view_rgb(memory[1:])
