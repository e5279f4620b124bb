"""Exported masks and areas, and the names of masks."""

from __future__ import annotations

import csv

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.classes import ClassTable
from fcn_studio.io.export import compose_mask, compute_areas, write_areas_csv, write_mask
from fcn_studio.io.label_png import read_label_png
from fcn_studio.io.naming import make_mask_names
from fcn_studio.io.scan import natural_key

TABLE = ClassTable.from_keys(["background", "cat, big", "dog"])


def test_the_label_wins_over_the_prediction() -> None:
    labels = np.array([[255, 1], [0, 255]], np.uint8)
    prediction = np.array([[2, 2], [2, 255]], np.uint8)
    assert compose_mask(labels, prediction).tolist() == [[2, 1], [0, 255]]


def test_areas_add_up_and_survive_commas_and_unicode(tmp_path) -> None:
    mask = np.array([[0, 0, 1, 255], [2, 2, 2, 9]], np.uint8)
    rows = compute_areas("Ü/a, b.jpg", mask, TABLE)
    assert [(r.class_name, r.pixels) for r in rows] == [
        ("background", 2),
        ("cat, big", 1),
        ("dog", 3),
        ("unlabelled", 2),
    ]
    assert sum(row.share for row in rows) == 1
    write_areas_csv(tmp_path / "areas.csv", rows)
    with (tmp_path / "areas.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == ["image", "class", "pixels", "share"]
    assert read[1] == {"image": "Ü/a, b.jpg", "class": "cat, big", "pixels": "1", "share": "0.125000"}


def test_masks_are_written_into_new_folders(tmp_path) -> None:
    mask = np.array([[0, 1], [2, 255]], np.uint8)
    write_mask(tmp_path / "out" / "deep" / "a.png", mask, TABLE.make_palette())
    assert (read_label_png(tmp_path / "out" / "deep" / "a.png")[0] == mask).all()


def test_mask_names_follow_the_stem_and_the_full_name_where_two_share_it() -> None:
    names = make_mask_names(["cat.jpg", "dog.jpg", "dog.png", "sub/cat.jpg", "a.b.jpg"])
    assert names == {
        "cat.jpg": "cat.png",
        "dog.jpg": "dog.jpg.png",
        "dog.png": "dog.png.png",
        "sub/cat.jpg": "sub/cat.png",
        "a.b.jpg": "a.b.png",
    }


@given(
    st.lists(
        st.from_regex(r"\A(s/)?[aAb](\.(jpg|png)){1,3}\Z"),
        unique_by=lambda name: name.casefold(),
        max_size=12,
    )
)
def test_no_two_images_ever_share_a_mask_even_where_capitals_are_not_told_apart(listed) -> None:
    names = make_mask_names(listed)
    assert set(names) == set(listed)
    assert len({name.casefold() for name in names.values()}) == len(listed)


def test_natural_order() -> None:
    names = ["b1", "a10", "a2", "A3", "a", "10", "9", "a2b"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "a2", "a2b", "A3", "a10", "b1"]
