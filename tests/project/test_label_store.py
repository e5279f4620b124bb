"""Labels on disk: what is believed when files differ, and that nothing that existed is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.label_map import Provenance
from fcn_studio.io.label_png import read_label_png, write_label_png
from fcn_studio.project import ImageState, load_document, open_project
from fcn_studio.project.label_files import CHUNK, PlaneStamp, decode_stamp

from .conftest import CLASSES, HW, Painter, write_image


@pytest.fixture
def painter(open_photos, painters) -> Painter:
    """Two strokes, saved."""
    made = painters(open_photos(), "a.png")
    made.paint(Box(0, 0, 8, 8), 1)
    made.paint(Box(4, 4, 12, 12), 2, Provenance.ACCEPTED)
    made.save()
    return made


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_label_png_is_indexed_with_the_classes_colours_and_says_which_state_it_is(painter) -> None:
    place = painter.project.place_of("a.png")
    with Image.open(place.labels) as image:
        assert image.mode == "P"
        assert image.getpalette()[3:6] == list(CLASSES.by_id(1).color)
    labels, text = read_label_png(place.labels)
    assert (labels == painter.label_map.labels).all()
    assert decode_stamp(text[CHUNK]) == PlaneStamp(
        2, painter.journal.journal_id, hashlib.sha256(labels.tobytes()).hexdigest(), "a.png"
    )
    provenance, _ = read_label_png(place.provenance)
    assert (provenance == painter.label_map.provenance).all()


def test_labels_without_journal_or_provenance_are_all_painted(painter, open_photos) -> None:
    place = painter.project.place_of("a.png")
    painter.close()
    place.journal.unlink()
    place.provenance.unlink()
    seen = load_document(open_photos(), "a.png")
    assert (seen.label_map.labels == painter.label_map.labels).all()
    painted = seen.label_map.labels != 255
    assert (seen.label_map.provenance == np.where(painted, Provenance.PAINTED, 0)).all()
    assert seen.notices == ()
    assert not seen.history.can_undo


def test_a_png_that_another_program_changed_wins_and_the_journal_is_kept_aside(painter, painters) -> None:
    project, place = painter.project, painter.project.place_of("a.png")
    painter.paint(Box(0, 20, 9, 30), 3)
    painter.close()
    foreign = np.full(HW, 255, np.uint8)
    foreign[14:20, 10:20] = 3
    write_label_png(place.labels, foreign, CLASSES.make_palette())
    journal = place.journal.read_bytes()
    again = painters(project, "a.png")
    assert (again.label_map.labels == foreign).all()
    assert (again.label_map.provenance == np.where(foreign == 3, Provenance.PAINTED, 0)).all()
    assert len(again.loaded.notices) == 1
    assert "another program" in again.loaded.notices[0]
    assert not again.loaded.history.can_undo
    assert place.journal.read_bytes() == journal
    again.paint(Box(0, 0, 3, 3), 1)
    again.close()
    assert place.journal.with_name("a.journal.aside-1").read_bytes() == journal
    third = painters(project, "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()
    assert third.undo()
    assert (third.label_map.labels == foreign).all()


def test_a_png_changed_with_its_stamp_kept_is_noticed_by_its_pixels(painter) -> None:
    place = painter.project.place_of("a.png")
    labels, text = read_label_png(place.labels)
    labels = labels.copy()
    labels[20, 20] = 1
    write_label_png(place.labels, labels, CLASSES.make_palette(), text)
    seen = load_document(painter.project, "a.png")
    assert (seen.label_map.labels == labels).all()
    assert "another program" in seen.notices[0]


def test_a_deleted_label_png_is_rebuilt_from_a_whole_journal(painter) -> None:
    painter.project.place_of("a.png").labels.unlink()
    seen = load_document(painter.project, "a.png")
    assert (seen.label_map.labels == painter.label_map.labels).all()
    assert (seen.label_map.provenance == painter.label_map.provenance).all()
    assert seen.notices == ()


def test_a_damaged_label_png_is_named_kept_and_rebuilt_from_the_journal(painter, painters) -> None:
    place = painter.project.place_of("a.png")
    painter.close()
    damaged = place.labels.read_bytes()[:60]
    place.labels.write_bytes(damaged)
    again = painters(painter.project, "a.png")
    assert again.planes == painter.planes
    assert "damaged" in again.loaded.notices[0]
    assert place.labels.read_bytes() == damaged
    again.paint(Box(0, 0, 20, 20), 3)
    assert place.labels.with_name("a.png.aside-1").read_bytes() == damaged
    again.close()
    assert painters(painter.project, "a.png").planes == again.planes


@pytest.mark.parametrize("lost", ["labels", "provenance"])
def test_killed_between_the_two_pngs_nothing_is_wrong(painter, painters, lost) -> None:
    place = painter.project.place_of("a.png")
    old = getattr(place, lost).read_bytes()
    painter.paint(Box(2, 2, 22, 22), 3, Provenance.ACCEPTED)
    painter.paint(Box(6, 6, 10, 10), 255)
    painter.undo()
    painter.save()
    getattr(place, lost).write_bytes(old)
    seen = load_document(painter.project, "a.png")
    assert (seen.label_map.labels == painter.label_map.labels).all()
    assert (seen.label_map.provenance == painter.label_map.provenance).all()
    assert seen.notices == ()
    assert len(seen.history.done) == 3


def test_an_image_of_another_size_keeps_its_old_labels_aside(painter, photos, painters, open_photos) -> None:
    place = painter.project.place_of("a.png")
    painter.close()
    before = {path: path.read_bytes() for path in (place.labels, place.provenance, place.journal)}
    write_image(photos / "a.png", (10, 12))
    again = painters(open_photos(), "a.png")
    assert again.label_map.shape_hw == (10, 12)
    assert again.label_map.is_empty
    assert len(again.loaded.notices) == 1
    assert "32 x 24" in again.loaded.notices[0]
    assert "12 x 10" in again.loaded.notices[0]
    assert {path: path.read_bytes() for path in before} == before
    again.paint(Box(0, 0, 4, 4), 1)
    again.save()
    again.close()
    for path, content in before.items():
        assert path.with_name(path.name + ".aside-1").read_bytes() == content
    third = painters(open_photos(), "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()


def test_values_that_are_no_class_are_shown_as_unlabelled_and_kept_aside(photos, painters) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    project.save()
    place = project.place_of("a.png")
    foreign = np.full(HW, 255, np.uint8)
    foreign[:5] = 1
    foreign[5:9] = 77
    place.labels.parent.mkdir(parents=True)
    write_label_png(place.labels, foreign, CLASSES.make_palette())
    content = place.labels.read_bytes()
    first = painters(project, "a.png")
    assert (first.label_map.labels == np.where(foreign == 77, 255, foreign)).all()
    assert "77" in first.loaded.notices[0]
    assert place.labels.read_bytes() == content
    first.paint(Box(20, 20, 24, 24), 2)
    first.close()
    assert place.labels.with_name("a.png.aside-1").read_bytes() == content
    second = painters(project, "a.png")
    assert second.planes == first.planes
    assert second.loaded.notices == ()


def test_strokes_of_a_class_that_the_project_file_has_lost_are_kept_aside(painter, painters) -> None:
    project, place = painter.project, painter.project.place_of("a.png")
    painter.paint(Box(0, 20, 9, 30), 3)
    painter.close()
    journal, png = place.journal.read_bytes(), place.labels.read_bytes()
    project.set_classes(ClassTable.from_keys(["background", "cat"]))
    again = painters(project, "a.png")
    assert set(np.unique(again.label_map.labels)) == {1, 255}
    assert (again.label_map.provenance[again.label_map.labels == 255] == 0).all()
    assert again.loaded.notices
    again.paint(Box(20, 0, 24, 4), 0)
    again.close()
    assert place.journal.with_name("a.journal.aside-1").read_bytes() == journal
    assert place.labels.with_name("a.png.aside-1").read_bytes() == png
    third = painters(project, "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()


def test_a_journal_older_than_the_png_gives_its_state_but_not_its_undo(painter, painters) -> None:
    place = painter.project.place_of("a.png")
    older = place.journal.read_bytes()
    painter.paint(Box(0, 0, 20, 20), 3)
    painter.save()
    painter.close()
    place.journal.write_bytes(older)
    again = painters(painter.project, "a.png")
    assert again.planes == painter.planes
    assert not again.loaded.history.can_undo
    assert again.loaded.notices
    again.paint(Box(1, 1, 5, 5), 1)
    again.save()
    again.close()
    assert place.journal.with_name("a.journal.aside-1").read_bytes() == older
    third = painters(painter.project, "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()


def test_a_foreign_provenance_is_mended_to_fit_the_labels(painter) -> None:
    place = painter.project.place_of("a.png")
    wild = np.random.default_rng(0).integers(0, 255, HW, dtype=np.uint8)
    write_label_png(place.provenance, wild, CLASSES.make_palette())
    seen = load_document(painter.project, "a.png")
    assert (seen.label_map.labels == painter.label_map.labels).all()
    unlabelled = seen.label_map.labels == 255
    assert (seen.label_map.provenance[unlabelled] == 0).all()
    assert set(np.unique(seen.label_map.provenance[~unlabelled])) <= {1, 2, 3}


def test_loading_writes_nothing_whatever_it_finds(painter, photos) -> None:
    place = painter.project.place_of("a.png")
    painter.close()
    with place.journal.open("ab") as file:
        file.write(b"half a frame")
    place.provenance.write_bytes(b"no png")
    before = snapshot(photos.parent)
    for _ in range(2):
        load_document(open_project([photos]), "a.png")
    assert snapshot(photos.parent) == before


def test_erasing_everything_makes_an_image_unlabelled_again_over_a_restart(painter, open_photos) -> None:
    project = painter.project
    assert project.state_of("a.png") is ImageState.IN_PROGRESS
    painter.paint(Box(0, 0, 24, 32), 255)
    painter.save()
    assert project.state_of("a.png") is ImageState.UNLABELLED
    assert open_photos().state_of("a.png") is ImageState.UNLABELLED
    painter.undo()
    assert project.note_labelled("a.png")
    assert project.state_of("a.png") is ImageState.IN_PROGRESS
    painter.save()
    assert open_photos().state_of("a.png") is ImageState.IN_PROGRESS


def test_old_label_files_are_replaced_whole_or_not_at_all(painter, monkeypatch) -> None:
    place = painter.project.place_of("a.png")
    before = place.labels.read_bytes()
    painter.paint(Box(0, 0, 20, 20), 3)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcn_studio.io.atomic.os.fsync", no_space)
    with pytest.raises(Exception, match="disk is full"):
        painter.save()
    monkeypatch.undo()
    assert place.labels.read_bytes() == before
    assert [p.name for p in place.labels.parent.iterdir()] == ["a.png"]


def test_an_old_label_png_beside_newer_provenance_and_a_cut_journal_comes_as_far_as_it_can(
    painter, painters
) -> None:
    place = painter.project.place_of("a.png")
    old_labels = place.labels.read_bytes()
    for side in (14, 16):
        painter.paint(Box(0, 0, side, side), 3)
    state_four, whole = painter.planes, place.journal.read_bytes()
    painter.paint(Box(0, 0, 18, 18), 1)
    painter.save()
    painter.close()
    place.labels.write_bytes(old_labels)
    place.journal.write_bytes(whole + b"cut")
    again = painters(painter.project, "a.png")
    assert again.planes[0] == state_four[0]
    assert again.loaded.notices
    assert not again.loaded.history.can_undo
    again.paint(Box(20, 20, 24, 24), 2)
    again.close()
    third = painters(painter.project, "a.png")
    assert third.planes == again.planes
    assert third.loaded.notices == ()
