"""Opening: folders, files, labelled folders; what is open stays until the next one is there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_studio.core.label_map import Provenance
from fcn_studio.project import ImageState
from fcn_studio.session import Level
from tests.session.conftest import write_image


def test_a_folder_shows_its_images_and_makes_nothing_on_disk(start, photos: Path) -> None:
    desk = start()
    opened = []
    desk.session.events.project_opened.connect(lambda: opened.append(desk.session.project_title))
    desk.open(photos)
    assert opened == ["photos"]
    assert [entry.name for entry in desk.session.images.entries] == ["a.png", "b.png", "c.png"]
    assert {entry.state for entry in desk.session.images.entries} == {ImageState.UNLABELLED}
    assert desk.document.image_id == "a.png"
    assert (desk.document.pixels == np.asarray(Image.open(photos / "a.png"))).all()
    assert desk.session.classes.is_preview
    desk.settle()
    assert sorted(path.name for path in photos.parent.iterdir()) == ["photos"]


def test_a_single_image_lists_only_itself(start, photos: Path) -> None:
    desk = start()
    desk.open(photos / "b.png")
    assert [entry.image_id for entry in desk.session.images.entries] == ["b.png"]
    assert desk.session.project_root == photos


def test_masks_of_a_labelled_folder_are_imported_and_never_touched(start, tmp_path: Path) -> None:
    root = tmp_path / "set"
    write_image(root / "images" / "one.png", (40, 50), 0)
    write_image(root / "images" / "two.png", (40, 50), 1)
    mask = np.full((40, 50), 255, np.uint8)
    mask[:20], mask[20:30] = 0, 1
    (root / "masks").mkdir()
    Image.fromarray(mask).save(root / "masks" / "one.png")
    classes = [{"index": 0, "name": "background"}, {"index": 1, "name": "leaf"}]
    (root / "classes.json").write_text(json.dumps(classes))
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in root.rglob("*") if path.is_file()}
    desk = start()
    desk.open(root)
    assert desk.document.image_id == "images/one.png"
    assert desk.session.classes.table.keys == ("background", "leaf")
    assert (desk.labels == mask).all()
    assert set(np.unique(desk.provenance[:30])) == {Provenance.IMPORTED}
    assert desk.session.images.state_of("images/one.png") is ImageState.IN_PROGRESS
    desk.stroke(35, 25, 1)
    desk.on_disk()
    desk.show("images/two.png")
    desk.settle()
    after = {path: hashlib.sha256(path.read_bytes()).digest() for path in before}
    assert after == before
    again = start()
    again.open(root)
    assert again.labels[35, 25] == 1
    assert again.provenance[35, 25] == Provenance.PAINTED
    assert again.provenance[5, 5] == Provenance.IMPORTED


def test_when_opening_fails_the_last_good_state_stays(desk, tmp_path: Path) -> None:
    desk.stroke(20, 20, 1)
    document, project = desk.document, desk.session.project
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "not there"):
        desk.notices.clear()
        desk.session.open([path])
        desk.until(lambda: bool(desk.notices))
        assert [notice.level for notice in desk.notices] == [Level.ERROR]
        assert path.name in desk.notices[0].text
    assert desk.document is document
    assert desk.session.project is project
    desk.stroke(40, 40, 2)
    assert desk.labels[40, 40] == 2


def test_an_image_that_cannot_be_read_is_told_once_and_can_be_stepped_over(desk, photos: Path) -> None:
    (photos / "b.png").write_bytes(b"no image at all")
    failed = []
    desk.session.events.image_failed.connect(lambda image_id, text: failed.append((image_id, text)))
    desk.session.images.next()
    desk.until(lambda: bool(failed))
    assert failed[0][0] == "b.png"
    assert "b.png" in failed[0][1]
    assert desk.complaints == [failed[0][1]]
    assert desk.document.image_id == "a.png"  # still there
    assert desk.session.images.current_id == "a.png"
    desk.session.images.next()
    desk.until(lambda: desk.document.image_id == "c.png")
    desk.session.images.previous()
    desk.until(lambda: len(failed) == 2)
    desk.session.images.previous()
    assert desk.document.image_id == "c.png" or desk.document.image_id == "a.png"
    desk.until(lambda: desk.document.image_id == "a.png")


def test_the_newest_image_asked_for_wins(desk) -> None:
    opened = []
    desk.session.events.image_opened.connect(lambda document: opened.append(document.image_id))
    for image_id in ("b.png", "c.png", "b.png", "c.png"):
        desk.session.images.open(image_id)
        assert desk.session.images.current_id == image_id
    desk.until(lambda: desk.document.image_id == "c.png")
    desk.settle()
    assert opened == ["c.png"]


def test_going_back_before_the_next_image_came_keeps_what_was_painted_meanwhile(desk) -> None:
    desk.stroke(20, 20, 1)
    desk.session.images.open("b.png")
    desk.session.images.open("a.png")
    desk.stroke(40, 40, 2)
    desk.settle()
    assert desk.document.image_id == "a.png"
    assert desk.session.images.current_id == "a.png"
    assert (desk.labels[20, 20], desk.labels[40, 40]) == (1, 2)
    desk.session.editing.undo()
    desk.session.editing.undo()
    assert (desk.labels == 255).all()
    assert not desk.complaints


def test_samples_are_copied_and_come_with_classes(start, tmp_path: Path) -> None:
    desk = start()
    desk.session.open_samples()
    desk.until(lambda: desk.session.document is not None)
    assert desk.session.project_root == tmp_path / "data" / "samples"
    assert not desk.session.classes.is_preview
    assert desk.session.classes.table.by_key("cup") is not None


def test_thumbnails_come_once_asked_and_then_from_memory(desk) -> None:
    seen = []
    desk.session.events.thumbnail_ready.connect(lambda image_id, pixels: seen.append((image_id, pixels)))
    desk.session.images.request_thumbnail("b.png")
    desk.until(lambda: bool(seen))
    desk.session.images.request_thumbnail("b.png")
    assert len(seen) == 2  # at once
    assert seen[0][1] is seen[1][1]
    assert seen[0][1].shape == (72, 64, 3)


def test_an_image_that_is_mended_and_asked_for_again_opens_though_its_failure_is_still_to_be_told(
    start, photos: Path
) -> None:
    desk = start()
    desk.open(photos)
    desk.settle()
    whole = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(b"no picture")
    desk.session.images.open("b.png")
    desk.hold(lambda: desk.session._workers.pool.idle)
    (photos / "b.png").write_bytes(whole)
    desk.session.images.open("b.png")
    desk.until(lambda: desk.document.image_id == "b.png")
    assert not desk.complaints
