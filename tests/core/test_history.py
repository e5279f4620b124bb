"""Undo and redo against an oracle that keeps a full copy of everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.edit import Edit, make_edit
from fcn_studio.core.history import History
from fcn_studio.core.label_map import LabelMap
from tests.core.strategies import arrays_of, assert_same, boxes_inside, planes

SHAPE = (6, 7)


@settings(max_examples=40)
@given(st.data())
def test_any_sequence_of_edits_undo_and_redo_agrees_with_full_copies(data: st.DataObject) -> None:
    label_map, history = LabelMap.empty(SHAPE), History()
    states, position = [arrays_of(label_map)], 0
    for step in data.draw(st.lists(st.sampled_from(["edit", "undo", "undo", "redo"]), max_size=12)):
        if step == "edit":
            box = data.draw(boxes_inside(SHAPE))
            edit = make_edit("Edit", label_map, box, *data.draw(planes(box.shape_hw)))
            if edit is not None:
                edit.apply(label_map)
                history.push(edit)
                states = [*states[: position + 1], arrays_of(label_map)]
                position += 1
        elif step == "undo":
            assert (history.undo(label_map) is None) == (position == 0)
            position = max(0, position - 1)
        else:
            assert (history.redo(label_map) is None) == (position == len(states) - 1)
            position = min(len(states) - 1, position + 1)
        assert_same(label_map, states[position])
        assert len(history.done) == position
        assert len(history.undone) == len(states) - 1 - position
        assert history.can_undo == (position > 0)
        assert history.can_redo == (position < len(states) - 1)


def dots(count: int) -> tuple[LabelMap, list[Edit]]:
    """A label map and `count` edits of one pixel each, not applied."""
    label_map, edits = LabelMap.empty((1, count)), []
    for number in range(count):
        one = np.ones((1, 1), np.uint8)
        edit = make_edit(f"Dot {number}", label_map, Box(0, number, 1, number + 1), one, one)
        assert edit is not None
        edits.append(edit)
    return label_map, edits


def test_the_budget_drops_the_oldest_edits_but_never_below_the_promised_number() -> None:
    label_map, edits = dots(40)
    history = History(budget_bytes=10 * edits[0].size_bytes, at_least=4)
    for edit in edits:
        edit.apply(label_map)
        history.push(edit)
    assert history.done == tuple(edits[-10:])

    history = History(budget_bytes=0, at_least=4)
    for edit in edits:
        history.push(edit)
    assert history.done == tuple(edits[-4:])


def test_undo_reaches_500_strokes_even_when_each_is_far_over_the_budget() -> None:
    label_map, edits = dots(520)
    history = History(budget_bytes=1)
    for edit in edits:
        edit.apply(label_map)
        history.push(edit)
    while history.can_undo:
        history.undo(label_map)
    assert int((label_map.labels != 255).sum()) == 20


def test_undo_and_redo_do_not_wear_the_budget_out() -> None:
    label_map, edits = dots(10)
    history = History(budget_bytes=10 * edits[0].size_bytes, at_least=1)
    for edit in edits:
        edit.apply(label_map)
        history.push(edit)
    for _ in range(3):
        while history.can_undo:
            history.undo(label_map)
        assert label_map.is_empty
        while history.can_redo:
            history.redo(label_map)
        assert history.done == tuple(edits)


def test_a_restored_history_goes_on_where_the_journal_ended() -> None:
    label_map, edits = dots(5)
    for edit in edits[:3]:
        edit.apply(label_map)
    history = History.restored(edits[:3], [edits[4], edits[3]])
    history.redo(label_map)
    assert history.done == tuple(edits[:4])
    history.redo(label_map)
    assert (label_map.labels == 1).all()
    while history.can_undo:
        history.undo(label_map)
    assert label_map.is_empty
