"""Accepting and rejecting regions, region operations, copying, the wand, and what is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.box import Box
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.core.protect import Protection, compute_brightness
from fcn_studio.session.whole_image import RegionOp
from tests.session.conftest import write_image
from tests.session.test_editing import put_prediction

CAT, DOG = 1, 2


@pytest.fixture
def channels(desk) -> np.ndarray:
    """Two cats and a dog, as the network sees them."""
    made = np.zeros((64, 80), int)
    made[5:20, 5:20] = made[40:60, 5:20] = CAT
    made[5:20, 40:70] = DOG
    put_prediction(desk, made)
    return made


def names(desk) -> list[str]:
    return [edit.name for edit in desk.document.history.done]


def test_accepting_a_region_takes_that_region_and_no_other_of_its_class(desk, channels: np.ndarray) -> None:
    desk.stroke(10, 10, DOG, radius=2)
    desk.session.editing.request_accept_region(7, 7)
    desk.settle()
    expected = np.zeros((64, 80), bool)
    expected[5:20, 5:20] = True
    expected[8:12, 8:12] = False  # painted: stays what it is
    assert np.array_equal(desk.labels == CAT, expected)
    assert (desk.provenance[expected] == Provenance.ACCEPTED).all()
    desk.session.editing.request_accept_region(7, 7)
    desk.settle()
    assert names(desk) == ["Paint", "Accept region of cat"]
    assert "labelled already" in desk.notices[-1].text


def test_a_region_is_named_after_the_class_that_is_seen_and_taken(desk, channels: np.ndarray) -> None:
    desk.stroke(22, 10, CAT, radius=3)  # at the foot of the first cat, where the network sees background
    desk.session.editing.request_accept_region(24, 10)
    desk.settle()
    assert (desk.labels[5:20, 5:20] == CAT).all()
    assert (desk.provenance[5:19, 5:20] == Provenance.ACCEPTED).all()
    put_prediction(desk, np.where(channels == CAT, DOG, channels))
    desk.session.editing.request_reject_region(7, 7)
    desk.settle()
    assert names(desk) == ["Paint", "Accept region of cat", "Reject region of cat"]


def test_accepting_a_class_takes_all_its_regions(desk, channels: np.ndarray) -> None:
    desk.session.editing.request_accept_class(CAT)
    desk.settle()
    assert np.array_equal(desk.labels == CAT, channels == CAT)
    assert (desk.labels[channels != CAT] == 255).all()
    assert names(desk) == ["Accept cat"]


def test_rejecting_a_region_says_that_it_is_background_but_not_of_what_was_painted(
    desk, channels: np.ndarray
) -> None:
    desk.stroke(10, 10, CAT, radius=2)
    desk.session.editing.request_accept_region(7, 7)
    desk.session.editing.request_reject_region(7, 7)
    desk.settle()
    region = np.zeros((64, 80), bool)
    region[5:20, 5:20] = True
    painted = np.zeros_like(region)
    painted[8:12, 8:12] = True
    assert (desk.labels[region & ~painted] == 0).all()
    assert (desk.labels[painted] == CAT).all()
    assert (desk.provenance[region] == Provenance.PAINTED).all()
    assert (desk.labels[~region] == 255).all()
    desk.session.editing.request_reject_region(30, 30)  # predicted as background: nothing to say
    desk.settle()
    assert len(names(desk)) == 3
    assert "Paint what it is" in desk.notices[-1].text


def test_accept_and_reject_with_a_brush(desk, channels: np.ndarray) -> None:
    editing, box = desk.session.editing, Box(-3, 10, 12, 50)
    mask = np.ones(box.shape_hw, bool)
    editing.begin_stroke("Accept")
    inside, written = editing.accept(box, mask)
    editing.finish_stroke()
    assert inside == Box(0, 10, 12, 50)
    assert written.all()
    assert np.array_equal(desk.labels[:12, 10:50], channels[:12, 10:50])
    assert (desk.provenance[:12, 10:50] == Provenance.ACCEPTED).all()
    editing.begin_stroke("Reject")
    editing.reject(box, mask)
    editing.reject(box, mask)  # going over it again changes nothing more
    editing.finish_stroke()
    assert (desk.labels[:12, 10:50] == 0).all()
    was_wrong = channels[:12, 10:50] != 0
    assert (desk.provenance[:12, 10:50][was_wrong] == Provenance.PAINTED).all()
    assert (desk.provenance[:12, 10:50][~was_wrong] == Provenance.ACCEPTED).all()


def test_without_a_prediction_there_is_nothing_to_accept(desk) -> None:
    editing = desk.session.editing
    editing.request_accept_region(5, 5)
    editing.request_accept_class(CAT)
    editing.request_reject_region(5, 5)
    editing.begin_stroke("Accept")
    assert editing.accept(Box(0, 0, 5, 5), np.ones((5, 5), bool)) is None
    assert editing.reject(Box(0, 0, 5, 5), np.ones((5, 5), bool)) is None
    editing.finish_stroke()
    desk.settle()
    assert names(desk) == []
    assert len(desk.notices) == 3


@pytest.mark.parametrize(
    ("operation", "size_px", "expected"),
    [
        (RegionOp.GROW, 3, 38 * 38 - 4 * 9 + 4 * 5),
        (RegionOp.SHRINK, 3, 26 * 26 - 16),
        (RegionOp.FILL_HOLES, 0, 32 * 32),
        (RegionOp.DROP_ISLANDS, 2000, 0),
        (RegionOp.DROP_ISLANDS, 10, 32 * 32 - 4),
    ],
)
def test_region_operations_change_the_labels_of_their_class(
    desk, operation: RegionOp, size_px: int, expected: int
) -> None:
    desk.stroke(30, 40, CAT, radius=16)
    desk.stroke(30, 40, 255, radius=1)
    desk.session.editing.request_region_op(operation, CAT, size_px)
    desk.settle()
    count = int((desk.labels == CAT).sum())
    if operation is RegionOp.GROW:
        assert 38 * 38 - 40 < count < 38 * 38
        assert desk.labels[30, 40] == CAT  # the hole is closed too
    elif operation is RegionOp.SHRINK:
        assert 26 * 26 - 8 * 8 < count < 26 * 26 - 4
    else:
        assert count == expected
    desk.session.editing.undo()
    if count != 32 * 32 - 4:
        assert (desk.labels == CAT).sum() == 32 * 32 - 4


def test_the_history_names_each_operation_and_its_class(desk) -> None:
    desk.stroke(30, 40, CAT, radius=16)
    desk.stroke(30, 40, 255, radius=1, name="Erase")
    desk.stroke(10, 70, CAT, radius=2)
    for operation, size_px in (
        (RegionOp.FILL_HOLES, 0), (RegionOp.DROP_ISLANDS, 100), (RegionOp.GROW, 2), (RegionOp.SHRINK, 1),
        (RegionOp.SMOOTH, 5),
    ):  # fmt: skip
        desk.session.editing.request_region_op(operation, CAT, size_px)
        desk.settle()
    assert names(desk)[3:] == [
        "Fill holes in cat", "Remove islands of cat", "Grow cat", "Shrink cat", "Smooth cat",
    ]  # fmt: skip
    assert desk.session.editing.undo_name == "Smooth cat"
    desk.session.editing.undo()
    assert desk.session.editing.redo_name == "Smooth cat"


def test_smoothing_gives_a_spike_to_its_neighbour_and_not_to_nobody(desk) -> None:
    desk.stroke(32, 20, CAT, radius=20)
    desk.stroke(32, 60, DOG, radius=20)
    desk.stroke(30, 42, CAT, radius=1)  # a spike into the dog
    desk.session.editing.request_region_op(RegionOp.SMOOTH, CAT, 3)
    desk.settle()
    assert (desk.labels[29:31, 41:43] == DOG).all()
    assert (desk.labels[15:50, 3:39] == CAT).all()
    assert (desk.labels[15:50, 41:77] == DOG).all()


@pytest.mark.parametrize("operation", RegionOp)
def test_a_region_operation_without_labels_of_its_class_says_so(desk, operation: RegionOp) -> None:
    desk.stroke(30, 40, DOG)
    desk.session.editing.request_region_op(operation, CAT, 3)
    desk.session.editing.request_region_op(operation, 99, 3)
    desk.settle()
    assert [notice.text for notice in desk.notices] == [
        "No cat is labelled in this image: paint some, or accept what is predicted."
    ]


@pytest.mark.parametrize(
    ("operation", "size_px", "said"),
    [
        (RegionOp.FILL_HOLES, 3, "There are no holes to fill in cat."),
        (RegionOp.DROP_ISLANDS, 50, "No island of cat is smaller than 50 px."),
        (RegionOp.SMOOTH, 1, "The outlines of cat are smooth already at 1 px."),
    ],
)
def test_a_region_operation_with_nothing_to_do_says_what_it_looked_for(
    desk, operation: RegionOp, size_px: int, said: str
) -> None:
    desk.stroke(-80, 40, CAT, radius=100)  # the upper part: a straight outline, whole, and not small
    desk.session.editing.request_region_op(operation, CAT, size_px)
    desk.settle()
    assert [notice.text.startswith(said) for notice in desk.notices] == [True], desk.notices
    assert names(desk) == ["Paint"]


@pytest.mark.parametrize("operation", [RegionOp.GROW, RegionOp.SHRINK])
def test_a_class_that_covers_the_image_has_no_outline_to_move(desk, operation: RegionOp) -> None:
    desk.stroke(30, 40, CAT, radius=100)
    desk.session.editing.request_region_op(operation, CAT, 3)
    desk.settle()
    assert [notice.text.startswith("All of this image is cat") for notice in desk.notices] == [True]


def test_a_region_operation_that_protection_holds_back_says_so(desk) -> None:
    desk.stroke(30, 40, DOG, radius=30)
    desk.stroke(30, 40, CAT, radius=5)
    desk.session.editing.protect(Protection(only_unlabelled=True))
    desk.session.editing.request_region_op(RegionOp.GROW, CAT, 3)
    desk.settle()
    assert ["protected" in notice.text for notice in desk.notices] == [True]


def test_copied_labels_fill_what_is_unlabelled(desk) -> None:
    desk.stroke(20, 20, CAT)
    theirs = np.full((64, 80), 255, np.uint8)
    theirs[:30] = DOG
    other = LabelMap(theirs, np.ones_like(theirs))
    desk.session.editing.request_copy(other, "Copy labels")
    desk.settle()
    assert (desk.labels == CAT).sum() == 64
    assert (desk.labels == DOG).sum() == 30 * 80 - 64
    assert (desk.provenance[desk.labels == DOG] == Provenance.IMPORTED).all()
    desk.session.editing.request_copy(LabelMap.empty((3, 3)), "Copy labels")
    desk.settle()
    assert len(names(desk)) == 2


def test_the_labels_of_the_previous_image_are_copied_as_they_are_on_disk(desk, photos) -> None:
    write_image(photos / "aa.png", (64, 80), 9)
    desk.session.images.open("b.png")
    desk.until(lambda: desk.document.image_id == "b.png")
    desk.session.copy_previous_labels()
    desk.settle()
    assert "another size" in desk.complaints[0]
    desk.show("a.png")
    desk.stroke(30, 30, CAT)
    desk.session.copy_previous_labels()
    assert "first image" in desk.notices[-1].text
    desk.open(photos)
    desk.show("aa.png")
    desk.session.copy_previous_labels()
    desk.until(lambda: desk.session.editing.undo_name == "Copy labels of a.png")
    assert (desk.labels == CAT).sum() == 64


@pytest.mark.parametrize("contiguous", [True, False])
def test_the_wand_takes_pixels_of_like_colour(desk, contiguous: bool) -> None:
    pixels = np.full((64, 80, 3), 100, np.uint8)
    pixels[10:20, 10:20] = pixels[40:50, 40:50] = (200, 180, 160)
    pixels[12, 12] = (210, 175, 150)
    pixels[13, 13] = (211, 180, 160)
    desk.document.pixels = pixels
    desk.session.editing.request_similar(15, 15, CAT, 10, contiguous=contiguous)
    desk.settle()
    expected = np.zeros((64, 80), bool)
    expected[10:20, 10:20] = True
    expected[40:50, 40:50] = not contiguous
    expected[13, 13] = False
    assert np.array_equal(desk.labels == CAT, expected)


def test_a_large_shape_is_applied_like_a_small_one_but_made_on_another_thread(
    desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.random.default_rng(0).random((20, 30)) < 0.5
    made_on = []

    def apply(box: Box) -> object:
        def make() -> tuple[Box, np.ndarray]:
            made_on.append(threading.current_thread())
            return box, mask

        return desk.session.editing.apply_shape("Polygon", box, make, CAT)

    assert apply(Box(5, 5, 25, 35)) is not None
    monkeypatch.setattr("fcn_studio.session.editing.SMALL_AREA_PX", 10)
    assert apply(Box(35, 5, 55, 35)) is None
    desk.settle()
    assert [thread is threading.current_thread() for thread in made_on] == [True, False]
    assert np.array_equal(desk.labels[5:25, 5:35] == CAT, mask)
    assert np.array_equal(desk.labels[35:55, 5:35] == CAT, mask)
    assert names(desk) == ["Polygon", "Polygon"]


# --- protection --------------------------------------------------------------------------------------------


def test_only_unlabelled_keeps_labels_from_the_brush_but_not_from_the_eraser(desk) -> None:
    desk.stroke(20, 20, CAT)
    desk.session.editing.protect(Protection(only_unlabelled=True))
    desk.stroke(22, 22, DOG)
    assert (desk.labels == CAT).sum() == 64
    assert (desk.labels == DOG).sum() == 64 - 36
    desk.stroke(20, 20, 255)
    assert (desk.labels == CAT).sum() == 0


@pytest.mark.parametrize("operation", [RegionOp.FILL_HOLES, RegionOp.SMOOTH, RegionOp.GROW])
def test_only_unlabelled_keeps_labels_from_what_regions_gain_but_not_from_what_they_lose(
    desk, operation: RegionOp
) -> None:
    desk.stroke(30, 40, CAT, radius=16)
    desk.stroke(30, 40, DOG, radius=2)  # in the middle of it
    desk.stroke(30, 30, 255, radius=1)  # a hole that nobody has said anything of
    desk.stroke(13, 40, CAT, radius=1)  # a spike
    dogs = desk.labels == DOG
    desk.session.editing.protect(Protection(only_unlabelled=True))
    desk.session.editing.request_region_op(operation, CAT, 5)
    desk.settle()
    assert len(names(desk)) == 5
    assert (desk.labels[dogs] == DOG).all()
    assert (desk.labels[28:32, 28:32] == CAT).all()
    if operation is RegionOp.SMOOTH:
        assert desk.labels[12, 40] == 255


def test_only_over_a_class_means_what_is_seen(desk, channels: np.ndarray) -> None:
    desk.session.editing.protect(Protection(over=frozenset({DOG})))
    desk.stroke(12, 40, CAT, radius=6)
    expected = np.zeros((64, 80), bool)
    expected[6:18, 40:46] = True
    assert np.array_equal(desk.labels == CAT, expected)
    desk.session.editing.request_fill(30, 30, CAT)  # the background is not to be touched
    desk.settle()
    assert np.array_equal(desk.labels == CAT, expected)


def test_what_protection_holds_back_is_not_said_to_be_labelled(desk, channels: np.ndarray) -> None:
    editing = desk.session.editing
    editing.protect(Protection(over=frozenset({DOG})))
    for request in (
        lambda: editing.request_accept_region(7, 7),
        lambda: editing.request_reject_region(7, 7),
        lambda: editing.request_accept_class(CAT),
        lambda: editing.request_copy(LabelMap(np.where(channels == CAT, CAT, 255), channels), "Copy"),
    ):
        desk.notices.clear()
        request()
        desk.settle()
        assert ["is protected" in notice.text for notice in desk.notices] == [True]
    editing.request_accept_region(7, 50)
    desk.settle()
    assert names(desk) == ["Accept region of dog"]
    desk.notices.clear()
    editing.request_accept_region(7, 50)
    desk.settle()
    assert "labelled already" in desk.notices[-1].text


def test_where_no_class_of_the_project_is_predicted_nothing_is_said_to_be_labelled(desk) -> None:
    put_prediction(desk, np.full((64, 80), 9))  # a channel that the project has no class for
    for request in (desk.session.editing.request_accept_region, desk.session.editing.request_reject_region):
        desk.notices.clear()
        request(7, 7)
        desk.settle()
        assert ["is predicted here" in notice.text for notice in desk.notices] == [True]
    assert names(desk) == []


def test_a_locked_class_stays_whatever_happens(desk, channels: np.ndarray) -> None:
    desk.stroke(30, 30, CAT)
    desk.session.classes.set_locked(CAT, True)
    assert desk.session.editing.protection.locked == {CAT}
    before = desk.labels == CAT
    for class_id in (DOG, 255):
        desk.stroke(30, 30, class_id, radius=6)
    desk.session.editing.request_clear()
    desk.session.editing.request_region_op(RegionOp.SHRINK, CAT, 1)
    desk.settle()
    assert np.array_equal(desk.labels == CAT, before)
    desk.session.classes.set_locked(CAT, False)
    desk.stroke(30, 30, DOG)
    assert not (desk.labels == CAT).any()


def test_inside_an_intensity_range_only(desk) -> None:
    desk.session.editing.protect(Protection(intensity=(100, 160)))
    desk.stroke(30, 30, CAT, radius=25)
    brightness = compute_brightness(desk.document.pixels)
    inside = np.zeros((64, 80), bool)
    inside[5:55, 5:55] = True
    assert np.array_equal(desk.labels == CAT, inside & (brightness >= 100) & (brightness <= 160))
    desk.session.editing.undo()
    assert (desk.labels == 255).all()


def test_brightness_of_grey_is_the_grey_itself() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(compute_brightness(grey)[0], np.arange(256))


def test_protection_says_when_it_changes_and_is_off_at_first(desk) -> None:
    told = []
    desk.session.events.protection_changed.connect(lambda: told.append(1))
    assert not desk.session.editing.protection.is_active
    desk.session.editing.protect(Protection(only_unlabelled=True, locked=frozenset({DOG})))
    assert desk.session.editing.protection == Protection(only_unlabelled=True)
    assert told == [1]


def test_only_over_a_class_ends_with_its_project(desk, tmp_path: Path) -> None:
    write_image(tmp_path / "other" / "a.png", (40, 50), 0)
    desk.session.editing.protect(Protection(only_unlabelled=True, over=frozenset({DOG})))
    desk.open(tmp_path / "other")
    assert desk.session.editing.protection == Protection(only_unlabelled=True)
    desk.session.classes.use_own_classes(["leaf"])
    desk.stroke(20, 20, 1)
    assert (desk.labels == 1).sum() == 64


def test_a_class_that_goes_in_mid_stroke_ends_the_stroke(desk) -> None:
    desk.session.editing.begin_stroke("Paint dog")
    desk.dab(20, 20, DOG)
    table = desk.session.classes.table
    desk.session.classes.table = type(table)(tuple(c for c in table if c.id != DOG), table.next_id)
    desk.dab(40, 40, DOG)
    assert not desk.session.editing.in_stroke
    assert desk.labels[40, 40] == 255
    assert names(desk) == ["Paint dog"]
