"""Class colours: palettes safe for colour-blind eyes, more colours far from them, and which ones clash."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.color_distance import compute_distances, make_seen

Color = tuple[int, int, int]

BACKGROUND_COLOR: Color = (154, 160, 170)
# Okabe-Ito without black (black stands for nothing on a screen); order as in the window's design.
OKABE_ITO: tuple[Color, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (213, 94, 0),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
)


TOL_BRIGHT: tuple[Color, ...] = (
    (68, 119, 170), (238, 102, 119), (34, 136, 51), (204, 187, 68), (102, 204, 238), (170, 51, 119),
)  # fmt: skip
TOL_MUTED: tuple[Color, ...] = (
    (204, 102, 119), (51, 34, 136), (221, 204, 119), (17, 119, 51), (136, 204, 238), (136, 34, 85),
    (68, 170, 153), (153, 153, 51), (170, 68, 153),
)  # fmt: skip
# Okabe and Ito, "Color Universal Design", 2008; P. Tol, "Colour Schemes", SRON/EPS/TN/09-002, 2021.
PALETTES: dict[str, tuple[Color, ...]] = {
    "okabe_ito": OKABE_ITO, "tol_bright": TOL_BRIGHT, "tol_muted": TOL_MUTED,
}  # fmt: skip
LEAST_DISTANCE = 7.0
"""Colours that touch should be as far apart as this for every eye: all of Okabe and Ito's are."""


def make_color(index: int, palette: str = "okabe_ito") -> Color:
    """The colour of the `index`-th class that is not background; never repeats below 200.

    Behind the palette's own colours comes always the one that is farthest from all before it, for the kind of
    eye that tells them apart worst (as in Glasbey's palettes).
    """
    first = PALETTES[palette]
    if index < len(first):
        return first[index]
    place = index - len(first)
    return _make_more(palette, 32 * (place // 32 + 1))[place]


@cache
def make_candidates() -> tuple[Color, ...]:
    """Colours to choose from, neither too dark nor too pale to be seen on a photograph."""
    found = []
    for hue in range(24):
        for lightness in (0.32, 0.44, 0.56, 0.68, 0.8):
            for saturation in (0.4, 0.65, 0.9):
                rgb = colorsys.hls_to_rgb(hue / 24, lightness, saturation)
                found.append((round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255)))
    return tuple(dict.fromkeys(found))


@cache
def _make_more(palette: str, count: int) -> tuple[Color, ...]:
    """The first `count` colours behind a palette's own."""
    taken = [BACKGROUND_COLOR, *PALETTES[palette]]
    candidates = [color for color in make_candidates() if color not in taken]
    seen = make_seen(candidates)
    nearest = compute_distances(candidates, taken).min(1)
    more = []
    for _ in range(count):
        best = int(nearest.argmax())
        more.append(candidates[best])
        away = np.linalg.norm(seen - seen[:, best : best + 1], axis=2).min(0)
        nearest = np.minimum(nearest, away)
        nearest[best] = -1
    return tuple(more)


def find_clashes(colors: Mapping[int, Color], contacts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of ids that touch (`contacts`) and whose colours some eye can hardly tell apart, worst first."""
    pairs = sorted({(min(a, b), max(a, b)) for a, b in contacts if a != b and a in colors and b in colors})
    if not pairs:
        return []
    ids = sorted(colors)
    distances = compute_distances([colors[i] for i in ids], [colors[i] for i in ids])
    apart = {(a, b): float(distances[ids.index(a), ids.index(b)]) for a, b in pairs}
    return sorted((pair for pair in pairs if apart[pair] < LEAST_DISTANCE), key=lambda pair: apart[pair])


def make_distinct(
    colors: Mapping[int, Color], contacts: Iterable[tuple[int, int]], keep: Iterable[int] = ()
) -> dict[int, Color]:
    """New colours for as few ids as needed, so that those which touch can be told apart by every eye.

    Ids in `keep` stay as they are. A new colour is the one that is farthest from those it touches and, half
    as important, from all others. Empty when nothing clashes or nothing can be bettered.
    """
    pairs, kept, now = list(contacts), set(keep), dict(colors)
    changed: dict[int, Color] = {}
    for _ in colors:
        clashes = [pair for pair in find_clashes(now, pairs) if not kept.issuperset(pair)]
        if not clashes:
            break
        counts = Counter(i for pair in clashes for i in pair if i not in kept)
        worst = max(counts, key=lambda i: (counts[i], i))
        now[worst] = changed[worst] = _choose(worst, now, pairs)
        kept.add(worst)
    return changed


def _choose(class_id: int, colors: Mapping[int, Color], contacts: Iterable[tuple[int, int]]) -> Color:
    touching = {i for pair in contacts if class_id in pair for i in pair}
    others = [i for i in colors if i != class_id]
    candidates = [*OKABE_ITO, *make_candidates()]
    distances = compute_distances(candidates, [colors[i] for i in others])
    weights = np.array([1.0 if i in touching else 2.0 for i in others])
    return candidates[int((distances * weights).min(1).argmax())]


def make_voc_palette() -> NDArray[np.uint8]:
    """PASCAL VOC's palette, uint8 [256, 3]: bits 0, 1, 2 of the index go to R, G, B from the top bit down."""
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        rest = index
        for bit in range(7, -1, -1):
            for channel in range(3):
                palette[index, channel] |= ((rest >> channel) & 1) << bit
            rest >>= 3
    return palette
