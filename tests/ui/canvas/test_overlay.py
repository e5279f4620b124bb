"""The overlay against a slow reference that looks at every device pixel by itself."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.canvas.colors import OverlayColors, make_overlay_colors
from fcn_studio.ui.canvas.looks import LOOKS, Look, changed_look
from fcn_studio.ui.canvas.overlay import compose_overlay
from fcn_studio.ui.canvas.planes import Fresh, OverlaySources, Planes
from fcn_studio.ui.canvas.transform import ViewTransform
from fcn_studio.ui.qimage import wrap_argb32

CLASSES = ClassTable.from_keys(["background", "cat", "dog"])
KEYS = ("dog", "background", "unknown", "cat")  # channels in another order than the classes, one foreign
LUT = CLASSES.make_lut(KEYS)
HATCH_SHARE = 0.25


def colors(classes: ClassTable = CLASSES, **changes: object) -> OverlayColors:
    return make_overlay_colors(classes, classes.make_lut(KEYS), **changes)  # type: ignore[arg-type]


def looks(**changes: dict[str, object]) -> dict[str, Look]:
    return {name: changed_look(look, **changes.get(name, {})) for name, look in LOOKS.items()}


def draw(
    sources: OverlaySources,
    transform: ViewTransform,
    box: Box | None = None,
    table: OverlayColors | None = None,
) -> np.ndarray:
    """uint32 [h, w] premultiplied: the pictures over one another on nothing."""
    box = box or transform.image_view_box
    out = np.zeros(box.shape_hw, np.uint32)
    image = wrap_argb32(out)
    painter = QPainter(image)
    for picture in compose_overlay(Planes(sources, transform, box, 1.0), table or colors()):
        assert picture.format() == QImage.Format.Format_ARGB32_Premultiplied
        painter.drawImage(0, 0, picture)
    painter.end()
    return out


def fresh_of(painted: np.ndarray) -> Fresh:
    rows, columns = np.nonzero(painted)
    return Fresh(painted, Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))


def random_sources(hw: tuple[int, int], seed: int, *, labelled: float = 0.3) -> OverlaySources:
    rng = np.random.default_rng(seed)
    coarse = (hw[0] // 4 + 1, hw[1] // 4 + 1)

    def blocks(values: np.ndarray) -> np.ndarray:
        return np.repeat(np.repeat(values, 4, 0), 4, 1)[: hw[0], : hw[1]]

    labels = np.where(rng.random(coarse) < labelled, rng.integers(0, 3, coarse), 255)
    provenance = np.where(labels == 255, 0, rng.integers(1, 4, coarse))
    return OverlaySources(
        labels=blocks(labels).astype(np.uint8),
        provenance=blocks(provenance).astype(np.uint8),
        fresh=fresh_of(blocks(rng.random(coarse) < 0.5)),
        channels=blocks(rng.integers(0, 4, coarse)).astype(np.uint8),
    )


def reference_kind(sources: OverlaySources, transform: ViewTransform) -> np.ndarray:
    """What each device pixel of the image must be: one letter and the class."""
    box = transform.image_view_box
    height, width = transform.image_hw
    kinds = np.empty(box.shape_hw, object)

    def at(y: int, x: int) -> tuple[int, int]:
        iy = int((y + 0.5 - transform.offset_y) // transform.scale)
        ix = int((x + 0.5 - transform.offset_x) // transform.scale)
        return min(max(iy, 0), height - 1), min(max(ix, 0), width - 1)

    assert sources.labels is not None
    assert sources.provenance is not None
    assert sources.fresh is not None
    assert sources.channels is not None
    for y in range(box.y0, box.y1):
        for x in range(box.x0, box.x1):
            p = at(y, x)
            near = [at(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            if sources.labels[p] == 255:
                channel = int(sources.channels[p])
                class_id = int(LUT[channel])
                edge = any(sources.labels[n] == 255 and sources.channels[n] != channel for n in near)
                kind = "nothing" if class_id in (0, 255) else "predicted edge" if edge else "predicted"
            else:
                class_id = int(sources.labels[p])

                def code(q: tuple[int, int]) -> tuple[int, ...]:
                    return sources.labels[q], sources.provenance[q] == Provenance.ACCEPTED  # type: ignore[index]

                edge = any(code(n) != code(p) for n in near)
                origin = Provenance(int(sources.provenance[p])).name.lower()
                fresh = origin == "painted" and sources.fresh.painted[p]
                kind = f"{'fresh' if fresh else origin}{' edge' if edge else ''}"
            kinds[y - box.y0, x - box.x0] = (kind, class_id)
    return kinds


@pytest.mark.parametrize(
    ("scale", "centre"), [(1.0, (20, 30)), (0.37, (20, 30)), (2.7, (11.3, 17.9)), (9.0, (30.2, 4.4))]
)
def test_every_device_pixel_has_the_colour_of_its_kind(scale: float, centre: tuple[float, float]) -> None:
    hw = (40, 60)
    sources = random_sources(hw, 3)
    transform = ViewTransform(hw, (70, 90)).centred_on(*centre, scale)
    table = colors()
    drawn, kinds = draw(sources, transform), reference_kind(sources, transform)
    single = {
        "nothing": lambda c: 0,
        "predicted": lambda c: premultiplied(CLASSES.by_id(c).color, 0.4),
        "predicted edge": lambda c: premultiplied(CLASSES.by_id(c).color, 1.0),
        "imported": lambda c: fill(c),
        "painted": lambda c: fill(c),
        "painted edge": lambda c: int(table.labels.outline[c]),
        "imported edge": lambda c: int(table.labels.outline[c]),
        "accepted edge": lambda c: int(table.accepted_outline[c]),
        "fresh edge": lambda c: 0xFFFFFFFF,
    }
    for (y, x), (kind, class_id) in np.ndenumerate(kinds):
        value = int(drawn[y, x])
        if kind == "accepted":  # fill or gap of the pattern
            assert close(value, fill(class_id)) or close(value, int(table.accepted_gap[class_id])), (y, x)
        elif kind == "fresh":  # the white line is two pixels wide
            assert close(value, fill(class_id)) or value == 0xFFFFFFFF, (y, x)
        else:
            assert close(value, single[kind](class_id)), (y, x, kind, hex(value))


def fill(class_id: int) -> int:
    entry = CLASSES.by_id(class_id)
    return premultiplied(entry.color, 0.6 * (0.55 if entry.key == "background" else 1.0))


def premultiplied(color: tuple[int, int, int], opacity: float) -> int:
    red, green, blue = (round(part * opacity) for part in color)
    return round(opacity * 255) << 24 | red << 16 | green << 8 | blue


def close(value: int, expected: int) -> bool:
    return all(abs((value >> s & 255) - (expected >> s & 255)) <= 1 for s in (0, 8, 16, 24))


@pytest.mark.parametrize("inner_origin", [Provenance.PAINTED, Provenance.IMPORTED])
def test_a_stroke_that_grew_has_one_outline_and_no_line_inside(inner_origin: Provenance) -> None:
    hw = (40, 40)
    labels, provenance = np.full(hw, 255, np.uint8), np.zeros(hw, np.uint8)
    labels[8:32, 8:32], provenance[8:32, 8:32] = 1, Provenance.PAINTED  # grown to this
    provenance[14:26, 14:26] = inner_origin
    fresh = np.zeros(hw, np.bool_)
    fresh[14:26, 14:26] = True
    transform = ViewTransform(hw, (40, 40)).fitted()
    drawn = draw(OverlaySources(labels, provenance, fresh_of(fresh), None), transform)
    assert len(np.unique(drawn[9:31, 9:31])) == 1
    assert (drawn[8, 8:32] == colors().labels.outline[1]).all()


def test_of_a_fresh_stroke_that_goes_over_its_own_class_what_is_new_is_outlined_in_white() -> None:
    hw = (40, 60)
    labels, provenance = np.full(hw, 255, np.uint8), np.zeros(hw, np.uint8)
    labels[10:30, 10:50], provenance[10:30, 10:50] = 1, Provenance.PAINTED
    fresh = np.zeros(hw, np.bool_)
    fresh[10:30, 25:50] = True  # where the old region ends does not matter
    transform = ViewTransform(hw, (40, 60)).fitted()
    is_white = draw(OverlaySources(labels, provenance, fresh_of(fresh), None), transform) == 0xFFFFFFFF
    expected = np.zeros(hw, np.bool_)
    expected[10:30, 25:50] = True
    expected[12:28, 25:48] = False
    assert np.array_equal(is_white, expected)


def test_accepted_and_painted_pixels_of_a_class_are_kept_apart_by_a_line() -> None:
    hw = (40, 60)
    labels, provenance = np.full(hw, 1, np.uint8), np.full(hw, Provenance.ACCEPTED, np.uint8)
    provenance[:, 30:] = Provenance.PAINTED
    transform = ViewTransform(hw, (40, 60)).fitted()
    drawn = draw(OverlaySources(labels, provenance, None, None), transform)
    assert (drawn[4:-4, 30] == colors().labels.outline[1]).all()
    assert (drawn[4:-4, 29] == colors().accepted_outline[1]).all()


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3])
@pytest.mark.parametrize("seed", range(4))
def test_any_part_looks_as_it_does_in_the_whole(scale: float, seed: int) -> None:
    hw = (60, 90)
    sources = random_sources(hw, seed, labelled=0.2)
    transform = ViewTransform(hw, (80, 100)).centred_on(28.3, 41.7, scale)
    whole_box = transform.image_view_box
    whole = draw(sources, transform)
    rng = np.random.default_rng(seed)
    for _ in range(12):
        y0, x0 = int(rng.integers(whole_box.y0, whole_box.y1)), int(rng.integers(whole_box.x0, whole_box.x1))
        part = Box(y0, x0, y0 + int(rng.integers(1, 30)), x0 + int(rng.integers(1, 30))).intersect(whole_box)
        expected = whole[part.shift(-whole_box.y0, -whole_box.x0).slices]
        assert np.array_equal(draw(sources, transform, part), expected)


def test_dots_on_predicted_background_are_whole_along_its_border() -> None:
    hw = (40, 40)
    channels = np.ones(hw, np.uint8)  # background
    channels[:, 21:] = 3  # cat
    table = colors(marks_background=True)
    transform = ViewTransform(hw, hw).fitted()
    drawn = draw(OverlaySources(None, None, None, channels), transform, table=table)
    assert table.background_dot is not None
    dots = drawn == table.background_dot[1]
    rows = dots.any(axis=1)
    assert rows.sum() == 8
    assert (dots[rows].sum(axis=1) == 5).all()  # at 0, 10 and 20, the last cut off by the cat
    assert not dots[:, 21:].any()


def test_fresh_labels_are_outlined_also_where_the_image_is_thinner_than_a_device_pixel() -> None:
    hw = (3, 3000)
    labels, provenance = np.full(hw, 1, np.uint8), np.full(hw, Provenance.PAINTED, np.uint8)
    labels[:, :1500] = 2
    transform = ViewTransform(hw, (60, 300)).centred_on(
        4.0, 1500, 0.1
    )  # no centre of a row of the view lies on it
    painted = np.zeros(hw, np.bool_)
    painted[:, 1480:1520] = True
    drawn = draw(OverlaySources(labels, provenance, fresh_of(painted), None), transform)
    assert (drawn == 0xFFFFFFFF).any()


@pytest.mark.parametrize("count", [27, 28, 254])  # what fits into bytes, and what does not
def test_of_many_classes_each_has_its_own_colour(count: int) -> None:
    many = ClassTable.from_keys([f"class {i}" for i in range(count)])
    table = make_overlay_colors(many, many.make_lut(many.keys))
    stripes = np.repeat(np.arange(count, dtype=np.uint8), 4)[None].repeat(12, axis=0)
    labels, provenance = np.full_like(stripes, 255), np.zeros_like(stripes)
    labels[4:], provenance[4:8], provenance[8:] = stripes[4:], Provenance.PAINTED, Provenance.ACCEPTED
    transform = ViewTransform(stripes.shape, stripes.shape).fitted()
    drawn = draw(OverlaySources(labels, provenance, None, stripes), transform, table=table)[:, 1::4]
    ids = np.arange(count)
    assert np.array_equal(drawn[1], table.prediction.fill[ids])
    assert np.array_equal(drawn[5], table.labels.fill[ids])
    accepted = table.labels.fill[ids], table.accepted_gap[ids]
    assert ((drawn[9] == accepted[0]) | (drawn[9] == accepted[1])).all()


def test_unlabelled_painted_background_and_predicted_background_differ() -> None:
    hw = (4, 12)
    labels = np.full(hw, 255, np.uint8)
    labels[:, 4:8] = 0
    provenance = np.where(labels == 0, Provenance.PAINTED, 0).astype(np.uint8)
    channels = np.full(hw, 1, np.uint8)  # background
    channels[:, 8:] = 3  # cat
    transform = ViewTransform(hw, (40, 120)).centred_on(2, 6, 10)
    drawn = draw(OverlaySources(labels, provenance, None, channels), transform)
    predicted, painted, cat = (drawn[20, x] for x in (20, 60, 100))
    assert predicted == 0
    assert painted not in (0, cat)
    assert painted >> 24 > 60  # a tint that can be seen
    unlabelled = draw(OverlaySources(labels, provenance, None, None), transform)
    assert unlabelled[20, 100] == 0


def test_hidden_classes_are_drawn_nowhere() -> None:
    hw = (10, 10)
    labels = np.full(hw, 255, np.uint8)
    labels[:5] = 1
    provenance = np.where(labels == 1, Provenance.PAINTED, 0).astype(np.uint8)
    channels = np.full(hw, 0, np.uint8)  # dog
    hidden = CLASSES.with_visible(1, False).with_visible(2, False)
    transform = ViewTransform(hw, (40, 40)).fitted()
    assert not draw(OverlaySources(labels, provenance, None, channels), transform, table=colors(hidden)).any()
    assert draw(OverlaySources(labels, provenance, None, channels), transform).any()


def test_nothing_is_seen_at_no_opacity() -> None:
    transform = ViewTransform((40, 60), (80, 120)).fitted()
    assert not draw(
        random_sources((40, 60), 1),
        transform,
        table=colors(looks=looks(labels={"opacity": 0}, prediction={"opacity": 0})),
    ).any()


def test_a_stale_prediction_is_greyer() -> None:
    hw = (8, 8)
    sources = OverlaySources(None, None, None, np.full(hw, 3, np.uint8))
    transform = ViewTransform(hw, (8, 8)).fitted()
    new, old = (int(draw(sources, transform, table=colors(is_stale=stale))[4, 4]) for stale in (False, True))

    def spread(value: int) -> int:
        parts = [value >> shift & 255 for shift in (0, 8, 16)]
        return max(parts) - min(parts)

    assert spread(old) < spread(new) / 2
    assert old >> 24 == new >> 24


def test_accepted_painted_and_predicted_differ_at_a_glance() -> None:
    hw = (30, 90)
    labels = np.full(hw, 255, np.uint8)
    labels[:, 30:] = 1
    provenance = np.zeros(hw, np.uint8)
    provenance[:, 30:60], provenance[:, 60:] = Provenance.ACCEPTED, Provenance.PAINTED
    transform = ViewTransform(hw, (30, 90)).fitted()
    drawn = draw(OverlaySources(labels, provenance, None, np.full(hw, 3, np.uint8)), transform)
    alpha = (drawn >> 24).astype(int)
    predicted, accepted, painted = alpha[4:-4, 4:26], alpha[4:-4, 34:56], alpha[4:-4, 64:86]
    assert len(np.unique(predicted)) == len(np.unique(painted)) == 1
    assert painted.mean() > predicted.mean() + 30
    assert len(np.unique(accepted)) == 2  # a pattern
    assert (accepted == accepted.min()).mean() == pytest.approx(HATCH_SHARE, abs=0.02)
