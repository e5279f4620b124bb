"""Colours that can be told apart, and VOC's palette as VOC has it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.palette import (
    BACKGROUND_COLOR,
    OKABE_ITO,
    PALETTES,
    find_clashes,
    make_color,
    make_distinct,
    make_voc_palette,
)


def test_the_voc_palette_has_the_published_values() -> None:
    palette = make_voc_palette()
    known = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        2: (0, 128, 0),
        3: (128, 128, 0),
        4: (0, 0, 128),
        8: (64, 0, 0),
        15: (192, 128, 128),
        20: (0, 64, 128),
        255: (224, 224, 192),
    }
    assert {index: tuple(palette[index].tolist()) for index in known} == known
    assert len({tuple(color) for color in palette.tolist()}) == 256


def test_the_first_200_class_colours_differ_from_one_another_and_from_the_background() -> None:
    colors = [make_color(index) for index in range(200)]
    assert tuple(colors[: len(OKABE_ITO)]) == OKABE_ITO
    assert len({*colors, BACKGROUND_COLOR}) == 201
    assert all(0 <= value <= 255 for color in colors for value in color)


def test_the_first_20_class_colours_are_far_enough_apart_to_be_told_at_a_glance() -> None:
    colors = [BACKGROUND_COLOR, *map(make_color, range(20))]
    for index, first in enumerate(colors):
        for second in colors[:index]:
            assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) >= 20, (first, second)


def test_the_colours_of_okabe_and_ito_are_apart_for_every_eye() -> None:
    pairs = [(a, b) for a in range(7) for b in range(a)]
    assert find_clashes(dict(enumerate(OKABE_ITO)), pairs) == []


def test_colours_behind_a_palette_stay_apart_for_every_eye() -> None:
    for palette in PALETTES:
        colors = {index: make_color(index, palette) for index in range(16)}
        first = len(PALETTES[palette])
        new = [(a, b) for a in range(first, 16) for b in range(a)]
        assert [pair for pair in find_clashes(colors, new) if pair[1] >= first] == [], palette


table = st.dictionaries(st.integers(0, 20), st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=8)


@given(table, st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12))
def test_distinct_colours_mend_every_clash_and_change_nothing_else(colors, contacts) -> None:
    changed = make_distinct(colors, contacts)
    assert find_clashes({**colors, **changed}, contacts) == []
    clashing = {class_id for pair in find_clashes(colors, contacts) for class_id in pair}
    assert set(changed) <= clashing
    assert bool(changed) == bool(clashing)


def test_a_colour_that_is_to_be_kept_is_kept() -> None:
    colors = {0: (200, 0, 0), 1: (201, 0, 0), 2: (202, 0, 0)}
    changed = make_distinct(colors, [(0, 1), (1, 2)], keep=[1])
    assert set(changed) == {0, 2}
    assert make_distinct(colors, [(0, 1)], keep=[0, 1, 2]) == {}
    assert make_distinct(colors, []) == {}, "what never touches may look alike"
