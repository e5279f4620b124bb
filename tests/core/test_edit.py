"""Edits: exact inverses, a byte form that is the same edit, and strokes that are one edit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fcn_studio.core.box import Box
from fcn_studio.core.edit import Edit, make_edit
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.patch import DEFLATED, PLANES, RUNS, TILE_SIDE_PX, choose, make_patch
from fcn_studio.core.stroke import StrokeRecorder
from tests.core.strategies import Dab, arrays_of, assert_same, boxes_inside, dabs, planes, shapes

PAINTED, NONE = int(Provenance.PAINTED), int(Provenance.NONE)


@given(st.data())
def test_apply_and_revert_are_exact_inverses(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    label_map = LabelMap(*data.draw(planes(shape)))
    before = arrays_of(label_map)
    box = data.draw(boxes_inside(shape))
    labels, provenance = data.draw(planes(box.shape_hw))
    after = (before[0].copy(), before[1].copy())
    after[0][box.slices], after[1][box.slices] = labels, provenance

    edit = make_edit("Change", label_map, box, labels, provenance)
    assert_same(label_map, before)  # making an edit applies nothing
    changed = (before[0] != after[0]) | (before[1] != after[1])
    if edit is None:
        assert not changed.any()
        return
    assert edit.changed_pixels == changed.sum() > 0
    assert box.intersect(edit.box) == edit.box
    assert edit.apply(label_map) == edit.box
    assert_same(label_map, after)
    assert edit.revert(label_map) == edit.box
    assert_same(label_map, before)


@given(st.data())
def test_the_byte_form_is_the_same_edit(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    label_map = LabelMap(*data.draw(planes(shape)))
    edit = make_edit(
        data.draw(st.text(max_size=20)), label_map, Box.of_shape(shape), *data.draw(planes(shape))
    )
    if edit is not None:
        assert Edit.from_bytes(edit.to_bytes()) == edit


def big_edit() -> tuple[LabelMap, Edit]:
    """An edit over four tiles of the grid: noise, stripes of two classes, a plain area."""
    label_map = LabelMap.empty((TILE_SIDE_PX + 40, TILE_SIDE_PX + 50))
    labels = np.zeros(label_map.shape_hw, np.uint8)
    labels[:200, :200] = np.random.default_rng(1).integers(0, 200, (200, 200))
    labels[:40, TILE_SIDE_PX:] = 1
    edit = make_edit("Fill", label_map, Box.of_shape(label_map.shape_hw), labels, labels % 4)
    assert edit is not None
    return label_map, edit


def test_an_edit_over_many_tiles_uses_all_codings_and_survives_its_byte_form() -> None:
    label_map, edit = big_edit()
    assert len(edit.patches) == 4
    assert {patch.coding for patch in edit.patches} == {RUNS, DEFLATED, PLANES}
    again = Edit.from_bytes(edit.to_bytes())
    again.apply(label_map)
    assert (label_map.labels[250:] == 0).all()
    edit.revert(label_map)
    assert_same(label_map, arrays_of(LabelMap.empty(label_map.shape_hw)))


def test_an_edit_costs_what_it_changed_and_not_the_image() -> None:
    label_map = LabelMap.empty((4000, 4000))
    whole = Box.of_shape(label_map.shape_hw)
    labels, provenance = arrays_of(label_map)
    labels[2000:2010, 2000:2010] = 3
    edit = make_edit("Dot", label_map, whole, labels, provenance)
    assert edit is not None
    assert edit.size_bytes < 5000
    assert edit.box.area <= TILE_SIDE_PX**2


def test_every_cut_byte_form_is_refused() -> None:
    label_map = LabelMap.empty((6, 6))
    edit = make_edit("Dot", label_map, Box(1, 1, 3, 3), np.eye(2, dtype=np.uint8), np.ones((2, 2), np.uint8))
    assert edit is not None
    data = edit.to_bytes()
    for cut in [data[:end] for end in range(len(data))] + [data + b"\0"]:
        with pytest.raises(ValueError):
            Edit.from_bytes(cut)


@given(st.binary(max_size=80))
def test_foreign_bytes_are_refused_with_a_value_error_at_the_latest_when_applied(data: bytes) -> None:
    label_map = LabelMap.empty((8, 8))
    with pytest.raises(ValueError):
        Edit.from_bytes(data).apply(label_map)


def test_a_damaged_payload_is_refused_before_it_grows() -> None:
    _, edit = big_edit()
    for patch in edit.patches:
        spoilt = type(patch)(patch.box, patch.coding, b"\xff" * len(patch.payload), patch.changed_pixels)
        with pytest.raises(ValueError):
            spoilt.decode()


def test_an_edit_of_a_larger_image_is_refused_and_changes_nothing() -> None:
    label_map, edit = big_edit()
    small = LabelMap.empty((20, 20))
    with pytest.raises(ValueError, match="outside"):
        edit.apply(small)
    assert small.is_empty
    assert small.revision == 0
    assert label_map.is_empty


def paint_slowly(before: tuple[np.ndarray, np.ndarray], stroke: list[Dab]) -> tuple[np.ndarray, np.ndarray]:
    """The oracle: pixel by pixel."""
    labels, provenance = before[0].copy(), before[1].copy()
    for dab in stroke:
        for row, column in zip(*np.nonzero(dab.mask), strict=True):
            y, x = row + dab.box.y0, column + dab.box.x0
            if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]:
                labels[y, x] = dab.class_id
                provenance[y, x] = NONE if dab.class_id == 255 else PAINTED
    return labels, provenance


@given(st.data())
def test_a_stroke_is_applied_as_it_is_drawn_and_becomes_one_edit(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    label_map = LabelMap(*data.draw(planes(shape)))
    before = arrays_of(label_map)
    stroke = data.draw(st.lists(dabs(shape), max_size=4))
    recorder = StrokeRecorder(label_map, "Brush")
    for number, dab in enumerate(stroke):
        box = recorder.paint(dab.box, dab.mask, dab.class_id, PAINTED)
        assert box is None or box == dab.box.clip(shape)
        assert_same(label_map, paint_slowly(before, stroke[: number + 1]))
    after = paint_slowly(before, stroke)
    edit = recorder.finish()
    assert_same(label_map, after)
    if edit is None:
        assert_same(label_map, before)
    else:
        edit.revert(label_map)
        assert_same(label_map, before)
        edit.apply(label_map)
        assert_same(label_map, after)


@given(st.data())
def test_a_cancelled_stroke_leaves_no_trace(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    label_map = LabelMap(*data.draw(planes(shape)))
    before = arrays_of(label_map)
    recorder = StrokeRecorder(label_map, "Brush")
    for dab in data.draw(st.lists(dabs(shape), max_size=3)):
        recorder.paint(dab.box, dab.mask, dab.class_id, PAINTED)
    recorder.cancel()
    assert_same(label_map, before)
    assert recorder.finish() is None


def test_a_stroke_that_comes_back_to_tiles_it_had_left_is_taken_back_whole() -> None:
    label_map = LabelMap.empty((TILE_SIDE_PX + 8, 3 * TILE_SIDE_PX))
    recorder = StrokeRecorder(label_map, "Brush")
    for number, x in enumerate((20, 300, 600, 40, 620, 300, 20)):
        box = Box(100, x, 140, x + 60)
        mask = np.random.default_rng(number).random(box.shape_hw) < 0.7
        recorder.paint(box, mask, number % 3, PAINTED)
    after = arrays_of(label_map)
    edit = recorder.finish()
    assert edit is not None
    assert edit.changed_pixels == int((after[0] != 255).sum())
    edit.revert(label_map)
    assert label_map.is_empty
    edit.apply(label_map)
    assert_same(label_map, after)


def test_what_waits_for_a_stroke_to_end_is_coded_without_compression() -> None:
    """Noise over noise, the worst there is: deflating it would stop the pointer for tens of milliseconds."""
    rng = np.random.default_rng(2)
    label_map = LabelMap(*(rng.integers(0, 3, (200, 200)).astype(np.uint8) for _ in range(2)))
    before = arrays_of(label_map)
    recorder = StrokeRecorder(label_map, "Brush")
    recorder.paint(Box(0, 0, 200, 200), rng.random((200, 200)) < 0.5, 7, PAINTED)
    edit = recorder.finish()
    assert edit is not None
    assert {patch.coding for patch in edit.patches} == {PLANES}
    Edit.from_bytes(edit.to_bytes()).revert(label_map)
    assert_same(label_map, before)


def test_a_dab_can_give_each_pixel_its_own_class() -> None:
    label_map = LabelMap.empty((4, 6))
    recorder = StrokeRecorder(label_map, "Accept")
    classes = np.array([[1, 2, 255], [3, 255, 1]], np.uint8)
    recorder.paint(Box(1, 4, 3, 7), np.ones((2, 3), bool), classes, int(Provenance.ACCEPTED))
    assert label_map.labels[1:3, 4:].tolist() == [[1, 2], [3, 255]]
    assert label_map.provenance[1:3, 4:].tolist() == [[2, 2], [2, 0]]


def test_a_stroke_over_a_tile_border_is_taken_back_on_both_sides() -> None:
    label_map = LabelMap.empty((TILE_SIDE_PX + 8, TILE_SIDE_PX + 8))
    recorder = StrokeRecorder(label_map, "Brush")
    box = Box.around(TILE_SIDE_PX, TILE_SIDE_PX, 3)
    recorder.paint(box, np.ones(box.shape_hw, bool), 1, PAINTED)
    edit = recorder.finish()
    assert edit is not None
    assert len(edit.patches) == 4
    assert edit.changed_pixels == box.area
    edit.revert(label_map)
    assert label_map.is_empty


def test_erasing_leaves_neither_label_nor_provenance_whatever_the_caller_says() -> None:
    label_map = LabelMap(np.full((4, 4), 2, np.uint8), np.full((4, 4), PAINTED, np.uint8))
    recorder = StrokeRecorder(label_map, "Eraser")
    recorder.paint(Box(0, 0, 4, 4), np.ones((4, 4), bool), 255, PAINTED)
    assert label_map.is_empty
    assert not label_map.provenance.any()


def test_painting_what_is_there_already_is_no_edit() -> None:
    label_map = LabelMap(np.full((4, 4), 2, np.uint8), np.full((4, 4), PAINTED, np.uint8))
    recorder = StrokeRecorder(label_map, "Brush")
    recorder.paint(Box(0, 0, 4, 4), np.ones((4, 4), bool), 2, PAINTED)
    assert recorder.finish() is None


@given(st.data())
def test_every_coding_of_a_patch_says_the_same(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    before, after = data.draw(planes(shape)), data.draw(planes(shape))
    box = Box(3, 5, 3 + shape[0], 5 + shape[1])
    for squeeze in (False, True):
        patch = make_patch(box, before, after, squeeze=squeeze)
        if patch is None:
            assert_same(LabelMap(*before), after)
            continue
        decoded, changed = patch.decode()
        here = patch.box.shift(-3, -5).slices
        assert changed.sum() == patch.changed_pixels
        for plane, values in enumerate((*before, *after)):
            np.testing.assert_array_equal(decoded[..., plane][changed], values[here][changed])
        image = [np.full((20, 20), 9, np.uint8), np.full((20, 20), 9, np.uint8)]
        image[0][box.slices], image[1][box.slices] = before
        patch.write(*image, after=True)
        assert all((plane[box.slices] == values).all() for plane, values in zip(image, after, strict=True))
        patch.write(*image, after=False)
        assert all((plane[box.slices] == values).all() for plane, values in zip(image, before, strict=True))
        assert (image[0][:3] == 9).all()


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 255]), st.sampled_from([0, 255]))
def test_an_even_area_is_kept_in_ten_bytes_and_comes_back(
    height: int, width: int, given_id: int, stray: int
) -> None:
    """Also where one pixel is different after all."""
    label_map = LabelMap.empty((50, 50))
    label_map.writable()[0][3, 4] = stray
    before = label_map.copy()
    box = Box(0, 0, height, width)
    origin = PAINTED if given_id != 255 else 0
    after = (np.full((height, width), value, np.uint8) for value in (given_id, origin))
    edit = make_edit("x", label_map, box, *after)
    if edit is None:
        assert (label_map.labels[box.slices] == given_id).all()
        return
    edit = Edit.from_bytes(edit.to_bytes())
    edit.apply(label_map)
    assert (label_map.labels[box.slices] == given_id).all()
    if height * width > 300 and stray == 255:
        assert len(edit.patches[0].payload) < 10
    edit.revert(label_map)
    assert np.array_equal(label_map.labels, before.labels)
    assert np.array_equal(label_map.provenance, before.provenance)


@given(arrays(np.uint8, (9, 7)), arrays(np.uint8, (9, 7)), arrays(np.bool_, (9, 7)))
def test_choosing_is_what_numpy_calls_where_and_writes_to_nothing(
    values: np.ndarray, others: np.ndarray, mask: np.ndarray
) -> None:
    """Labels that others look at meanwhile go from the old value to the new one, without another between."""
    before = others.copy()
    assert np.array_equal(choose(mask, values, others), np.where(mask, values, before))
    assert np.array_equal(others, before)
