"""Strokes, whole-image edits, undo and redo, and that they come back after leaving and after a restart."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.label_map import Provenance
from fcn_studio.core.prediction import Prediction
from fcn_studio.io.label_png import read_label_png
from fcn_studio.project import ImageState
from fcn_studio.session import Level, whole_image
from fcn_studio.session.whole_image import RegionOp


def put_prediction(desk, channels: np.ndarray) -> None:
    """An answer as the network gives it, in the channels background, cat, dog."""
    keys = ("background", "cat", "dog")
    confidence = np.full(channels.shape, 200, np.uint8)
    desk.document.prediction = Prediction(
        channels.astype(np.uint8), confidence, keys, "test", True, 0.0, "test"
    )


def test_a_stroke_is_seen_at_once_and_is_one_edit(desk) -> None:
    boxes = []
    desk.session.events.labels_changed.connect(lambda image_id, box: boxes.append((image_id, box)))
    desk.session.editing.begin_stroke("Paint cat")
    desk.dab(20, 20, 1)
    assert desk.labels[20, 20] == 1
    desk.dab(20, 30, 1)
    assert [image_id for image_id, _ in boxes] == ["a.png", "a.png"]
    assert not desk.document.history.can_undo
    desk.session.editing.finish_stroke()
    assert desk.session.editing.undo_name == "Paint cat"
    assert desk.session.editing.journal_frames == 1
    assert desk.session.images.state_of("a.png") is ImageState.IN_PROGRESS
    desk.session.editing.undo()
    assert (desk.labels == 255).all()
    assert (desk.provenance == Provenance.NONE).all()
    assert desk.session.editing.redo_name == "Paint cat"
    desk.session.editing.redo()
    assert (desk.labels == 1).sum() == 2 * 8 * 8
    assert desk.session.editing.journal_frames == 3


def test_the_eraser_gives_back_unlabelled_and_strokes_may_leave_the_image(desk) -> None:
    desk.stroke(0, 0, 1, radius=6)
    assert (desk.labels == 1).sum() == 36
    desk.stroke(0, 0, 255, radius=3)
    assert (desk.labels[:3, :3] == 255).all()
    assert (desk.provenance[:3, :3] == Provenance.NONE).all()
    desk.session.editing.undo()
    assert (desk.labels == 1).sum() == 36


def test_a_cancelled_stroke_leaves_no_trace(desk) -> None:
    desk.stroke(20, 20, 1)
    before = desk.labels.copy()
    desk.session.editing.begin_stroke("Paint")
    desk.dab(22, 22, 2)
    desk.session.editing.cancel_stroke()
    assert (desk.labels == before).all()
    assert desk.session.editing.journal_frames == 1
    assert not desk.session.editing.in_stroke


def test_undo_in_mid_stroke_finishes_the_stroke_and_takes_it_back(desk) -> None:
    desk.stroke(20, 20, 1)
    desk.session.editing.begin_stroke("Paint")
    desk.dab(40, 40, 2)
    assert desk.session.editing.can_undo
    desk.session.editing.undo()
    assert not desk.session.editing.in_stroke
    assert desk.labels[40, 40] == 255
    assert desk.labels[20, 20] == 1
    desk.dab(50, 50, 2)  # the pointer is still down: it paints nothing any more
    assert desk.labels[50, 50] == 255
    desk.session.editing.redo()
    assert desk.labels[40, 40] == 2


def test_leaving_in_mid_stroke_finishes_the_stroke_and_returning_can_undo_it(desk) -> None:
    desk.stroke(20, 20, 1)
    desk.session.editing.begin_stroke("Paint")
    desk.dab(40, 40, 2)
    desk.show("b.png")
    assert not desk.session.editing.in_stroke
    assert (desk.labels == 255).all()
    desk.show("a.png")
    assert (desk.labels[20, 20], desk.labels[40, 40]) == (1, 2)
    desk.session.editing.undo()
    assert (desk.labels[20, 20], desk.labels[40, 40]) == (1, 255)
    desk.session.editing.undo()
    assert (desk.labels == 255).all()
    assert not desk.session.editing.can_undo
    desk.session.editing.redo()
    desk.show("b.png")
    desk.show("a.png")
    assert (desk.labels[20, 20], desk.labels[40, 40]) == (1, 255)
    assert desk.session.editing.can_redo
    assert not desk.complaints


def test_everything_is_there_and_can_be_undone_after_a_restart(desk, start, photos: Path) -> None:
    for step in range(6):
        desk.stroke(8 + 8 * step, 20, 1 + step % 2, name=f"stroke {step}")
    desk.session.editing.undo()
    labels, provenance = desk.labels.copy(), desk.provenance.copy()
    desk.session.mark_reviewed()
    assert desk.session.close()
    again = start()
    again.open(photos)
    assert (again.labels == labels).all()
    assert (again.provenance == provenance).all()
    assert again.session.classes.table == desk.session.classes.table
    assert again.session.images.state_of("a.png") is ImageState.REVIEWED
    assert again.session.editing.undo_name == "stroke 4"
    assert again.session.editing.redo_name == "stroke 5"
    again.session.editing.redo()
    assert again.labels[48, 20] == 2
    for _ in range(6):
        again.session.editing.undo()
    assert (again.labels == 255).all()
    assert not again.complaints


def test_fill_takes_the_connected_region_of_the_mask(desk) -> None:
    channels = np.zeros((64, 80), int)
    channels[10:30, 10:30] = 1
    put_prediction(desk, channels)
    desk.stroke(20, 20, 2, radius=3)  # a label inside the predicted cat: not part of its region
    desk.session.editing.request_fill(12, 12, 1)
    desk.until(lambda: desk.session.editing.undo_name.startswith("Fill"))
    expected = np.zeros((64, 80), bool)
    expected[10:30, 10:30] = True
    expected[17:23, 17:23] = False
    assert ((desk.labels == 1) == expected).all()
    assert (desk.provenance[expected] == Provenance.PAINTED).all()
    desk.session.editing.request_fill(500, 3, 1)
    desk.settle()
    assert len(desk.document.history.done) == 2


def test_accept_all_fills_only_what_is_unlabelled(desk) -> None:
    channels = np.zeros((64, 80), int)
    channels[:32] = 1
    put_prediction(desk, channels)
    desk.stroke(20, 20, 2)
    desk.session.editing.request_accept_all()
    desk.until(lambda: desk.session.editing.undo_name == "Accept all")
    assert desk.labels[20, 20] == 2
    assert desk.provenance[20, 20] == Provenance.PAINTED
    assert desk.labels[2, 2] == 1
    assert desk.labels[60, 2] == 0
    assert (desk.provenance == Provenance.ACCEPTED).sum() == 64 * 80 - 64
    desk.session.editing.undo()
    assert (desk.labels != 255).sum() == 64
    desk.session.editing.request_clear()
    desk.until(lambda: desk.session.editing.undo_name == "Clear labels")
    assert (desk.labels == 255).all()
    desk.session.editing.undo()
    assert desk.labels[20, 20] == 2


def test_a_whole_image_edit_is_computed_again_when_the_labels_moved_meanwhile(desk) -> None:
    channels = np.zeros((64, 80), int)
    put_prediction(desk, channels)
    desk.session.editing.request_accept_all()
    desk.stroke(20, 20, 2)  # before the answer is let in
    desk.session.editing.begin_stroke("Paint")
    desk.dab(40, 40, 1)
    desk.settle()
    assert desk.session.editing.in_stroke  # it is not cut off under the hand
    desk.session.editing.finish_stroke()
    desk.until(lambda: desk.session.editing.undo_name == "Accept all")
    assert (desk.labels[20, 20], desk.labels[40, 40]) == (2, 1)
    assert desk.provenance[20, 20] == desk.provenance[40, 40] == Provenance.PAINTED
    desk.session.editing.undo()
    assert (desk.labels != 255).sum() == 128


def test_an_answer_to_labels_that_have_moved_is_thrown_away(desk) -> None:
    put_prediction(desk, np.zeros((64, 80), int))
    desk.session.editing.request_accept_all()
    desk.hold(lambda: desk.session._workers.pool.idle)  # computed, but not let in yet
    desk.stroke(20, 20, 2)
    desk.until(lambda: desk.session.editing.undo_name == "Accept all")
    assert desk.labels[20, 20] == 2
    assert desk.provenance[20, 20] == Provenance.PAINTED
    desk.session.editing.undo()
    assert (desk.labels != 255).sum() == 64


def test_a_whole_image_edit_that_was_asked_for_is_done_before_its_image_is_left(desk) -> None:
    pool = desk.session._workers.pool
    put_prediction(desk, np.zeros((64, 80), int))
    desk.session.images.open("b.png")
    desk.hold(lambda: pool.idle)
    desk.session.editing.request_accept_all()
    desk.hold(lambda: pool.idle)  # its answer comes in behind the other image
    left = desk.document
    desk.until(lambda: desk.document.image_id == "b.png")
    desk.settle()
    assert (desk.labels == 255).all()
    assert not desk.session.editing.can_undo
    assert desk.session.editing.journal_frames == 0
    assert [edit.name for edit in left.history.done] == ["Accept all"]
    desk.show("a.png")
    assert (desk.labels == 0).all()


@pytest.fixture
def slow_accept(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Accepting waits for the event; the names of the threads that have computed it."""
    real, go_on, threads = whole_image.compute_accepted, threading.Event(), []

    def compute(*arguments, **options):
        threads.append(threading.current_thread().name)
        assert go_on.wait(20)
        return real(*arguments, **options)

    monkeypatch.setattr(whole_image, "compute_accepted", compute)
    return go_on, threads


