"""The checkpoint shelf: which one is active, and what becomes of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

from fcn_studio.session import Level
from tests.session.checkpoints import write_checkpoint


def test_the_embedded_model_comes_first_and_is_active(desk) -> None:
    entries = desk.session.shelf.entries
    assert [(entry.id, entry.active, entry.usable) for entry in entries] == [("embedded", True, True)]


def test_the_active_checkpoint_is_remembered(desk, start, photos: Path) -> None:
    write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "dog")
    changed = []
    desk.session.events.checkpoints_changed.connect(lambda: changed.append(desk.session.shelf.active.id))
    desk.session.shelf.activate("photos 1")
    assert changed == ["photos 1"]
    assert [entry.id for entry in desk.session.shelf.entries] == ["embedded", "photos 1"]
    assert desk.session.close()
    again = start()
    again.open(photos)
    assert again.session.shelf.active.id == "photos 1"
    again.session.shelf.activate("embedded")
    assert again.session.close()
    third = start()
    third.open(photos)
    assert third.session.shelf.active.id == "embedded"


def test_looking_at_a_folder_with_another_checkpoint_makes_nothing(start, photos: Path) -> None:
    desk = start()
    desk.open(photos)
    desk.session.shelf.activate("embedded")
    desk.settle()
    assert not (photos.parent / "photos.fcnstudio").exists()


def test_a_broken_active_checkpoint_is_told_and_replaced_for_now(desk, start, photos: Path) -> None:
    path = write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "dog")
    desk.session.shelf.activate("photos 1")
    assert desk.session.close()
    card = path.with_suffix(".json")
    whole = card.read_bytes()
    card.write_text("{")
    again = start()
    again.open(photos)
    assert again.session.shelf.active.id == "embedded"
    broken = again.session.shelf.entries[1]
    assert (broken.id, broken.usable) == ("photos 1", False)
    assert broken.reason
    assert [notice.level for notice in again.notices] == [Level.WARNING]
    assert "embedded" in again.notices[0].text
    assert again.session.close()
    card.write_bytes(whole)  # mended: what was chosen counts again
    third = start()
    third.open(photos)
    assert third.session.shelf.active.id == "photos 1"


def test_a_checkpoint_that_went_away_is_told(desk) -> None:
    desk.session.shelf.activate("photos 7")
    assert desk.session.shelf.active.id == "embedded"
    assert "photos 7" in desk.complaints[0]


def test_a_place_that_cannot_be_written_does_not_stop_the_switch(desk, photos: Path) -> None:
    write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "dog")
    desk.settle()
    record = photos.parent / "photos.fcnstudio" / "project.json"
    record.unlink()
    record.mkdir()  # root may write anywhere, but not a file over a folder
    (record / "x").touch()
    desk.session.shelf.activate("photos 1")
    assert desk.session.shelf.active.id == "photos 1"
    desk.settle()
    assert len(desk.complaints) == 1
