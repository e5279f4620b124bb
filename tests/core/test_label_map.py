"""A label map is changed by edits only, and tells when it has changed."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_studio.core.box import Box
from fcn_studio.core.edit import make_edit
from fcn_studio.core.label_map import LabelMap, Provenance


def test_an_empty_map_says_nothing_about_any_pixel() -> None:
    label_map = LabelMap.empty((3, 5))
    assert label_map.shape_hw == (3, 5)
    assert (label_map.labels == 255).all()
    assert (label_map.provenance == Provenance.NONE).all()
    assert label_map.is_empty


def test_the_views_cannot_be_written_to_and_follow_later_edits() -> None:
    label_map = LabelMap.empty((3, 5))
    labels = label_map.labels
    with pytest.raises(ValueError, match="read-only"):
        labels[0, 0] = 1
    edit = make_edit("Dot", label_map, Box(0, 0, 1, 1), np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8))
    assert edit is not None
    revision = label_map.revision
    edit.apply(label_map)
    assert labels[0, 0] == 0
    assert label_map.revision > revision


def test_copies_do_not_follow() -> None:
    label_map = LabelMap.empty((2, 2))
    snapshot = label_map.copy()
    label_map.writable()[0][:] = 1
    assert snapshot.is_empty
    source = np.zeros((2, 2), np.uint8)
    copied = LabelMap.from_arrays(source, source)
    source[:] = 9
    assert not copied.labels.any()


def test_planes_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="equal"):
        LabelMap(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