@pytest.mark.parametrize("strokes", [0, 1])
def test_leaving_an_image_waits_for_nothing_that_is_computed_and_loses_nothing(
    desk, slow_accept, strokes: int
) -> None:
    go_on, threads = slow_accept
    put_prediction(desk, np.zeros((64, 80), int))
    for _ in range(strokes):
        desk.stroke(50, 50, 2)
    desk.session.editing.request_accept_all()
    desk.hold(lambda: bool(threads))
    desk.session.editing.request_fill(5, 5, 1)
    desk.show("b.png")
    assert not desk.session.editing.can_undo
    desk.stroke(10, 10, 2)
    desk.session.images.open("a.png")
    desk.queue.run_pending(0.2)
    assert desk.document.image_id == "b.png", "what was asked for comes first"
    go_on.set()
    desk.show("a.png")
    assert len(threads) == 1, "once, and not again for leaving"
    assert all(name.startswith("io") for name in threads)
    names = [edit.name for edit in desk.document.history.done]
    assert names == ["Paint"] * strokes + ["Accept all", "Fill with cat"]
    assert desk.labels[5, 5] == 1
    assert desk.labels[50, 50] == (2 if strokes else 1)
    desk.session.editing.undo()
    desk.session.editing.undo()
    assert (desk.labels != 255).sum() == 64 * strokes
    desk.settle()
    assert not desk.session._keeper._left


