"""The boundary F-score against distances counted pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core.boundary import compute_boundary_f, fill_void, find_borders

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels with void and a prediction without, of one size."""
    shape = draw(shapes)
    labels = hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 7, 255]), fill=st.just(0))
    predicted = hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 7]), fill=st.just(0))
    return draw(labels), draw(predicted)


def border_places(labels: np.ndarray) -> list[tuple[int, int]]:
    height, width = labels.shape
    return [
        (y, x)
        for y in range(height)
        for x in range(width)
        if (x + 1 < width and labels[y, x] != labels[y, x + 1])
        or (y + 1 < height and labels[y, x] != labels[y + 1, x])
    ]


def compute_naively(labels: np.ndarray, predicted: np.ndarray, tolerance_px: float) -> float | None:
    truth, found = border_places(fill_void(labels)), border_places(predicted)
    if not truth and not found:
        return None

    def share(these: list[tuple[int, int]], those: list[tuple[int, int]]) -> float:
        near = [any(math.dist(a, b) <= tolerance_px for b in those) for a in these]
        return sum(near) / len(near) if near else 0.0

    precision, recall = share(found, truth), share(truth, found)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(pairs(), st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0]))
def test_it_is_what_counting_gives(pair: tuple[np.ndarray, np.ndarray], tolerance_px: float) -> None:
    expected = compute_naively(*pair, tolerance_px)
    assert compute_boundary_f(*pair, tolerance_px) == (None if expected is None else pytest.approx(expected))


@given(pairs())
def test_void_takes_a_label_that_is_nearest(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels = pair[0]
    filled = fill_void(labels)
    known = [(int(y), int(x)) for y, x in np.argwhere(labels != 255)]
    if not known:
        np.testing.assert_array_equal(filled, labels)
        return
    for y, x in np.ndindex(*labels.shape):
        distances = {place: math.dist((y, x), place) for place in known}
        nearest = min(distances.values())
        assert filled[y, x] in {labels[place] for place, d in distances.items() if d == nearest}


def test_a_border_two_pixels_off_matches_and_three_does_not() -> None:
    labels, near, far = (np.zeros((20, 20), np.uint8) for _ in range(3))
    labels[:, 10:] = 1
    near[:, 12:] = 1
    far[:, 13:] = 1
    assert compute_boundary_f(labels, near) == 1.0
    assert compute_boundary_f(labels, far) == 0.0


def test_the_void_line_is_split_in_its_middle() -> None:
    labels = np.zeros((6, 12), np.uint8)
    labels[:, 4:8] = 255
    labels[:, 8:] = 3
    np.testing.assert_array_equal(fill_void(labels)[0], [0] * 6 + [3] * 6)
    np.testing.assert_array_equal(np.flatnonzero(find_borders(fill_void(labels))[0]), [5])


def test_a_border_on_one_side_only_scores_nothing_and_none_on_both_has_no_score() -> None:
    plain, split = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    split[2:] = 5
    assert compute_boundary_f(plain, split) == 0.0
    assert compute_boundary_f(split, plain) == 0.0
    assert compute_boundary_f(plain, plain) is None
    assert compute_boundary_f(np.full((4, 4), 255, np.uint8), plain) is None


def test_which_class_stands_on_a_side_makes_no_difference() -> None:
    labels, predicted = np.zeros((8, 8), np.uint8), np.full((8, 8), 4, np.uint8)
    labels[2:6, 2:6] = 1
    predicted[2:6, 2:6] = 9
    assert compute_boundary_f(labels, predicted) == 1.0


def test_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        compute_boundary_f(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
