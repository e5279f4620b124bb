"""Samples for training: a frozen copy, in the table's order, with whole images or strokes held out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import ImageReadError, LabelReadError
from fcn_studio.core.label_map import Provenance
from fcn_studio.io.label_png import write_label_png
from fcn_studio.project import ProjectSource, open_project, open_source
from fcn_studio.project.split import split_every_fifth

from .conftest import CLASSES, HW, write_image


@pytest.fixture
def many(tmp_path):
    for number in range(12):
        write_image(tmp_path / "photos" / f"n{number}.png", seed=number)
    project = open_project([tmp_path / "photos"])
    project.set_classes(CLASSES)
    project.save()
    return project


def label(painters, project, number, class_id=1) -> None:
    painter = painters(project, f"n{number}.png")
    painter.paint(Box(0, 0, 6, 6), class_id)
    painter.close()


def test_a_sample_has_pixels_channels_and_provenance(many, painters) -> None:
    painter = painters(many, "n3.png")
    painter.paint(Box(0, 0, 6, 6), 3)
    painter.paint(Box(8, 8, 12, 12), 0, Provenance.ACCEPTED)
    source = many.make_sample_source()
    assert source.class_keys == ("background", "cat", "dog", "horse")
    assert source.names("all") == source.names("train") == ("n3.png",)
    assert source.names("val") == ()
    sample = source.read("n3.png")
    assert sample.pixels.shape == (*HW, 3)
    assert (sample.labels == painter.label_map.labels).all()
    assert (sample.provenance == painter.label_map.provenance).all()
    assert sample.held_out is None


def test_channels_follow_the_order_of_the_table_not_the_ids(many, painters) -> None:
    label(painters, many, 0, class_id=3)
    table = ClassTable(tuple(reversed(CLASSES.classes)), CLASSES.next_id)
    many.set_classes(table)
    sample = many.make_sample_source().read("n0.png")
    assert set(np.unique(sample.labels)) == {0, 255}


def test_a_source_is_frozen_while_the_person_goes_on(many, painters) -> None:
    label(painters, many, 0)
    source = many.make_sample_source()
    before = source.read("n0.png")
    painter = painters(many, "n0.png")
    painter.paint(Box(0, 0, 24, 32), 2)
    painter.save()
    label(painters, many, 1)
    after = source.read("n0.png")
    assert (after.labels == before.labels).all()
    assert source.names("all") == ("n0.png",)
    assert many.make_sample_source().names("all") == ("n0.png", "n1.png")


def test_images_without_any_label_are_not_listed(many, painters) -> None:
    label(painters, many, 0)
    painter = painters(many, "n1.png")
    painter.paint(Box(0, 0, 6, 6), 1)
    painter.undo()
    assert many.make_sample_source().names("all") == ("n0.png",)


def test_every_fifth_labelled_image_is_held_out_and_stays_so(many, painters) -> None:
    for number in range(4):
        label(painters, many, number)
    assert many.make_sample_source().names("train") == tuple(f"n{i}.png" for i in range(4))
    label(painters, many, 4)
    source = many.make_sample_source()
    assert source.names("val") == ("n4.png",)
    assert source.names("train") == tuple(f"n{i}.png" for i in range(4))
    assert source.read("n4.png").held_out is None
    for number in (8, 6, 10, 5, 7):
        label(painters, many, number)
    source = open_project([many.root]).make_sample_source()
    assert source.names("val") == ("n4.png", "n10.png")
    assert len(source.names("train")) == 8
    assert set(source.names("all")) == set(source.names("train")) | set(source.names("val"))


@given(st.lists(st.sets(st.integers(0, 30)), max_size=8))
def test_what_was_decided_is_never_decided_again(rounds) -> None:
    held, trained = [], []
    for present in rounds:
        names = [str(number) for number in sorted(present)]
        new_held, new_trained = split_every_fifth(names, held, trained)
        assert new_held[: len(held)] == held
        assert new_trained[: len(trained)] == trained
        assert not set(new_held) & set(new_trained)
        if len(names) >= 5:
            assert set(names) <= set(new_held) | set(new_trained)
        else:
            assert (new_held, new_trained) == (held, trained)
        held, trained = new_held, new_trained


def test_with_fewer_than_five_images_every_fifth_stroke_is_held_out_whole(many, painters) -> None:
    painter = painters(many, "n0.png")
    for number in range(4):
        painter.paint(Box(0, 4 * number, 3, 4 * number + 3), 1)
    source = many.make_sample_source()
    assert source.names("val") == ()
    assert source.read("n0.png").held_out is None
    painter.paint(Box(10, 0, 16, 12), 2)
    source = many.make_sample_source()
    assert source.names("train") == source.names("val") == ("n0.png",)
    held = source.read("n0.png").held_out
    expected = np.zeros(HW, bool)
    expected[10:16, 0:12] = True
    assert (held == expected).all()
    assert source.read("n0.png").held_out_strokes == 1
    # Painted over in part by a later stroke: only what the held-out one still owns.
    painter.paint(Box(12, 0, 24, 3), 3)
    painter.paint(Box(10, 10, 12, 12), 255)
    expected[12:16, 0:3] = False
    expected[10:12, 10:12] = False
    assert (many.make_sample_source().read("n0.png").held_out == expected).all()
    again = open_project([many.root]).make_sample_source()
    assert (again.read("n0.png").held_out == expected).all()


def test_strokes_are_counted_over_images_and_the_choice_stays_with_more_of_them(many, painters) -> None:
    first, second = painters(many, "n0.png"), painters(many, "n1.png")
    for number in range(3):
        second.paint(Box(0, 4 * number, 3, 4 * number + 3), 1)
        first.paint(Box(0, 4 * number, 3, 4 * number + 3), 1)
    source = many.make_sample_source()
    assert source.names("val") == ("n1.png",)
    held = source.read("n1.png").held_out
    for number in range(4):
        first.paint(Box(6, 4 * number, 9, 4 * number + 3), 2)
    source = many.make_sample_source()
    assert (source.read("n1.png").held_out == held).all()
    assert source.read("n0.png").held_out is not None
    second.undo()
    second.undo()
    assert many.make_sample_source().read("n1.png").held_out is None


def test_accepted_predictions_and_erasing_are_no_strokes(many, painters) -> None:
    painter = painters(many, "n0.png")
    for number in range(6):
        painter.paint(Box(0, 4 * number, 3, 4 * number + 3), 1, Provenance.ACCEPTED)
    painter.paint(Box(0, 0, 2, 2), 255)
    source = many.make_sample_source()
    assert source.names("val") == ()
    assert source.read("n0.png").held_out is None


def make_labelled(root, lists: bool) -> None:
    for number in range(7):
        write_image(root / "images" / f"n{number}.png")
        (root / "masks").mkdir(exist_ok=True)
        mask = np.full(HW, number % 2, np.uint8)
        if number < 6:
            write_label_png(root / "masks" / f"n{number}.png", mask, np.zeros((256, 3), np.uint8))
    (root / "classes.json").write_text('[{"index": 0, "name": "a"}, {"index": 1, "name": "b"}]')
    if lists:
        (root / "train.txt").write_text("n0\nn1\nn2\n")
        (root / "val.txt").write_text("n3\n")
        (root / "test.txt").write_text("n4\n")


def test_a_labelled_folder_as_a_project_keeps_its_lists_and_adds_corrections(tmp_path, painters) -> None:
    root = tmp_path / "set"
    make_labelled(root, lists=True)
    project = open_project([root])
    painter = painters(project, "images/n0.png")
    painter.paint(Box(0, 0, 6, 6), 1)
    painters(project, "images/n6.png").paint(Box(0, 0, 6, 6), 1)
    source = open_source(root)
    assert isinstance(source, ProjectSource)
    assert source.names("train") == tuple(f"images/n{i}.png" for i in (0, 1, 2, 5, 6))
    assert source.names("val") == ("images/n3.png",)
    assert source.names("test") == ("images/n4.png",)
    sample = source.read("images/n0.png")
    assert (sample.labels == painter.label_map.labels).all()
    assert set(np.unique(sample.provenance)) == {Provenance.PAINTED, Provenance.IMPORTED}
    assert (source.read("images/n1.png").labels == 1).all()
    assert not isinstance(open_source(root, ignore=1), ProjectSource)


def test_a_labelled_folder_without_lists_holds_out_every_fifth(tmp_path) -> None:
    root = tmp_path / "set"
    make_labelled(root, lists=False)
    source = open_project([root]).make_sample_source()
    assert source.names("val") == ("images/n4.png",)
    assert len(source.names("train")) == 5
    assert not (tmp_path / "set.fcnstudio").exists()


def test_what_cannot_be_read_is_left_out_and_named(many, painters) -> None:
    label(painters, many, 0)
    label(painters, many, 1)
    (many.root / "n0.png").write_bytes(b"")
    source = many.make_sample_source()
    assert source.names("all") == ("n1.png",)
    assert "n0.png is empty" in source.notices[0]
    (many.root / "n1.png").unlink()
    with pytest.raises(ImageReadError):
        source.read("n1.png")
    with pytest.raises(LabelReadError, match="no labels"):
        source.read("n9.png")


def test_an_image_exchanged_after_the_copy_is_refused(many, painters) -> None:
    label(painters, many, 0)
    source = many.make_sample_source()
    write_image(many.root / "n0.png", (5, 6))
    with pytest.raises(LabelReadError, match="32 x 24 pixels, but the image is 6 x 5"):
        source.read("n0.png")


def test_some_images_without_labels_come_along_to_keep_old_knowledge(many, painters) -> None:
    label(painters, many, 3)
    source = many.make_sample_source()
    names = source.names("unlabelled")
    assert 1 < len(names) <= 6
    assert "n3.png" not in names
    assert not set(names) & set(source.names("all"))
    sample = source.read(names[-1])
    assert sample.pixels.shape == (*HW, 3)
    assert (sample.labels == 255).all()