def test_closing_finishes_what_is_still_computed(desk, start, slow_accept, photos: Path) -> None:
    go_on, threads = slow_accept
    put_prediction(desk, np.zeros((64, 80), int))
    desk.session.editing.request_accept_all()
    desk.hold(lambda: bool(threads))
    threading.Timer(0.1, go_on.set).start()
    assert desk.session.close()
    again = start()
    again.open(photos)
    assert (again.labels == 0).all()
    assert again.session.editing.undo_name == "Accept all"


def test_edits_asked_for_one_after_the_other_are_all_done_in_order(desk) -> None:
    channels = np.zeros((64, 80), int)
    channels[:, 40:] = 1
    put_prediction(desk, channels)
    editing = desk.session.editing
    editing.request_fill(5, 5, 2)
    editing.request_fill(5, 60, 0)
    editing.request_accept_all()
    editing.request_fill(5, 5, 1)
    desk.settle()
    names = [edit.name for edit in desk.document.history.done]
    assert [name.split()[0] for name in names] == ["Fill"] * 3  # nothing was left to accept
    assert (desk.labels[:, :40] == 1).all()
    assert (desk.labels[:, 40:] == 0).all()


def test_undo_takes_back_what_is_still_being_computed(desk) -> None:
    put_prediction(desk, np.zeros((64, 80), int))
    desk.stroke(20, 20, 2)
    desk.session.editing.request_accept_all()
    desk.session.editing.undo()
    desk.settle()
    assert [edit.name for edit in desk.document.history.done] == ["Paint"]
    assert (desk.labels != 255).sum() == 64


