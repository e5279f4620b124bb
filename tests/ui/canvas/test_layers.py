"""Mask, origin, uncertainty and difference over the image, and the styles of all layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QPainter

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.canvas.colors import (
    DIFFERENCE_COLOR,
    ORIGIN_COLORS,
    PREDICTED,
    PREDICTED_BACKGROUND,
    OverlayColors,
    make_overlay_colors,
)
from fcn_studio.ui.canvas.looks import (
    LOOKS,
    Look,
    Style,
    changed_look,
    keep_looks,
    next_style,
    read_looks,
)
from fcn_studio.ui.canvas.overlay import compose_overlay
from fcn_studio.ui.canvas.planes import OverlaySources, Planes
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import wrap_argb32

HW = (40, 80)
CLASSES = ClassTable.from_keys(["background", "cat", "dog"])
KEYS = ("background", "dog", "unknown", "cat")
LUT = CLASSES.make_lut(KEYS)
BACKGROUND, DOG, UNKNOWN, CAT = range(4)  # channels
NOBODY, PAINTED = Provenance.NONE, Provenance.PAINTED


def make_sources(*shown: str) -> OverlaySources:
    """Eight columns of 10 pixels: unlabelled over each channel, then labels over predictions."""
    channels = np.repeat(np.array([BACKGROUND, DOG, UNKNOWN, CAT, BACKGROUND, DOG, DOG, UNKNOWN]), 10)
    labels = np.repeat(np.array([255, 255, 255, 255, 0, 2, 1, 1]), 10)
    provenance = np.repeat(np.array([0, 0, 0, 0, 1, 2, 3, 1]), 10)
    planes = (np.broadcast_to(row.astype(np.uint8), HW).copy() for row in (labels, provenance, channels))
    labels_, provenance_, channels_ = planes
    confidence = np.linspace(0, 255, HW[1]).astype(np.uint8)
    return OverlaySources(
        labels_, provenance_, None, channels_, np.broadcast_to(confidence, HW).copy(), frozenset(shown)
    )


def draw(sources: OverlaySources, colors: OverlayColors) -> np.ndarray:
    """uint32 [h, w], the image at 1:1."""
    transform = ViewTransform(HW, HW).fitted()
    out = np.zeros(HW, np.uint32)
    image = wrap_argb32(out)
    painter = QPainter(image)
    for picture in compose_overlay(Planes(sources, transform, transform.image_view_box, 1.0), colors):
        painter.drawImage(0, 0, picture)
    painter.end()
    return out


def make_colors(style: Style = Style.FILL, **changes: object) -> OverlayColors:
    looks = {name: changed_look(look, style=style, opacity=1.0) for name, look in LOOKS.items()}
    return make_overlay_colors(CLASSES, LUT, looks, **changes)  # type: ignore[arg-type]


def middles(drawn: np.ndarray) -> list[int]:
    """The colour in the middle of each column, RGB."""
    return [int(drawn[20, x]) & 0xFFFFFF for x in range(5, 80, 10)]


def rgb(color: tuple[int, int, int]) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def test_the_mask_is_the_label_where_there_is_one_else_the_prediction() -> None:
    cat, dog = (rgb(CLASSES.by_id(i).color) for i in (1, 2))
    seen = middles(draw(make_sources("mask"), make_colors()))
    assert seen[1] == dog
    assert seen[2] == 0  # a class that the project does not have
    assert seen[3] == cat
    assert seen[5:] == [dog, cat, cat]
    assert seen[0] == seen[4] != 0  # in the mask, background is background


def test_the_origin_tells_who_said_it() -> None:
    seen = middles(draw(make_sources("origin"), make_colors()))
    painted, accepted, imported = (rgb(ORIGIN_COLORS[kind]) for kind in (1, 2, 3))
    assert seen[4:] == [painted, accepted, imported, painted]
    assert seen[2] == 0
    assert seen[1] == seen[3]
    assert len({*seen[:5]}) == 4  # predicted, predicted as background, nobody, painted
    assert {PREDICTED, PREDICTED_BACKGROUND, *Provenance} == {0, *ORIGIN_COLORS}


def test_uncertainty_is_stronger_where_confidence_is_less() -> None:
    opacity = (draw(make_sources("uncertainty"), make_colors())[20] >> 24).astype(int)
    assert opacity[0] == 255
    assert opacity[-1] == 0
    assert (np.diff(opacity) <= 0).all()


def test_the_difference_is_shown_only_where_both_speak_of_known_classes() -> None:
    seen = middles(draw(make_sources("difference"), make_colors()))
    assert seen == [0, 0, 0, 0, 0, 0, rgb(DIFFERENCE_COLOR), 0]


@pytest.mark.parametrize("layer", ["labels", "prediction", "mask", "origin", "difference"])
def test_outlines_leave_the_inside_clear_and_fills_have_no_lines(layer: str) -> None:
    sources = make_sources(layer)
    both = draw(sources, make_colors(Style.BOTH))
    outline, fill = draw(sources, make_colors(Style.OUTLINE)), draw(sources, make_colors(Style.FILL))
    inside = np.zeros(HW, bool)
    inside[:, 4:6] = inside[:, 64:66] = True
    assert not outline[inside].any()
    assert outline.any()
    assert np.array_equal(both[inside], fill[inside])
    for x in range(0, 80, 10):  # one colour in a column, but for the pattern of accepted labels
        if x != 50:
            assert len(np.unique(fill[:, x : x + 10])) == 1


def test_dots_tell_predicted_background_from_what_nobody_looked_at() -> None:
    plain = draw(make_sources("prediction"), make_colors())
    assert not plain[:, :10].any()
    dotted = draw(make_sources("prediction"), make_colors(marks_background=True))
    assert 0.01 < (dotted[:, :10] != 0).mean() < 0.2
    assert np.array_equal(dotted[:, 10:40], plain[:, 10:40])  # other classes, and no class at all
    both = draw(make_sources("prediction", "labels"), make_colors(marks_background=True))
    without = draw(make_sources("labels"), make_colors())
    assert np.array_equal(both[:, 41:50], without[:, 41:50])  # background that was painted has none


def test_nothing_to_look_at_draws_nothing() -> None:
    nothing = OverlaySources(None, None, None, None, None, frozenset(LOOKS))
    assert not draw(nothing, make_colors()).any()
    labels_only = make_sources(*LOOKS)._replace(channels=None, confidence=None)
    assert draw(labels_only, make_colors()).any()


def test_looks_are_kept_and_spoilt_ones_are_not() -> None:
    looks = dict(LOOKS)
    looks["mask"] = changed_look(looks["mask"], opacity=0.25, style=Style.OUTLINE, visible=True)
    assert read_looks(keep_looks(looks))["mask"] == replace(looks["mask"], visible=False)
    for spoilt in ({}, {"mask": 3}, {"mask": {"opacity": "x", "style": "y"}}, {"mask": {"opacity": True}}):
        assert read_looks(spoilt) == LOOKS
    assert changed_look(LOOKS["mask"], opacity=7).opacity == 1
    assert changed_look(LOOKS["uncertainty"], style=Style.OUTLINE) == LOOKS["uncertainty"]


def test_styles_go_round() -> None:
    look: Look = LOOKS["labels"]
    styles = []
    for _ in range(3):
        styles.append(look.style)
        look = changed_look(look, style=next_style(look))
    assert set(styles) == set(Style)
    assert look == LOOKS["labels"]
