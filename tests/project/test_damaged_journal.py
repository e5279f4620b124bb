"""A journal that is cut, spoilt or not ours: the state after some finished stroke, never garbage."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.errors import LabelReadError
from fcn_studio.project import compact_journal, load_document
from fcn_studio.project.journal_format import FrameKind, make_frame, parse_journal

from .conftest import Painter, fresh, journal_of, paint_story


def paint_once(folder: Path) -> tuple[Painter, Path]:
    """A person who painted one stroke and left, and their journal."""
    painter = fresh(folder)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    return painter, journal_of(painter.project)


@pytest.mark.parametrize("saved_after", [0, 4, 9])
def test_a_journal_cut_at_any_byte_gives_the_state_after_some_finished_stroke(tmp_path, saved_after) -> None:
    painter = fresh(tmp_path)
    chance = random.Random(saved_after)
    states = paint_story(painter, chance, saved_after)
    if saved_after:
        painter.save()
    states += paint_story(painter, chance, 9)[1:]
    painter.close()
    path = journal_of(painter.project)
    whole = path.read_bytes()
    frames = parse_journal(whole, path).frames
    seams = {0, parse_journal(whole, path).header_bytes, *(frame.end for frame in frames)}
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        seen = load_document(painter.project, "a.png")
        finished = sum(frame.end <= cut for frame in frames)
        expected = states[max(finished, saved_after)]
        assert (seen.label_map.labels.tobytes(), seen.label_map.provenance.tobytes()) == expected, cut
        assert path.read_bytes() == whole[:cut]
        surprising = cut not in seams or (cut > 0 and finished < saved_after)
        assert bool(seen.notices) == surprising, cut
        # What can be undone is always a state that once was.
        while seen.history.undo(seen.label_map):
            assert (seen.label_map.labels.tobytes(), seen.label_map.provenance.tobytes()) in states


def test_a_compacted_journal_cut_at_any_byte_gives_the_state_after_some_finished_stroke(tmp_path) -> None:
    """The same where the journal begins with history that was carried over."""
    painter = fresh(tmp_path)
    chance = random.Random(3)
    states = paint_story(painter, chance, 8)
    painter.undo()
    states.append(painter.planes)
    painter.save()
    painter.close()
    place = painter.project.place_of("a.png")
    assert compact_journal(place, worth_bytes=-(1 << 30)).bytes_after > 0
    again = Painter(painter.project, "a.png")
    later = paint_story(again, chance, 5)
    again.close()
    whole = place.journal.read_bytes()
    frames = parse_journal(whole, place.journal).frames
    kinds = (FrameKind.EDIT, FrameKind.UNDO, FrameKind.REDO)
    for cut in range(len(whole) + 1):
        place.journal.write_bytes(whole[:cut])
        seen = load_document(painter.project, "a.png")
        finished = sum(frame.end <= cut and frame.kind in kinds for frame in frames)
        assert (seen.label_map.labels.tobytes(), seen.label_map.provenance.tobytes()) == later[finished], cut
        while seen.history.undo(seen.label_map):
            planes = seen.label_map.labels.tobytes(), seen.label_map.provenance.tobytes()
            assert planes in [*states, *later], cut


cuts = st.lists(st.tuples(st.sampled_from(["cut", "flip", "add"]), st.floats(0, 1)), min_size=1, max_size=3)


@given(st.integers(0, 10_000), cuts)
def test_whatever_happens_to_a_journal_the_labels_are_those_after_some_finished_stroke(
    tmp_path_factory, seed, harms
) -> None:
    """Cut, damaged and lengthened anywhere, painted on, and harmed again: never garbage."""
    tmp = tmp_path_factory.mktemp("harm")
    painter, chance = fresh(tmp), random.Random(seed)
    states = {painter.planes}
    for harm, place in harms:
        states.update(paint_story(painter, chance, 5))
        painter.close()
        path = journal_of(painter.project)
        content = bytearray(path.read_bytes())
        at = min(len(content) - 1, int(place * len(content)))
        if harm == "cut":
            del content[at:]
        elif harm == "flip":
            content[at] ^= 1 << chance.randrange(8)
        else:
            content += bytes(chance.randrange(256) for _ in range(at % 90))
        path.write_bytes(content)
        painter = Painter(painter.project, "a.png")
        assert painter.planes in states
    painter.journal.close()
    shutil.rmtree(tmp)


@pytest.mark.parametrize("seed", range(6))
def test_a_flipped_byte_ends_the_replay_and_painting_goes_on(tmp_path, seed) -> None:
    painter = fresh(tmp_path)
    chance = random.Random(seed)
    states = paint_story(painter, chance, 8)
    painter.close()
    path = journal_of(painter.project)
    whole = bytearray(path.read_bytes())
    frames = parse_journal(bytes(whole), path).frames
    place = chance.randrange(parse_journal(bytes(whole), path).header_bytes, len(whole))
    whole[place] ^= 1 << chance.randrange(8)
    path.write_bytes(whole)
    again = Painter(painter.project, "a.png")
    finished = sum(frame.end <= place for frame in frames)
    assert again.planes == states[finished]
    assert again.loaded.notices
    assert path.read_bytes() == bytes(whole)
    again.paint(Box(0, 0, 24, 32), 3 if again.label_map.labels[0, 0] != 3 else 2)
    again.close()
    aside = path.with_name(path.name + ".broken-1")
    good = frames[finished - 1].end if finished else parse_journal(bytes(whole), path).header_bytes
    assert aside.read_bytes() == bytes(whole)[good:]
    third = Painter(painter.project, "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()
    third.close()


def test_a_journal_without_its_beginning_is_put_aside_at_the_next_stroke(tmp_path) -> None:
    painter, path = paint_once(tmp_path)
    path.write_bytes(b"garbage" + path.read_bytes())
    again = Painter(painter.project, "a.png")
    assert again.label_map.is_empty
    assert "beginning" in again.loaded.notices[0]
    assert path.exists()
    again.paint(Box(0, 0, 5, 5), 2)
    again.close()
    assert path.with_name(path.name + ".aside-1").read_bytes().startswith(b"garbage")
    assert Painter(painter.project, "a.png").planes == again.planes


def test_a_frame_that_is_whole_but_makes_no_sense_ends_the_replay(tmp_path) -> None:
    painter, path = paint_once(tmp_path)
    with path.open("ab") as file:
        file.write(make_frame(FrameKind.EDIT, 2, b"\x00\x01nonsense"))
        file.write(make_frame(FrameKind.UNDO, 3))
    again = Painter(painter.project, "a.png")
    assert again.planes == painter.planes
    assert again.loaded.notices
    again.paint(Box(5, 5, 9, 9), 2)
    again.close()
    last = Painter(painter.project, "a.png")
    assert last.planes == again.planes
    assert last.loaded.notices == ()


def test_an_undo_with_nothing_to_undo_is_a_broken_frame(tmp_path) -> None:
    painter, path = paint_once(tmp_path)
    with path.open("ab") as file:
        file.write(make_frame(FrameKind.UNDO, 2) + make_frame(FrameKind.UNDO, 3))
    again = load_document(painter.project, "a.png")
    assert again.label_map.is_empty
    assert again.notices
    assert len(again.history.undone) == 1


def test_a_newer_journal_is_refused_and_untouched(tmp_path) -> None:
    painter, path = paint_once(tmp_path)
    content = bytearray(path.read_bytes())
    content[4] = 99
    path.write_bytes(content)
    with pytest.raises(LabelReadError, match="newer version"):
        load_document(painter.project, "a.png")
    assert path.read_bytes() == bytes(content)
