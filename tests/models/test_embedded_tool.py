"""What the embedded model is trained on: labels stay on their pixels, whatever is done to a photograph."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tools.embedded_data import Photograph, Views, make_photograph, make_tensors

SIDE = 65
LIGHT_OF = {0: 40, 3: 220}


def make_disc(shape_hw: tuple[int, int], centre_yx: tuple[int, int]) -> Photograph:
    """A bright disc of class 3 on dark ground, with VOC's void line round it."""
    y, x = np.mgrid[: shape_hw[0], : shape_hw[1]]
    distance = np.hypot(y - centre_yx[0], x - centre_yx[1])
    labels = np.where(distance < 20, 3, 0).astype(np.uint8)
    pixels = np.where(distance < 20, LIGHT_OF[3], LIGHT_OF[0]).astype(np.uint8)
    labels[np.abs(distance - 20) < 2.5] = 255
    return make_photograph(np.repeat(pixels[..., None], 3, axis=2), labels)


@pytest.fixture
def photographs() -> list[Photograph]:
    return [make_disc((70, 90), (30, 40)), make_disc((60, 120), (35, 80))]


def test_the_void_line_is_filled_and_its_middle_is_an_edge(photographs: list[Photograph]) -> None:
    disc = photographs[0]
    assert set(np.unique(disc.labels)) == {0, 3}
    assert disc.edges[30, 60]
    assert not disc.edges[30, 40]
    assert disc.classes == (3,)


def test_unclear_regions_have_no_label() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:35, 10:35] = 255
    made = make_photograph(np.zeros((40, 40, 3), np.uint8), labels)
    assert made.labels[22, 22] == 255
    assert made.labels[11, 11] == 0


@pytest.mark.parametrize("paste", [0.0, 1.0])
def test_labels_stay_on_their_pixels(
    photographs: list[Photograph], paste: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.embedded_data.change_light", lambda pixels, _chance: pixels)
    views = Views(photographs, SIDE, paste=paste)
    right = counted = 0
    for seed in range(20):
        view = views.draw(random.Random(seed))
        sure = (view.labels != 255) & ~view.edges
        bright = view.pixels[..., 0] > 130
        right += int((bright == (view.labels == 3))[sure].sum())
        counted += int(sure.sum())
        assert view.pixels.shape == (SIDE, SIDE, 3)
        assert view.edges.any()
    assert counted > 20 * 500
    assert right > 0.99 * counted


def test_pasted_objects_are_there(photographs: list[Photograph]) -> None:
    seeds = range(12)
    bare = [(Views(photographs, SIDE, paste=0.0).draw(random.Random(s)).weights < 1).any() for s in seeds]
    full = [(Views(photographs, SIDE, paste=1.0).draw(random.Random(s)).weights < 1).any() for s in seeds]
    assert not any(bare)
    assert any(full)


def test_the_same_chance_gives_the_same_view(photographs: list[Photograph]) -> None:
    one, other = (Views(photographs, SIDE).draw(random.Random(5)) for _ in range(2))
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_tensors_are_scaled_as_the_network_wants_them(photographs: list[Photograph]) -> None:
    drawn = [Views(photographs, SIDE).draw(random.Random(seed)) for seed in range(2)]
    x, labels, weights, edges = make_tensors(drawn)
    assert x.shape == (2, 3, SIDE, SIDE)
    assert -1 <= float(x.min()) <= float(x.max()) <= 1
    assert labels.shape == weights.shape == edges.shape == (2, 33, 33)
    np.testing.assert_array_equal(labels[1].numpy(), drawn[1].labels[::2, ::2])