def test_undo_is_told_to_be_there_for_the_first_stroke_and_the_first_edit_that_is_computed(desk) -> None:
    seen: list[bool] = []
    editing = desk.session.editing
    desk.session.events.undo_changed.connect(lambda: seen.append(editing.can_undo))
    editing.begin_stroke("Paint")
    desk.dab(40, 40, 2)
    desk.dab(41, 41, 2)
    assert seen == [True], "told at the beginning, and not with every dab"
    editing.cancel_stroke()
    assert seen == [True, False]
    put_prediction(desk, np.zeros((64, 80), int))
    editing.request_accept_all()
    assert seen.pop()
    assert editing.can_undo
    editing.undo()
    assert not seen.pop()
    desk.settle()
    assert (desk.labels == 255).all()
    editing.request_fill(200, 5, 1)  # outside the image
    editing.request_region_op(RegionOp.GROW, 2, 3)  # and nothing to grow
    assert editing.can_undo
    desk.settle()
    assert seen[-1] is False


def test_undo_in_mid_stroke_takes_the_stroke_and_not_what_is_still_computed(desk) -> None:
    put_prediction(desk, np.zeros((64, 80), int))
    desk.session.editing.request_accept_all()
    desk.session.editing.begin_stroke("Paint")
    desk.dab(40, 40, 2)
    desk.session.editing.undo()
    desk.settle()
    assert [edit.name for edit in desk.document.history.done] == ["Accept all"]
    assert (desk.labels == 0).all()


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_saving_in_mid_stroke_lets_the_stroke_go_on_and_saves_at_its_end(
    desk, photos: Path, is_cancelled: bool
) -> None:
    editing = desk.session.editing
    desk.stroke(50, 50, 1)
    editing.begin_stroke("Paint")
    desk.dab(20, 20, 1)
    editing.save_now()
    assert editing.in_stroke
    desk.dab(20, 40, 1)
    if is_cancelled:
        editing.cancel_stroke()
    else:
        editing.finish_stroke()
    desk.settle()
    labels = read_label_png(photos.parent / "photos.fcnstudio" / "labels" / "a.png")[0]
    assert (labels == desk.labels).all()
    assert int((labels == 1).sum()) == (64 if is_cancelled else 3 * 64)


def test_accepting_without_a_prediction_says_so(desk) -> None:
    desk.session.editing.request_accept_all()
    assert [notice.level for notice in desk.notices] == [Level.INFO]


def test_nothing_happens_without_an_image(start) -> None:
    editing = start().session.editing
    editing.begin_stroke("Paint")
    editing.finish_stroke()
    editing.undo()
    editing.redo()
    editing.request_fill(1, 1, 1)
    editing.request_clear()
    editing.save_now()
    assert not editing.can_undo
    assert not editing.can_redo
    assert editing.undo_name == editing.redo_name == ""
    assert editing.journal_frames == 0
