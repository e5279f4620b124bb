"""Light, sharpness and noise change a picture as asked, and not at all when nothing is asked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from fcn_studio.training.augment import change_light, recolor
from fcn_studio.training.settings import Recipe

STILL = Recipe(name="still", steps=1, color=0.0)
PICTURE = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 40, 50)).astype(np.uint8))


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(1)


def test_nothing_asked_changes_nothing() -> None:
    assert change_light(PICTURE, STILL) is PICTURE


@pytest.mark.parametrize(
    "asked", [{"color": 0.3}, {"gamma": 0.5}, {"temperature": 0.2}, {"blur": 1.0}, {"noise": 0.05}]
)
def test_each_kind_gives_another_picture_of_the_same_form(asked: dict[str, float]) -> None:
    found = change_light(PICTURE, STILL.with_changes(**asked))
    assert found.shape == PICTURE.shape
    assert found.dtype == torch.uint8
    assert not torch.equal(found, PICTURE)


MILD = (PICTURE.float() / 2 + 60).to(torch.uint8)  # nothing is cut off at black or white


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.15])
def test_brightness_contrast_and_saturation_are_those_of_torchvision(factor: float) -> None:
    ways = {
        functional.adjust_brightness: recolor(MILD, factor, 1, 1, 0),
        functional.adjust_contrast: recolor(MILD, 1, factor, 1, 0),
        functional.adjust_saturation: recolor(MILD, 1, 1, factor, 0),
    }
    for adjust, found in ways.items():
        assert (adjust(MILD, factor).int() - found.int()).abs().max() <= 1


def test_a_third_of_a_circle_turns_red_into_green_and_greys_stay() -> None:
    assert (recolor(MILD, 1, 1, 1, 1 / 3).int() - MILD[[2, 0, 1]].int()).abs().max() <= 1
    grey = MILD[:1].expand(3, -1, -1)
    assert torch.equal(recolor(grey, 1, 1, 1.3, 0.17), grey)


def test_colour_changes_by_at_most_its_strength() -> None:
    grey = torch.full((3, 2, 2), 100, dtype=torch.uint8)
    seen = torch.stack([change_light(grey, STILL.with_changes(color=0.4))[:, 0, 0] for _ in range(60)])
    assert 60 <= seen.min() < 75
    assert 125 < seen.max() <= 140
    assert (seen == seen[:, :1]).all()


def test_light_is_the_same_everywhere_and_keeps_the_order_of_grey_values() -> None:
    found = change_light(PICTURE, STILL.with_changes(gamma=1.0, temperature=0.3))
    for before, after in zip(PICTURE, found, strict=True):
        values = [after[before == value].unique() for value in before.unique()]
        assert all(len(value) == 1 for value in values)
        assert all(a <= b for a, b in pairwise(values))


def test_gamma_and_warmth_stay_within_their_range() -> None:
    grey = torch.full((3, 2, 2), 128, dtype=torch.uint8)
    low, high = 255 * (128 / 255) ** 1.5, 255 * (128 / 255) ** (1 / 1.5)
    seen = torch.stack([change_light(grey, STILL.with_changes(gamma=0.5))[:, 0, 0] for _ in range(60)])
    assert low - 1 <= seen.min() < 110
    assert 150 < seen.max() <= high + 1
    assert (seen == seen[:, :1]).all()  # no change of colour
    warm = torch.stack([change_light(grey, STILL.with_changes(temperature=0.2))[:, 0, 0] for _ in range(60)])
    assert (warm[:, 1] == 128).all()
    assert ((warm[:, 0] > 128) == (warm[:, 2] < 128)).all()
    assert warm.max() <= round(128 * np.exp(0.2))


def test_blur_takes_contrast_away_and_comes_in_its_share() -> None:
    kept = [torch.equal(change_light(PICTURE, STILL.with_changes(blur=0.5)), PICTURE) for _ in range(40)]
    assert 8 < sum(kept) < 32
    assert change_light(PICTURE, STILL.with_changes(blur=1.0)).float().std() < PICTURE.float().std()
