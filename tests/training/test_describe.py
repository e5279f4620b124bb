"""Recipes in words, for the app and the command line."""

from __future__ import annotations

import pytest

from fcn_studio.training.describe import describe
from fcn_studio.training.recipe import FINE_TUNE, PAPER, PAPER_HEAVY, recipes
from fcn_studio.training.settings import Recipe


@pytest.mark.parametrize("entry", recipes(), ids=lambda entry: entry.name)
def test_every_recipe_has_four_lines_without_rests_of_code(entry: Recipe) -> None:
    lines = describe(entry)
    assert len(lines) == 4
    for line in lines:
        assert 10 < len(line) < 200
        assert not set("{}_[]") & set(line)


def test_the_words_say_what_the_numbers_do() -> None:
    shown, varied, learnt, measured = describe(PAPER)
    assert shown == "10000 steps of 20 whole images"
    assert varied == "shown as they are"
    assert "SGD with momentum 0.9, rate 0.0001 (constant)" in learnt
    assert "biases 2 times as fast" in learnt
    assert "mean over labelled pixels, all classes weigh the same" in measured
    assert "summed over labelled pixels" in describe(PAPER_HEAVY)[3]
    assert "0.0001 trunk, 0.0005 head, 0.003 skips" in describe(FINE_TUNE)[2]
    changed = FINE_TUNE.with_changes(lovasz=0.5, hard_share=0.3, paste=0.5, blur=0.1, whole_share_end=0.1)
    words = "; ".join(describe(changed))
    for part in ("0.5 x Lovasz", "hardest 30 %", "pasted", "blurred", "whole images in the last 10 %"):
        assert part in words
