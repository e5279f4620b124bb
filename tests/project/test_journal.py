"""The journal: nothing finished is lost, nothing half is used, undo reaches over a restart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.errors import ChangedElsewhereError, StorageError
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.project import JournalWriter, load_document, open_project
from fcn_studio.project.journal_format import FrameKind, read_journal

from .conftest import HW, Painter, fresh, journal_of, reopen


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


def test_two_windows_cannot_write_one_journal(tmp_path) -> None:
    first = fresh(tmp_path)
    first.paint(Box(0, 0, 5, 5), 1)
    second = Painter(open_project([first.project.root]), "a.png")
    with pytest.raises(StorageError, match="another window"):
        second.paint(Box(5, 5, 9, 9), 2)
    assert second.journal.pending == 1
    first.paint(Box(1, 1, 7, 7), 3)
    first.close()
    with pytest.raises(ChangedElsewhereError, match="put on top of what is there"):
        second.journal.retry()
    assert load_document(first.project, "a.png").label_map.labels.tobytes() == first.planes[0]


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
