"""Opening images, folders, labelled folders and projects; and what is refused, with a sentence."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.box import Box
from fcn_studio.core.errors import DatasetError, ProjectError, ReadOnlyError, StorageError
from fcn_studio.core.label_map import Provenance
from fcn_studio.io.label_png import write_label_png
from fcn_studio.project import ImageState, load_document, open_project, remembered_store

from .conftest import CLASSES, HW, write_image


def make_labelled(root: Path, count: int = 3, lists: bool = True) -> Path:
    """images/ + masks/ with classes at 0, 3 and 7 and void at 9."""
    chance = np.random.default_rng(0)
    for number in range(count):
        write_image(root / "images" / f"n{number}.png", seed=number)
        mask = chance.choice(np.array([0, 3, 7, 9, 255], np.uint8), HW)
        (root / "masks").mkdir(exist_ok=True)
        write_label_png(root / "masks" / f"n{number}.png", mask, np.zeros((256, 3), np.uint8))
    entries = [
        {"index": 0, "name": "Ground", "color": [10, 20, 30]},
        {"index": 3, "name": "Red maple", "color": [200, 0, 0]},
        {"index": 7, "name": "Oak"},
        {"index": 9, "name": "unclear", "void": True},
    ]
    (root / "classes.json").write_text(json.dumps(entries))
    if lists:
        (root / "train.txt").write_text("n0\nn1\n")
        (root / "val.txt").write_text("n2\n")
    return root


def test_a_folder_lists_its_images_at_any_depth_in_the_order_people_count(tmp_path) -> None:
    root = tmp_path / "fotos größer ☀"
    for name in ("img10.png", "img2.png", "sub folder/Ü b.png", "sub folder/deep/x.png"):
        write_image(root / name)
    write_image(root / ".hidden" / "no.png")
    write_image(root / "old.fcnstudio" / "no.png")
    (root / "notes.txt").write_text("no image")
    project = open_project([root])
    assert project.image_ids == ("img2.png", "img10.png", "sub folder/deep/x.png", "sub folder/Ü b.png")
    assert project.title == "fotos größer ☀"
    assert project.classes.classes == ()
    assert all(project.state_of(i) is ImageState.UNLABELLED for i in project.image_ids)
    assert all(project.image_path(i).is_file() for i in project.image_ids)


def test_labels_of_unicode_names_in_sub_folders_come_back(tmp_path, painters) -> None:
    root = tmp_path / "фото"
    write_image(root / "日 本" / "ñandú (1).png")
    project = open_project([root])
    project.set_classes(CLASSES)
    image_id = "日 本/ñandú (1).png"
    painter = painters(project, image_id)
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.save()
    painter.close()
    assert (tmp_path / "фото.fcnstudio" / "labels" / "日 本" / "ñandú (1).png").is_file()
    again = open_project([root])
    assert load_document(again, image_id).label_map.labels.tobytes() == painter.planes[0]
    assert [c.name for c in again.classes] == list(CLASSES.names)


def test_single_images_open_their_folder_with_only_them_listed(photos, painters) -> None:
    project = open_project([photos / "c.png", photos / "a.png"])
    assert project.root == photos
    assert project.image_ids == ("a.png", "c.png")
    project.set_classes(CLASSES)
    painters(project, "a.png").paint(Box(0, 0, 5, 5), 2)
    whole = open_project([photos])
    assert whole.image_ids == ("a.png", "b.png", "c.png")
    assert whole.state_of("a.png") is ImageState.IN_PROGRESS
    assert whole.classes.keys == CLASSES.keys


def test_a_project_opens_by_its_own_folder_also_after_both_were_moved(photos, painters, tmp_path) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    painter = painters(project, "b.png")
    painter.paint(Box(0, 0, 5, 5), 2)
    painter.close()
    project.set_reviewed("c.png", True)
    project.save()
    (tmp_path / "else where").mkdir()
    os.rename(photos, tmp_path / "else where" / "photos")
    os.rename(tmp_path / "photos.fcnstudio", tmp_path / "else where" / "photos.fcnstudio")
    moved = open_project([tmp_path / "else where" / "photos.fcnstudio"])
    assert moved.root == tmp_path / "else where" / "photos"
    assert moved.state_of("b.png") is ImageState.IN_PROGRESS
    assert moved.state_of("c.png") is ImageState.REVIEWED
    assert load_document(moved, "b.png").label_map.labels.tobytes() == painter.planes[0]


def test_a_project_opens_by_its_own_folder_also_after_both_were_renamed(photos, painters, tmp_path) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    painter = painters(project, "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    project.store.rename(tmp_path / "leaves.fcnstudio")
    photos.rename(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="should be in"):
        open_project([tmp_path / "leaves.fcnstudio"])
    (tmp_path / "elsewhere").rename(tmp_path / "leaves")
    again = open_project([tmp_path / "leaves.fcnstudio"])
    assert again.root == tmp_path / "leaves"
    assert load_document(again, "a.png").label_map.labels.tobytes() == painter.planes[0]


def test_a_linked_folder_has_the_same_labels_as_the_folder_itself(photos, painters, tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(photos, target_is_directory=True)
    project = open_project([link])
    project.set_classes(CLASSES)
    painters(project, "a.png").paint(Box(0, 0, 5, 5), 2)
    assert open_project([photos]).state_of("a.png") is ImageState.IN_PROGRESS


def test_a_folder_that_links_to_itself_is_listed_once(photos) -> None:
    (photos / "loop").symlink_to(photos, target_is_directory=True)
    assert open_project([photos]).image_ids == ("a.png", "b.png", "c.png")


def test_a_labelled_folder_opens_with_its_masks_as_imported_labels(tmp_path) -> None:
    root = make_labelled(tmp_path / "trees")
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    project = open_project([root])
    assert project.image_ids == ("images/n0.png", "images/n1.png", "images/n2.png")
    assert project.classes.keys == ("ground", "red_maple", "oak")
    assert project.classes.names == ("Ground", "Red maple", "Oak")
    assert project.classes.by_id(0).color == (10, 20, 30)
    assert project.state_of("images/n0.png") is ImageState.IN_PROGRESS
    mask = np.array(Image.open(root / "masks" / "n0.png"))
    lut = np.full(256, 255, np.uint8)
    lut[[0, 3, 7]] = [0, 1, 2]
    seen = load_document(project, "images/n0.png")
    assert (seen.label_map.labels == lut[mask]).all()
    assert (seen.label_map.provenance == np.where(lut[mask] == 255, 0, Provenance.IMPORTED)).all()
    assert seen.notices == ()
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before
    assert not (tmp_path / "trees.fcnstudio").exists()


def test_corrections_of_imported_labels_are_kept_beside_them(tmp_path, painters) -> None:
    root = make_labelled(tmp_path / "trees")
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    painter = painters(open_project([root]), "images/n1.png")
    painter.paint(Box(0, 0, 9, 9), 2)
    painter.close()
    again = painters(open_project([root]), "images/n1.png")
    assert again.planes == painter.planes
    again.undo()
    again.save()
    again.close()
    third = painters(open_project([root]), "images/n1.png")
    assert third.planes == again.planes
    assert set(np.unique(third.label_map.provenance)) == {0, Provenance.IMPORTED}
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_a_mask_that_was_exchanged_puts_corrections_of_the_old_one_aside(tmp_path, painters) -> None:
    root = make_labelled(tmp_path / "trees")
    painter = painters(open_project([root]), "images/n1.png")
    painter.paint(Box(0, 0, 9, 9), 2)
    painter.close()
    write_label_png(root / "masks" / "n1.png", np.full(HW, 3, np.uint8), np.zeros((256, 3), np.uint8))
    again = painters(open_project([root]), "images/n1.png")
    assert (again.label_map.labels == 1).all()
    assert "another mask" in again.loaded.notices[0]


def test_a_mask_that_does_not_fit_is_named_and_the_image_opens_without_it(tmp_path, painters) -> None:
    root = make_labelled(tmp_path / "trees")
    write_label_png(root / "masks" / "n0.png", np.full(HW, 44, np.uint8), np.zeros((256, 3), np.uint8))
    write_label_png(root / "masks" / "n1.png", np.zeros((5, 5), np.uint8), np.zeros((256, 3), np.uint8))
    (root / "masks" / "n2.png").write_bytes(b"")
    project = open_project([root])
    for image_id, words in (("n0", "value 44"), ("n1", "5 x 5"), ("n2", "empty")):
        seen = load_document(project, f"images/{image_id}.png")
        assert seen.label_map.is_empty
        assert len(seen.notices) == 1
        assert f"{image_id}.png" in seen.notices[0]
        assert words in seen.notices[0]
    painter = painters(project, "images/n0.png")
    painter.paint(Box(0, 0, 4, 4), 1)
    painter.close()
    assert painters(open_project([root]), "images/n0.png").planes == painter.planes


def test_a_voc_folder_opens_with_vocs_classes(tmp_path) -> None:
    root = tmp_path / "VOC2012"
    for name in ("2007_000001", "2007_000002", "2007_000003"):
        write_image(root / "JPEGImages" / f"{name}.jpg")
    (root / "SegmentationClass").mkdir()
    mask = np.zeros(HW, np.uint8)
    mask[:5] = 8
    mask[5] = 255
    for name in ("2007_000001", "2007_000002"):
        write_label_png(root / "SegmentationClass" / f"{name}.png", mask, np.zeros((256, 3), np.uint8))
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000001\n")
    (lists / "val.txt").write_text("2007_000002\n")
    project = open_project([root])
    assert project.image_ids == ("JPEGImages/2007_000001.jpg", "JPEGImages/2007_000002.jpg")
    assert len(project.classes) == 21
    assert project.classes.by_id(8).key == "cat"
    assert project.classes.by_id(11).key == "diningtable"
    seen = load_document(project, "JPEGImages/2007_000001.jpg")
    assert (seen.label_map.labels == mask).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda t: [t / "not there"], ProjectError, "does not exist"),
        (lambda t: [], ProjectError, "Nothing was named"),
        (lambda t: [(t / "empty").mkdir() or t / "empty"], ProjectError, "holds no image"),
        (lambda t: [(t / "x.fcnstudio").mkdir() or t / "x.fcnstudio"], ProjectError, "not a project"),
        (lambda t: [t, write_image(t / "a.png")], ProjectError, "one folder"),
        (
            lambda t: [write_image(t / "a" / "a.png"), write_image(t / "b" / "b.png")],
            ProjectError,
            "different",
        ),
        (lambda t: [(t / "images").mkdir() or (t / "masks").mkdir() or t], DatasetError, "holds no image"),
        (lambda t: [(t / "n.txt").write_text("hello") and t / "n.txt"], ProjectError, "not an image"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_one_sentence(tmp_path, make, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        open_project(make(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no valid text")
def test_a_folder_whose_name_is_no_text_is_refused_before_anything_is_painted(tmp_path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")  # as an older disk or archive names it
    image = write_image(folder / "a.png")
    for path in (folder, image):
        with pytest.raises(ProjectError, match="not valid text: rename it") as caught:
            open_project([path])
        assert str(caught.value).encode()


def test_one_missing_image_among_several_is_named_and_the_others_open(photos) -> None:
    project = open_project([photos / "a.png", photos / "gone.png"])
    assert project.image_ids == ("a.png",)
    assert "gone.png does not exist" in project.notices[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{broken", "broken"),
        (b"", "broken"),
        (b'{"version": 99}', "newer version"),
        (
            b'{"version": 1, "classes": [{"id": 300, "key": "a", "name": "a", "color": [1, 2, 3]}]}',
            "broken list",
        ),
        (b'{"version": "one"}', "broken"),
    ],
)
def test_a_broken_or_newer_project_file_is_refused_and_untouched(photos, content, words) -> None:
    store = photos.with_name("photos.fcnstudio")
    store.mkdir()
    (store / "project.json").write_bytes(content)
    for path in (photos, store, photos / "a.png"):
        with pytest.raises(ProjectError, match=words):
            open_project([path])
    assert (store / "project.json").read_bytes() == content


def test_a_place_that_cannot_be_written_raises_read_only_and_another_is_remembered(
    photos, painters, tmp_path
) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    blocker = photos.with_name("photos.fcnstudio")
    blocker.write_text("stands in the way, as a read-only disk would")
    painter = painters(project, "a.png")
    with pytest.raises(ReadOnlyError, match=r"photos\.fcnstudio"):
        painter.paint(Box(0, 0, 5, 5), 1)
    assert painter.journal.pending == 1
    project.move_store(tmp_path / "my labels")
    painter.journal.retry()
    painter.save()
    painter.close()
    assert blocker.is_file()
    store = tmp_path / "my labels" / "photos.fcnstudio"
    assert remembered_store(photos) == store
    assert project.store == store
    again = open_project([photos])
    assert again.store == store
    assert again.classes.keys == CLASSES.keys
    assert load_document(again, "a.png").label_map.labels.tobytes() == painter.planes[0]
    assert open_project([store]).root == photos


def test_a_place_of_labels_that_is_not_there_is_told_when_its_images_are_opened(
    photos, painters, tmp_path
) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    project.move_store(tmp_path / "disk")
    painter = painters(project, "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    painter.close()
    assert not open_project([photos]).notices
    (tmp_path / "disk").rename(tmp_path / "not plugged in")
    for path in (photos, photos / "a.png"):
        again = open_project([path])
        assert str(tmp_path / "disk") in again.notices[0]
        assert str(again.store) in again.notices[0]
    (tmp_path / "not plugged in").rename(tmp_path / "disk")
    back = open_project([photos])
    assert not back.notices
    assert load_document(back, "a.png").label_map.labels.tobytes() == painter.planes[0]


def test_moving_the_store_takes_everything_along_and_open_journals_go_on(photos, painters, tmp_path) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    closed = painters(project, "b.png")
    closed.paint(Box(0, 0, 9, 9), 3)
    closed.save()
    closed.close()
    painter = painters(project, "a.png")
    painter.paint(Box(0, 0, 5, 5), 1)
    project.set_reviewed("c.png", True)
    old = {p.name: p.read_bytes() for p in project.store.rglob("*.journal")}
    project.move_store(tmp_path / "moved")
    painter.paint(Box(3, 3, 9, 9), 2)
    painter.save()
    painter.close()
    again = open_project([photos])
    assert again.store == tmp_path / "moved" / "photos.fcnstudio"
    assert load_document(again, "a.png").label_map.labels.tobytes() == painter.planes[0]
    assert len(load_document(again, "a.png").history.done) == 2
    assert load_document(again, "b.png").label_map.labels.tobytes() == closed.planes[0]
    assert again.state_of("c.png") is ImageState.REVIEWED
    left = photos.with_name("photos.fcnstudio")
    assert {p.name: p.read_bytes() for p in left.rglob("*.journal")} == old
    (tmp_path / "other" / "photos.fcnstudio").mkdir(parents=True)
    (tmp_path / "other" / "photos.fcnstudio" / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        project.move_store(tmp_path / "other")
    assert project.store == again.store


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no valid text")
def test_labels_cannot_be_moved_to_a_folder_whose_name_is_no_text(photos, tmp_path) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    project.save()
    old, new = project.store, tmp_path / os.fsdecode(b"disque \xe9")
    new.mkdir()
    with pytest.raises(StorageError, match="not valid text"):
        project.move_store(new)
    assert project.store == old
    assert not list(new.iterdir())


def test_labels_cannot_be_moved_into_the_folder_where_they_are(photos, painters) -> None:
    project = open_project([photos])
    project.set_classes(CLASSES)
    project.save()
    before = sorted(project.store.rglob("*"))
    with pytest.raises(StorageError, match="choose another folder"):
        project.move_store(project.store / "labels")
    assert sorted(project.store.rglob("*")) == before


def test_images_that_share_a_stem_keep_their_labels_apart_whatever_is_listed(tmp_path, painters) -> None:
    root = tmp_path / "photos"
    write_image(root / "a.png")
    project = open_project([root])
    project.set_classes(CLASSES)
    first = painters(project, "a.png")
    first.paint(Box(0, 0, 5, 5), 1)
    first.save()
    first.close()
    write_image(root / "a.jpg")
    write_image(root / "A.bmp")
    both = open_project([root])
    assert load_document(both, "a.png").label_map.labels.tobytes() == first.planes[0]
    assert load_document(both, "a.jpg").label_map.is_empty
    assert both.state_of("a.jpg") is ImageState.UNLABELLED
    second = painters(open_project([root / "a.jpg"]), "a.jpg")
    second.paint(Box(9, 9, 15, 15), 2)
    second.save()
    second.close()
    assert sorted(p.name for p in (tmp_path / "photos.fcnstudio" / "labels").iterdir()) == [
        "a.jpg.png",
        "a.png",
    ]
    (root / "a.png").unlink()
    (root / "A.bmp").unlink()
    alone = open_project([root])
    assert load_document(alone, "a.jpg").label_map.labels.tobytes() == second.planes[0]
    assert len({both.mask_name(i) for i in both.image_ids}) == 3


def test_an_older_snapshot_of_the_project_file_never_overwrites_a_newer_one(photos) -> None:
    project = open_project([photos])
    project.set_reviewed("a.png", True)
    older = project.prepare_save()
    project.set_reviewed("b.png", True)
    newer = project.prepare_save()
    assert older is not None
    assert newer is not None
    newer()
    older()
    assert open_project([photos]).state_of("b.png") is ImageState.REVIEWED
    assert project.prepare_save() is None


def test_checkpoint_names_count_on_and_the_active_one_is_remembered(photos) -> None:
    project = open_project([photos])
    first = project.next_checkpoint_path()
    assert first == project.store / "checkpoints" / "photos 1.safetensors"
    assert first.parent.is_dir()
    for name in ("photos 1", "photos 2", "photos 10", "other 40"):
        (first.parent / f"{name}.safetensors").write_bytes(b"x")
    assert project.next_checkpoint_path().name == "photos 11.safetensors"
    names = [path.stem for path in project.checkpoint_paths()]
    assert names == ["other 40", "photos 1", "photos 2", "photos 10"]
    project.set_active_checkpoint("photos 2")
    project.save()
    project.save()
    assert open_project([photos]).active_checkpoint == "photos 2"


def test_two_windows_keep_what_each_has_said_of_the_project(photos, open_photos) -> None:
    first = open_photos()
    first.save()
    second = open_photos()
    first.set_reviewed("a.png", True)
    first.set_reviewed("b.png", True)
    first.set_classes(CLASSES.add("cow"))
    first.set_active_checkpoint("photos 1")
    first.save()
    second.set_reviewed("c.png", True)
    second.set_classes(CLASSES.rename(1, "kitten"))
    second.save()
    first.set_reviewed("b.png", False)
    first.save()
    seen = open_photos()
    states = [seen.state_of(image_id) for image_id in seen.image_ids]
    assert states == [ImageState.REVIEWED, ImageState.UNLABELLED, ImageState.REVIEWED]
    assert seen.classes.names == ("background", "kitten", "dog", "horse", "cow")
    assert seen.classes.next_id == 5
    assert seen.active_checkpoint == "photos 1"
