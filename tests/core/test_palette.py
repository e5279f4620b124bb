"""Colours that can be told apart, and VOC's palette as VOC has it."""

from __future__ import annotations

from fcn_studio.core.palette import BACKGROUND_COLOR, OKABE_ITO, make_color, make_voc_palette


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
