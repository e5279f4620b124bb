"""Shortening a journal loses nothing that undo or redo can reach."""

from __future__ import annotations

import pytest

from fcn_studio.core.box import Box
from fcn_studio.core.errors import StorageError
from fcn_studio.project import compact_journal

from .conftest import Painter, fresh


def test_a_compacted_journal_does_not_take_strokes_from_a_stale_window(tmp_path) -> None:
    first = fresh(tmp_path)
    first.paint(Box(0, 0, 5, 5), 1)
    first.save()
    first.close()
    stale = Painter(first.project, "a.png")
    place = first.project.place_of("a.png")
    assert compact_journal(place, worth_bytes=-(1 << 30)).bytes_after > 0
    with pytest.raises(StorageError):
        stale.paint(Box(2, 2, 9, 9), 2)


def test_compaction_keeps_what_undo_and_redo_can_reach_and_drops_the_rest(tmp_path) -> None:
    painter = fresh(tmp_path)
    states = [painter.planes]
    for number in range(12):
        painter.paint(Box(0, 0, 20, 20), number % 4)
        states.append(painter.planes)
    for _ in range(30):
        painter.undo()
        painter.redo()
    painter.undo()
    painter.save()
    painter.close()
    place = painter.project.place_of("a.png")
    before = place.journal.stat().st_size
    result = compact_journal(place, budget_bytes=0, at_least=5, worth_bytes=1)
    assert result.bytes_before == before
    assert result.bytes_after == place.journal.stat().st_size < before
    again = Painter(painter.project, "a.png")
    assert again.loaded.notices == ()
    assert again.planes == states[11]
    assert again.redo()
    assert again.planes == states[12]
    for expected in (11, 10, 9, 8, 7, 6):
        assert again.undo()
        assert again.planes == states[expected]
    assert not again.undo()
    again.close()


def test_compaction_leaves_alone_what_is_not_saved_or_broken(tmp_path) -> None:
    painter = fresh(tmp_path)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.save()
    painter.paint(Box(0, 0, 9, 9), 2)
    painter.close()
    place = painter.project.place_of("a.png")
    before = place.journal.read_bytes()
    compact_journal(place, worth_bytes=-(1 << 30))
    assert place.journal.read_bytes() == before
    place.journal.write_bytes(before[:-3])
    compact_journal(place, worth_bytes=-(1 << 30))
    assert place.journal.read_bytes() == before[:-3]
