"""Classes: the model's as a preview until somebody chooses, keys that hold through renaming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.errors import UsageError
from fcn_studio.session import Level


def test_a_folder_of_ones_own_previews_the_models_classes(start, photos: Path) -> None:
    desk = start()
    desk.open(photos)
    classes = desk.session.classes
    assert classes.is_preview
    assert len(classes.table) == 0
    assert classes.shown.by_key("cat") is not None
    assert classes.chosen_id is None


def test_nothing_can_be_labelled_before_classes_are_chosen(start, photos: Path) -> None:
    desk = start(networks=True)
    desk.open(photos)
    desk.predicted()
    desk.stroke(20, 20, 1)
    desk.session.editing.request_fill(20, 20, 1)
    desk.session.editing.request_accept_all()
    desk.settle()
    assert (desk.labels == 255).all()
    assert not desk.session.editing.can_undo
    assert [(n.level, "classes" in n.text) for n in desk.notices] == [(Level.INFO, True)]
    assert not (photos.parent / "photos.fcnstudio").exists()
    desk.session.classes.use_model_classes()
    desk.session.editing.request_accept_all()
    desk.until(lambda: desk.session.editing.undo_name == "Accept all")
    lut = desk.document.make_prediction_lut(desk.session.classes.table)
    assert (desk.labels == lut[desk.document.prediction.channels]).all()


def test_own_classes_begin_with_background_and_one_is_in_hand(start, photos: Path) -> None:
    desk = start()
    desk.open(photos)
    chosen = []
    desk.session.events.class_chosen.connect(chosen.append)
    classes = desk.session.classes
    classes.use_own_classes(["cat", "weed"])
    assert [entry.name for entry in classes.table] == ["background", "cat", "weed"]
    assert not classes.is_preview
    assert chosen == [1]
    assert class_of_channel(desk, "cat") == classes.table.by_key("cat").id
    assert class_of_channel(desk, "dog") == 255  # no class of the project: not shown
    assert classes.add("moss") == 3
    assert chosen == [1, 3]
    classes.choose(99)
    assert classes.chosen_id == 3


def class_of_channel(desk, key: str) -> int:
    """The class that the active checkpoint's channel `key` is shown as."""
    keys = desk.session.shelf.active.classes.keys
    return desk.session.classes.shown.make_lut(keys)[keys.index(key)]


def test_a_renamed_class_keeps_its_channel_and_its_labels(desk, start, photos: Path) -> None:
    desk.stroke(20, 20, 1)
    desk.session.classes.rename(1, "my old cat")
    assert class_of_channel(desk, "cat") == 1
    desk.session.classes.set_color(1, (1, 2, 3))
    desk.session.classes.set_visible(1, False)
    assert desk.session.close()
    again = start()
    again.open(photos)
    entry = again.session.classes.table.by_id(1)
    assert (entry.name, entry.key, tuple(entry.color)) == ("my old cat", "cat", (1, 2, 3))
    assert class_of_channel(again, "cat") == 1
    assert again.labels[20, 20] == 1


@pytest.mark.parametrize("names", [[], ["cat", "Cat"], [" "], ["background"]])
def test_bad_names_are_refused_and_change_nothing(start, photos: Path, names: list[str]) -> None:
    desk = start()
    desk.open(photos)
    with pytest.raises(UsageError):
        desk.session.classes.use_own_classes(names)
    assert desk.session.classes.is_preview


def test_bad_names_for_more_classes_are_refused(desk) -> None:
    table = desk.session.classes.table
    for name in ("", "cat"):
        with pytest.raises(UsageError):
            desk.session.classes.add(name)
    with pytest.raises(UsageError):
        desk.session.classes.rename(1, "dog")
    assert desk.session.classes.table == table


def test_a_class_that_the_project_lacks_paints_nothing(desk) -> None:
    desk.stroke(20, 20, 77)
    assert (desk.labels == 255).all()
    assert np.all(desk.provenance == 0)
