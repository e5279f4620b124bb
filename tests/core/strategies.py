"""Small label maps and changes of them, for property tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core.box import Box
from fcn_studio.core.label_map import LabelMap

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
class_ids = st.sampled_from([0, 1, 2, 7, 254, 255])
origins = st.integers(0, 3)
Planes = tuple[np.ndarray, np.ndarray]


def planes(shape: tuple[int, int]) -> st.SearchStrategy[Planes]:
    """Labels and provenance of `shape`."""
    return st.tuples(
        hnp.arrays(np.uint8, shape, elements=class_ids), hnp.arrays(np.uint8, shape, elements=origins)
    )


@st.composite
def boxes_inside(draw: st.DrawFn, shape: tuple[int, int]) -> Box:
    """A box that is not empty and lies in an image of `shape`."""
    y0, x0 = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    return Box(y0, x0, draw(st.integers(y0 + 1, shape[0])), draw(st.integers(x0 + 1, shape[1])))


@dataclass(frozen=True)
class Dab:
    """One touch of a brush; the box may leave the image."""

    box: Box
    mask: np.ndarray
    class_id: int


@st.composite
def dabs(draw: st.DrawFn, shape: tuple[int, int]) -> Dab:
    y0, x0 = draw(st.integers(-4, shape[0] + 1)), draw(st.integers(-4, shape[1] + 1))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    mask = draw(hnp.arrays(np.bool_, (height, width)))
    return Dab(Box(y0, x0, y0 + height, x0 + width), mask, draw(class_ids))


def arrays_of(label_map: LabelMap) -> Planes:
    """Copies of what the label map holds."""
    return label_map.labels.copy(), label_map.provenance.copy()


def assert_same(label_map: LabelMap, expected: Planes) -> None:
    np.testing.assert_array_equal(label_map.labels, expected[0])
    np.testing.assert_array_equal(label_map.provenance, expected[1])
