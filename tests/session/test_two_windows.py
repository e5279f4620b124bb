"""Two windows on one folder: what the other one has written meanwhile costs nobody a stroke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.io.label_png import read_label_png
from fcn_studio.session import Saved
from tests.session.conftest import write_image
from tests.session.desk import Desk


@pytest.fixture
def overtaken(desk: Desk, start: Callable[..., Desk], photos: Path) -> Desk:
    """A window whose open image a.png was painted in another one, which is closed; then it paints twice."""
    desk.stroke(10, 10, 1, name="Before")
    desk.on_disk()
    desk.show("b.png")
    desk.show("a.png")
    other = start()
    other.open(photos)
    other.stroke(30, 30, 1, name="Of the other")
    assert other.session.close()
    desk.stroke(50, 50, 2, name="First")
    desk.stroke(32, 32, 2, name="Second")
    desk.session.editing.undo()
    desk.stroke(50, 20, 2, name="Third")
    desk.settle()
    return desk


def assert_all_is_there(desk: Desk) -> None:
    assert [edit.name for edit in desk.document.history.done] == ["Before", "Of the other", "First", "Third"]
    spots = {(10, 10): 1, (30, 30): 1, (32, 32): 1, (50, 50): 2, (50, 20): 2}
    assert {spot: int(desk.labels[spot]) for spot in spots} == spots
    assert int((desk.labels != 255).sum()) == 4 * 64


def paint_in_both(desk: Desk, start: Callable[..., Desk], photos: Path) -> Desk:
    """Another window paints on the image that `desk` has open, then `desk` does; returns the other."""
    desk.settle()
    other = start()
    other.open(photos)
    other.stroke(30, 30, 1, name="Of the other")
    desk.stroke(50, 50, 2, name="Mine")
    return other


def test_the_person_is_told_once_what_brings_their_strokes_to_the_disk(overtaken: Desk) -> None:
    assert overtaken.session.editing.saved is Saved.IN_MEMORY
    assert len(overtaken.complaints) == 1
    assert "Go to another image and back" in overtaken.complaints[0]


def test_coming_back_shows_both_windows_strokes_and_the_disk_has_them(
    overtaken: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    overtaken.show("b.png")
    overtaken.show("a.png")
    assert_all_is_there(overtaken)
    assert overtaken.session.editing.saved is not Saved.IN_MEMORY
    assert "on top" in overtaken.complaints[-1]
    overtaken.stroke(20, 60, 1, name="Fourth")
    overtaken.on_disk()
    overtaken.session.editing.undo()
    assert overtaken.session.close()
    again = start()
    again.open(photos)
    assert_all_is_there(again)


def test_the_next_image_is_on_disk_as_ever(overtaken: Desk) -> None:
    overtaken.show("b.png")
    overtaken.settle()
    overtaken.stroke(20, 20, 1)
    overtaken.on_disk()


@pytest.mark.parametrize("left_before", [False, True])
def test_closing_puts_the_strokes_on_top_too(
    overtaken: Desk, start: Callable[..., Desk], photos: Path, left_before: bool
) -> None:
    if left_before:
        overtaken.session.images.open("b.png")
        overtaken.until(lambda: overtaken.document.image_id == "b.png")
    assert overtaken.session.close()
    again = start()
    again.open(photos)
    assert_all_is_there(again)


def test_what_was_taken_back_of_the_state_before_is_taken_back_again(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    desk.stroke(10, 10, 1, name="Before")
    desk.show("b.png")
    desk.show("a.png")
    other = start()
    other.open(photos)
    other.stroke(30, 30, 1, name="Of the other")
    assert other.session.close()
    desk.session.editing.undo()
    desk.show("b.png")
    desk.show("a.png")
    assert desk.labels[10, 10] == 255
    assert desk.labels[30, 30] == 1
    desk.session.editing.undo()
    assert desk.labels[10, 10] == 1


def test_while_the_other_window_is_still_on_the_image_strokes_wait_until_it_leaves(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    other = paint_in_both(desk, start, photos)
    desk.show("b.png")
    desk.settle()
    assert desk.session.editing.saved is Saved.IN_MEMORY
    assert not desk.session.editing.is_at_risk
    for _ in range(3):
        desk.session.editing.catch_up()
        desk.settle()
    assert len(desk.complaints) <= 2, "each reason once"
    other.show("b.png")
    other.settle()
    desk.session.editing.catch_up()
    desk.until(lambda: desk.session.editing.saved is Saved.NOTHING)
    desk.show("a.png")
    assert [edit.name for edit in desk.document.history.done] == ["Of the other", "Mine"]


def test_strokes_that_closing_cannot_put_into_the_labels_are_written_aside(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    other = paint_in_both(desk, start, photos)
    painted = desk.labels.copy()
    assert desk.session.close()
    aside = photos.parent / "photos.fcnstudio" / "labels" / "a.png.aside-1"
    assert (read_label_png(aside)[0] == painted).all()
    other.stroke(10, 10, 1)
    other.on_disk()


def test_an_image_of_another_size_by_now_gets_the_strokes_aside(overtaken: Desk, photos: Path) -> None:
    painted = overtaken.labels.copy()
    write_image(photos / "a.png", (20, 30), 9)
    overtaken.show("b.png")
    overtaken.settle()
    aside = photos.parent / "photos.fcnstudio" / "labels" / "a.png.aside-1"
    assert str(aside) in overtaken.complaints[-1]
    assert np.array_equal(read_label_png(aside)[0], painted)
    assert overtaken.session.editing.saved is Saved.NOTHING


def test_nothing_is_at_risk_where_strokes_only_wait_for_the_other_window(
    overtaken: Desk, photos: Path
) -> None:
    assert not overtaken.session.editing.is_at_risk
    overtaken.open(photos)  # at once, without a word of loss
    assert_all_is_there(overtaken)


def test_a_broken_journal_that_both_windows_would_put_aside_is_put_aside_once(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    desk.stroke(10, 10, 1, name="Before")
    assert desk.session.close()
    journal = next((photos.parent / "photos.fcnstudio" / "journal").iterdir())
    journal.write_bytes(b"rubbish" + journal.read_bytes())
    mine, other = start(), start()
    mine.open(photos)
    other.open(photos)
    other.stroke(30, 30, 1, name="Of the other")
    other.on_disk()
    mine.stroke(50, 50, 2, name="Mine")
    mine.settle()
    assert other.session.close()
    mine.show("b.png")
    mine.show("a.png")
    assert [int(mine.labels[spot]) for spot in ((10, 10), (30, 30), (50, 50))] == [1, 1, 2]


def test_labels_of_a_class_that_another_window_has_added_are_seen_and_stay(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    desk.session.classes.choose(2)
    desk.settle()
    other = start()
    other.open(photos, first="b.png")
    added = other.session.classes.add("horse")
    other.stroke(30, 30, added)
    assert other.session.close()
    desk.notices.clear()
    desk.show("b.png")
    assert desk.session.classes.table.names == ("background", "cat", "dog", "horse")
    assert desk.session.classes.chosen_id == 2
    desk.stroke(50, 50, 1)
    desk.session.classes.rename(1, "kitten")
    desk.settle()
    assert not desk.notices
    again = start()
    again.open(photos, first="b.png")
    assert (again.labels[30, 30], again.labels[50, 50]) == (added, 1)
    assert again.session.classes.table.names == ("background", "kitten", "dog", "horse")
    assert again.session.classes.add("cow") == added + 1


def test_classes_that_two_windows_add_at_the_same_time_stay_apart(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    desk.settle()
    other = start()
    other.open(photos, first="b.png")
    horse = desk.session.classes.add("horse")
    desk.stroke(30, 30, horse)
    desk.settle()
    cow = other.session.classes.add("cow")
    assert other.session.classes.chosen_id == cow != horse
    other.stroke(30, 30, cow)
    desk.show("c.png")
    desk.settle()
    other.settle()
    again = start()
    again.open(photos)
    table = again.session.classes.table
    assert table.names == ("background", "cat", "dog", "horse", "cow")
    assert table.by_id(int(again.labels[30, 30])).name == "horse"
    again.show("b.png")
    assert table.by_id(int(again.labels[30, 30])).name == "cow"
