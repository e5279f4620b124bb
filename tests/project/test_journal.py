"""The journal: nothing finished is lost, nothing half is used, undo reaches over a restart."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.errors import LabelReadError, StorageError
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.project import JournalWriter, compact_journal, load_document, open_project
from fcn_studio.project.journal_format import FrameKind, make_frame, parse_journal, read_journal

from .conftest import CLASSES, HW, Painter, write_image


def journal_of(project, image_id="a.png") -> Path:
    return project.place_of(image_id).journal


def fresh(tmp: Path) -> Painter:
    write_image(tmp / "photos" / "a.png")
    project = open_project([tmp / "photos"])
    project.set_classes(CLASSES)
    project.save()
    return Painter(project, "a.png")


def reopen(painter: Painter) -> Painter:
    painter.journal.close()
    return Painter(open_project([painter.project.root]), painter.image_id)


def test_opening_and_looking_makes_nothing_on_disk(open_photos, painters, photos) -> None:
    project = open_photos()
    painters(project, "a.png").close()
    assert [path.name for path in photos.parent.iterdir()] == ["photos"]


def test_a_stroke_is_there_after_a_restart_without_any_closing(open_photos, painters) -> None:
    painter = painters(open_photos(), "a.png")
    painter.paint(Box(2, 2, 8, 9), 1)
    seen = load_document(open_photos(), "a.png")
    assert (seen.label_map.labels == painter.label_map.labels).all()
    assert (seen.label_map.provenance == painter.label_map.provenance).all()
    assert seen.history.can_undo
    assert seen.seq == 1


def test_undo_and_redo_are_remembered_too(open_photos, painters) -> None:
    painter = painters(open_photos(), "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.paint(Box(3, 3, 9, 9), 2)
    painter.undo()
    painter.close()
    again = painters(open_photos(), "a.png")
    assert again.planes == painter.planes
    assert again.redo()
    assert not again.redo()
    assert again.undo()
    assert again.undo()
    assert not again.undo()
    assert again.label_map.is_empty


class FullCopies:
    """The oracle: whole copies of both planes instead of edits."""

    def __init__(self, label_map: LabelMap) -> None:
        self.past = [(label_map.labels.tobytes(), label_map.provenance.tobytes())]
        self.future: list[tuple[bytes, bytes]] = []

    def did(self, painter: Painter) -> None:
        self.past.append(painter.planes)
        self.future.clear()

    def undid(self) -> None:
        self.future.append(self.past.pop())

    def redid(self) -> None:
        self.past.append(self.future.pop())


actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("paint"),
            st.integers(0, HW[0] - 1),
            st.integers(0, HW[1] - 1),
            st.integers(1, 12),
            st.sampled_from([0, 1, 2, 3, 255]),
            st.sampled_from([1, 2]),
        ),
        st.tuples(st.sampled_from(["undo", "redo", "save", "restart", "compact", "sync", "save first half"])),
    ),
    max_size=25,
)


def half_save(painter: Painter, tmp: Path) -> None:
    """Killed between the two PNGs: the provenance stays what it was."""
    provenance = painter.project.place_of("a.png").provenance
    old = provenance.read_bytes() if provenance.exists() else None
    painter.save()
    if old is None:
        provenance.unlink()
    else:
        provenance.write_bytes(old)


@given(actions)
def test_any_sequence_over_restarts_equals_full_copies(tmp_path_factory, sequence) -> None:
    tmp = tmp_path_factory.mktemp("walk")
    painter = fresh(tmp)
    oracle = FullCopies(painter.label_map)
    for action in [*sequence, ("restart",), *[("undo",)] * 25, ("restart",), *[("redo",)] * 25]:
        kind = action[0]
        if kind == "paint":
            _, y, x, side, class_id, provenance = action
            if painter.paint(Box(y, x, y + side, x + side), class_id, provenance):
                oracle.did(painter)
        elif kind == "undo" and painter.undo():
            oracle.undid()
        elif kind == "redo" and painter.redo():
            oracle.redid()
        elif kind == "save":
            painter.save()
        elif kind == "save first half":
            half_save(painter, tmp)
        elif kind == "sync":
            painter.journal.sync()
        elif kind == "compact":
            painter.save()
            painter.close()
            painter.project.compact("a.png")
            painter = reopen(painter)
        elif kind == "restart":
            painter = reopen(painter)
        assert painter.planes == oracle.past[-1]
        assert painter.loaded.notices == ()
        assert len(painter.loaded.history.done) == len(oracle.past) - 1
        assert len(painter.loaded.history.undone) == len(oracle.future)
    painter.journal.close()
    shutil.rmtree(tmp)


def paint_story(painter: Painter, chance: random.Random, count: int) -> list[tuple[bytes, bytes]]:
    """Strokes, undos and redos; the planes after each journal frame."""
    states = [painter.planes]
    while len(states) <= count:
        kind = chance.random()
        y, x = chance.randrange(20), chance.randrange(28)
        if kind < 0.7:
            changed = painter.paint(Box(y, x, y + 5, x + 6), chance.randrange(4), chance.choice([1, 2]))
        else:
            changed = painter.undo() if kind < 0.88 else painter.redo()
        if changed:
            states.append(painter.planes)
    return states


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
    painter = fresh(tmp_path)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    path = journal_of(painter.project)
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
    painter = fresh(tmp_path)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    path = journal_of(painter.project)
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
    painter = fresh(tmp_path)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    path = journal_of(painter.project)
    with path.open("ab") as file:
        file.write(make_frame(FrameKind.UNDO, 2) + make_frame(FrameKind.UNDO, 3))
    again = load_document(painter.project, "a.png")
    assert again.label_map.is_empty
    assert again.notices
    assert len(again.history.undone) == 1


def test_a_newer_journal_is_refused_and_untouched(tmp_path) -> None:
    painter = fresh(tmp_path)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    path = journal_of(painter.project)
    content = bytearray(path.read_bytes())
    content[4] = 99
    path.write_bytes(content)
    with pytest.raises(LabelReadError, match="newer version"):
        load_document(painter.project, "a.png")
    assert path.read_bytes() == bytes(content)


def test_two_windows_cannot_write_one_journal(tmp_path) -> None:
    first = fresh(tmp_path)
    first.paint(Box(0, 0, 5, 5), 1)
    second = Painter(open_project([first.project.root]), "a.png")
    with pytest.raises(StorageError, match="another window"):
        second.paint(Box(5, 5, 9, 9), 2)
    assert second.journal.pending == 1
    first.paint(Box(1, 1, 7, 7), 3)
    first.close()
    with pytest.raises(StorageError, match="open the image again"):
        second.journal.retry()
    assert load_document(first.project, "a.png").label_map.labels.tobytes() == first.planes[0]


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


def test_the_writer_thread_makes_strokes_durable_and_says_up_to_which(open_photos, painters) -> None:
    queue = QueueDispatcher()
    writer = JournalWriter(queue)
    painter = painters(open_photos(), "a.png")
    synced: list[int] = []
    for number in range(5):
        painter.paint(Box(number, number, number + 6, number + 6), number % 4)
        writer.request_sync(painter.journal, synced.append, lambda error: pytest.fail(str(error)))
    assert queue.run_until(lambda: 5 in synced, 5)
    assert synced == sorted(synced)
    assert painter.journal.synced_seq == 5
    writer.request_sync(painter.journal, synced.append)
    painter.close()
    writer.request_sync(painter.journal, synced.append)
    assert writer.close(5)


def test_writing_before_the_first_frame_failed_keeps_the_stroke_for_later(
    tmp_path, open_photos, painters
) -> None:
    painter = painters(open_photos(), "a.png")
    blocker = tmp_path / "photos.fcnstudio"
    blocker.write_text("a file where a folder is needed")
    with pytest.raises(StorageError, match="cannot be written"):
        painter.paint(Box(0, 0, 5, 5), 1)
    assert painter.journal.pending == 1
    with pytest.raises(StorageError):
        painter.journal.append_undo()
    assert painter.journal.pending == 2
    blocker.unlink()
    painter.journal.retry()
    assert painter.journal.pending == 0
    frames = read_journal(journal_of(painter.project)).frames
    assert [(frame.kind, frame.seq) for frame in frames] == [(FrameKind.EDIT, 1), (FrameKind.UNDO, 2)]
