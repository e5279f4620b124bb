"""Distances of colours, to every kind of eye, against published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.color_distance import (
    VISIONS,
    compute_distances,
    find_worst_vision,
    make_linear,
    make_oklab,
)

colors = st.tuples(*[st.integers(0, 255)] * 3)


@pytest.mark.parametrize(
    ("xyz", "lab"),
    [  # from Ottosson's page
        ((0.950, 1.000, 1.089), (1.000, 0.000, 0.000)),
        ((1.000, 0.000, 0.000), (0.450, 1.236, -0.019)),
        ((0.000, 1.000, 0.000), (0.922, -0.671, 0.263)),
        ((0.000, 0.000, 1.000), (0.153, -1.415, -0.449)),
    ],
)
def test_oklab_has_the_published_values(xyz, lab) -> None:
    from_rgb = np.array([
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ])  # fmt: skip
    assert make_oklab(np.linalg.inv(from_rgb) @ np.array(xyz)) == pytest.approx(lab, abs=0.003)


def test_srgb_becomes_linear_as_its_norm_says() -> None:
    assert make_linear([0, 255, 188, 10]) == pytest.approx([0, 1, 0.5029, 0.00303], abs=1e-4)


@pytest.mark.parametrize("vision", VISIONS)
def test_grey_stays_grey_to_every_eye(vision: str) -> None:
    assert VISIONS[vision].sum(1) == pytest.approx([1, 1, 1], abs=1e-4)


@given(colors, colors)
def test_it_is_a_distance_and_the_worst_eye_decides(first, second) -> None:
    distance = compute_distances([first], [second])[0, 0]
    assert distance == pytest.approx(compute_distances([second], [first])[0, 0])
    assert compute_distances([first], [first])[0, 0] == pytest.approx(0)
    name, apart = find_worst_vision(first, second)
    assert name in VISIONS
    assert apart == pytest.approx(distance)


def test_red_and_green_of_one_lightness_are_alike_to_red_green_blind_eyes_only() -> None:
    assert find_worst_vision((200, 90, 60), (110, 130, 60))[0] in ("protanopia", "deuteranopia")
    assert find_worst_vision((128, 128, 128), (130, 128, 128))[1] < 2
