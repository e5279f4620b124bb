"""Labelled folders: layouts, classes, lists, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.errors import DatasetError, LabelReadError
from fcn_studio.io.dataset_classes import VOC_CLASSES, VOC_NAMES
from fcn_studio.io.datasets import detect_dataset, read_labelled
from fcn_studio.io.label_png import write_label_png
from fcn_studio.project import DatasetSource, open_source

HW = (8, 10)
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def add(root: Path, name: str, value: int | np.ndarray | None = 0, suffix: str = ".png") -> None:
    image = root / "images" / f"{name}{suffix}"
    image.parent.mkdir(parents=True, exist_ok=True)
    (root / "masks").mkdir(exist_ok=True)
    Image.new("RGB", HW[::-1], (9, 9, 9)).save(image)
    if value is not None:
        mask = np.full(HW, value, np.uint8) if isinstance(value, int) else value
        (root / "masks" / f"{name}.png").parent.mkdir(parents=True, exist_ok=True)
        write_label_png(root / "masks" / f"{name}.png", mask, np.zeros((256, 3), np.uint8))


def set_classes(root: Path, *entries: dict) -> None:
    (root / "classes.json").write_text(json.dumps(list(entries)), encoding="utf-8")


def test_values_become_channels_in_the_order_of_their_indices(tmp_path) -> None:
    mask = np.array([[4, 9, 2, 255]] * 8, np.uint8)
    add(tmp_path, "a", mask)
    set_classes(
        tmp_path,
        {"index": 9, "name": "Late"},
        {"index": 2, "name": "early"},
        {"index": 4, "name": "v", "void": True},
    )
    files = detect_dataset(tmp_path)
    assert files.class_keys == ("early", "late")
    assert files.class_values == (2, 9)
    assert files.void == (4, 255)
    write_label_png(tmp_path / "masks" / "a.png", np.resize(mask, HW), np.zeros((256, 3), np.uint8))
    _, labels = read_labelled(files, "a")
    assert set(np.unique(labels)) == {0, 1, 255}
    _, labels = read_labelled(files, "a", ignore=9)
    assert set(np.unique(labels)) == {0, 255}


def test_without_classes_json_the_values_are_numbered(tmp_path) -> None:
    add(tmp_path, "a", 3)
    add(tmp_path, "b", 255)
    files = detect_dataset(tmp_path)
    assert files.class_names == ("background", "class 1", "class 2", "class 3")
    assert files.void == (255,)


def test_a_mask_that_cannot_be_read_does_not_keep_the_folder_from_being_opened(tmp_path) -> None:
    for name in ("a", "b"):
        add(tmp_path, name, 1)
    (tmp_path / "masks" / "a.png").write_bytes(b"no mask")
    files = detect_dataset(tmp_path)
    assert files.class_names == ("background", "class 1")
    assert files.labelled == ("a", "b")  # told when it is asked for
    with pytest.raises(LabelReadError, match=r"a\.png"):
        read_labelled(files, "a")
    (tmp_path / "masks" / "b.png").write_bytes(b"no mask either")
    with pytest.raises(LabelReadError, match=r"a\.png"):
        detect_dataset(tmp_path)


def test_masks_of_only_0_and_255_ask_for_their_meaning(tmp_path) -> None:
    add(tmp_path, "a", 0)
    add(tmp_path, "b", 255)
    with pytest.raises(DatasetError, match=r"classes\.json"):
        detect_dataset(tmp_path)
    set_classes(tmp_path, {"index": 0, "name": "ground"}, {"index": 255, "name": "object"})
    files = detect_dataset(tmp_path)
    assert (read_labelled(files, "b")[1] == 1).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no list of classes"),
        ('{"a": 1}', "no list of classes"),
        ('[{"index": "x", "name": "a"}]', "no list of classes"),
        ("[]", "no class"),
        ('[{"index": 0, "name": "a", "void": true}]', "no class"),
        ('[{"index": 0, "name": "a"}, {"index": 0, "name": "b"}]', "twice"),
        ('[{"index": 0, "name": "a"}, {"index": 1, "name": "A"}]', "two classes"),
        ('[{"index": 256, "name": "a"}]', "0 to 255"),
        ('[{"index": 1, "name": " "}]', "without a name"),
        ('[{"index": 1, "name": "a", "color": [1, 2]}]', "colour"),
    ],
)
def test_a_broken_classes_json_is_named(tmp_path, text, words) -> None:
    add(tmp_path, "a")
    (tmp_path / "classes.json").write_text(text)
    with pytest.raises(DatasetError, match=words) as caught:
        detect_dataset(tmp_path)
    assert "classes.json" in str(caught.value)


def test_a_value_outside_the_classes_is_named_with_the_cure(tmp_path) -> None:
    add(tmp_path, "a", 7)
    set_classes(tmp_path, {"index": 0, "name": "ground"})
    files = detect_dataset(tmp_path)
    with pytest.raises(LabelReadError, match=r"value 7.*--ignore 7"):
        read_labelled(files, "a")
    assert (read_labelled(files, "a", ignore=7)[1] == 255).all()


def test_a_mask_of_another_size_is_named(tmp_path) -> None:
    add(tmp_path, "a", np.zeros((3, 4), np.uint8))
    set_classes(tmp_path, {"index": 0, "name": "ground"})
    with pytest.raises(LabelReadError, match=r"4 x 3 pixels, but its image a\.png is 10 x 8"):
        read_labelled(detect_dataset(tmp_path), "a")


def test_lists_take_stems_file_names_and_paths_and_tell_what_is_missing(tmp_path) -> None:
    for name in ("a", "b", "c d", "sub/é"):
        add(tmp_path, name)
    set_classes(tmp_path, {"index": 0, "name": "ground"})
    (tmp_path / "train.txt").write_text("a\n\nimages/b.png\n  c d  \nsub/é.png\ngone\na\n", encoding="utf-8")
    (tmp_path / "val.txt").write_bytes("\ufeffa\r\n".encode())
    files = detect_dataset(tmp_path)
    assert files.splits == {"train": ("a", "b", "c d", "sub/é"), "val": ("a",)}
    assert any("names 1 image that is not there (gone): left out" in notice for notice in files.notices)
    assert any("1 image stands in the lists train and val" in notice for notice in files.notices)


def test_images_that_share_a_stem_take_masks_of_their_full_name(tmp_path) -> None:
    add(tmp_path, "a", None, ".png")
    add(tmp_path, "a", None, ".jpg")
    for name, value in (("a.png", 1), ("a.jpg", 0), ("lost", 0)):
        write_label_png(
            tmp_path / "masks" / f"{name}.png", np.full(HW, value, np.uint8), np.zeros((256, 3), np.uint8)
        )
    set_classes(tmp_path, {"index": 0, "name": "ground"}, {"index": 1, "name": "tree"})
    files = detect_dataset(tmp_path)
    assert (read_labelled(files, "a.png")[1] == 1).all()
    assert (read_labelled(files, "a.jpg")[1] == 0).all()
    assert any("1 mask without an image (lost): not used" in notice for notice in files.notices)


def test_masks_that_are_no_png_are_told(tmp_path) -> None:
    for name in "abcd":
        add(tmp_path, name, None)
        Image.new("L", HW[::-1], 1).save(tmp_path / "masks" / f"{name}.jpg")
    with pytest.raises(DatasetError, match=r"no mask that can be used\..* Masks must be indexed 8-bit PNGs"):
        detect_dataset(tmp_path)
    set_classes(tmp_path, {"index": 0, "name": "ground"})
    (notice,) = detect_dataset(tmp_path).notices
    assert "holds 4 files of another format than PNG (a.jpg, b.jpg, c.jpg ...)" in notice


def test_the_source_follows_lists_and_stands_in_for_missing_ones(tmp_path) -> None:
    for number in range(12):
        add(tmp_path, f"n{number}", 0 if number != 11 else None)
    set_classes(tmp_path, {"index": 0, "name": "ground"})
    source = DatasetSource(detect_dataset(tmp_path))
    assert len(source.names("all")) == 11
    assert source.names("val") == ("n4", "n9")
    assert not set(source.names("val")) & set(source.names("train"))
    assert len(source.names("train")) == 9
    assert source.names("test") == ()
    (tmp_path / "test.txt").write_text("n4\n")
    (tmp_path / "train.txt").write_text("\n".join(f"n{i}" for i in range(10)))
    source = DatasetSource(detect_dataset(tmp_path))
    assert source.names("test") == ("n4",)
    assert source.names("val") == ("n5",)
    assert set(source.names("train")) == {f"n{i}" for i in range(10)} - {"n5"}
    (tmp_path / "val.txt").write_text("n1\nn11\n")
    source = DatasetSource(detect_dataset(tmp_path))
    assert source.names("val") == ("n1",)
    sample = source.read("n1")
    assert sample.pixels.shape == (*HW, 3)
    assert (sample.labels == 0).all()
    assert sample.held_out is None


def test_a_folder_that_is_no_labelled_one_is_refused_as_a_data_set(tmp_path) -> None:
    assert detect_dataset(tmp_path) is None
    with pytest.raises(DatasetError, match="neither a project nor a labelled folder"):
        open_source(tmp_path)
    with pytest.raises(DatasetError, match="does not exist"):
        open_source(tmp_path / "gone")
    add(tmp_path, "a", 1)
    with pytest.raises(DatasetError, match="0 and 255"):
        open_source(tmp_path, ignore=300)


def test_vocs_classes_are_the_twenty_one_in_order() -> None:
    assert len(VOC_NAMES) == 21
    assert VOC_CLASSES.keys[:2] == ("background", "aeroplane")
    assert VOC_CLASSES.keys[-1] == "tvmonitor"
    assert VOC_CLASSES.colors[1] == (128, 0, 0)
    assert VOC_CLASSES.colors[15] == (192, 128, 128)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")
@pytest.mark.parametrize(
    ("name", "counts", "classes"),
    [
        ("camvid", {"train": 367, "val": 101, "test": 233}, 11),
        ("voc_animals", {"train": 437, "val": 95}, 21),
        ("coffee_leaf", {"train": 400, "val": 50, "test": 50}, 3),
    ],
)
def test_the_shared_data_sets_read_as_their_readme_says(name, counts, classes) -> None:
    source = open_source(SHARED / name)
    assert {split: len(source.names(split)) for split in counts} == counts
    assert len(source.class_keys) == classes
    sample = source.read(source.names("val")[0])
    assert sample.pixels.shape[:2] == sample.labels.shape
    assert set(np.unique(sample.labels)) <= {*range(classes), 255}
