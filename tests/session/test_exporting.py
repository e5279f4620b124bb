"""Exports: labels, prediction or both as indexed PNG with areas.csv; what cannot be read is named."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.errors import UsageError
from fcn_studio.io.label_png import read_label_png
from fcn_studio.session import Level
from tests.session.checkpoints import write_checkpoint
from tests.session.conftest import write_image


@pytest.fixture
def seeing(start, photos: Path):
    desk = start(networks=True)
    desk.open(photos)
    desk.session.classes.use_model_classes()
    desk.predicted()
    desk.stroke(20, 20, 3)
    desk.notices.clear()
    return desk


def export(desk, folder: Path, what: str) -> list[tuple[int, int]]:
    steps = []
    desk.session.events.export_changed.connect(lambda done, total: steps.append((done, total)))
    desk.session.export.request(folder, what)
    desk.until(lambda: bool(desk.notices))
    return steps


def test_labels_prediction_and_both(seeing, tmp_path: Path) -> None:
    lut = seeing.document.make_prediction_lut(seeing.session.classes.shown)
    predicted = lut[seeing.document.prediction.channels]
    labels = seeing.labels.copy()
    expected = {
        "labels": labels,
        "prediction": predicted,
        "composite": np.where(labels == 255, predicted, labels),
    }
    for what, mask in expected.items():
        seeing.notices.clear()
        folder = tmp_path / what
        steps = export(seeing, folder, what)
        assert steps[-3:] == [(1, 3), (2, 3), (3, 3)]
        assert [notice.level for notice in seeing.notices] == [Level.SUCCESS]
        assert (read_label_png(folder / "a.png")[0] == mask).all()
        assert sorted(path.name for path in folder.iterdir()) == ["a.png", "areas.csv", "b.png", "c.png"]
    with (tmp_path / "composite" / "areas.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == "a.png"]
    assert sum(int(row["pixels"]) for row in rows) == 64 * 80
    bird = next(row for row in rows if row["class"] == "bird")
    assert int(bird["pixels"]) == (expected["composite"] == 3).sum()


def test_an_image_that_cannot_be_read_is_named_and_the_rest_is_done(
    seeing, photos: Path, tmp_path: Path
) -> None:
    (photos / "b.png").write_bytes(b"broken")
    export(seeing, tmp_path / "out", "composite")
    assert [notice.level for notice in seeing.notices] == [Level.WARNING]
    assert "2 of 3" in seeing.notices[0].text
    assert "b.png" in seeing.notices[0].text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "areas.csv", "c.png"]


def test_every_image_that_cannot_be_read_is_named(seeing, photos: Path, tmp_path: Path) -> None:
    for name in ("b.png", "c.png"):
        (photos / name).write_bytes(b"broken")
    export(seeing, tmp_path / "out", "labels")
    assert seeing.notices[0].text.startswith("1 of 3 masks are in")
    assert all(str(photos / name) in seeing.notices[0].text for name in ("b.png", "c.png"))


def test_masks_never_land_among_the_images(seeing, photos: Path) -> None:
    before = sorted(path.name for path in photos.iterdir())
    export(seeing, photos, "composite")
    assert [notice.level for notice in seeing.notices] == [Level.WARNING]
    assert sorted(path.name for path in photos.iterdir()) == before
    seeing.notices.clear()
    export(seeing, photos / "masks", "composite")  # listed as images at the next start
    assert [notice.level for notice in seeing.notices] == [Level.WARNING]
    assert sorted(path.name for path in photos.iterdir()) == before


def test_masks_of_a_labelled_folder_may_lie_beside_its_images(start, tmp_path: Path) -> None:
    write_image(tmp_path / "set" / "images" / "a.png", (20, 30), 0)
    (tmp_path / "set" / "masks").mkdir()
    (tmp_path / "set" / "classes.json").write_text('[{"index": 0, "name": "sky"}]')
    desk = start(networks=True)
    desk.open(tmp_path / "set")
    desk.notices.clear()
    export(desk, tmp_path / "set" / "images" / "out", "labels")
    assert [notice.level for notice in desk.notices] == [Level.WARNING]
    desk.notices.clear()
    export(desk, tmp_path / "set" / "out", "labels")
    assert [notice.level for notice in desk.notices] == [Level.SUCCESS]


def test_labels_that_do_not_fit_their_image_any_more_are_told_of(
    seeing, photos: Path, tmp_path: Path
) -> None:
    seeing.show("b.png")
    seeing.settle()
    write_image(photos / "a.png", (32, 40), 9)
    seeing.notices.clear()
    export(seeing, tmp_path / "out", "labels")
    assert [notice.level for notice in seeing.notices] == [Level.WARNING]
    assert "3 of 3 masks" in seeing.notices[0].text
    assert "a.png is now 40 x 32 pixels" in seeing.notices[0].text


def test_a_folder_that_cannot_be_made_is_told_once(seeing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    export(seeing, tmp_path / "file" / "out", "labels")
    seeing.settle()
    assert [notice.level for notice in seeing.notices] == [Level.ERROR]


def test_where_nothing_can_be_written_no_network_looks_at_the_rest(seeing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    steps = export(seeing, tmp_path / "file" / "out", "prediction")
    assert not steps
    assert "file stands where a folder is needed" in seeing.notices[0].text


def test_all_masks_of_an_export_are_of_the_network_that_was_active_when_it_was_asked_for(
    seeing, photos: Path, tmp_path: Path
) -> None:
    seeing.settle()
    lut = seeing.document.make_prediction_lut(seeing.session.classes.shown)
    predicted = lut[seeing.document.prediction.channels]
    write_checkpoint(seeing.session.project.store, "other 1", "cat")
    seeing.session.export.request(tmp_path / "out", "prediction")
    seeing.session.shelf.activate("other 1")
    seeing.until(lambda: any("areas.csv" in notice.text for notice in seeing.notices))
    assert (read_label_png(tmp_path / "out" / "a.png")[0] == predicted).all()


def test_a_second_export_to_another_folder_does_not_end_the_first(seeing, tmp_path: Path) -> None:
    seeing.session.export.request(tmp_path / "one", "prediction")
    seeing.session.export.request(tmp_path / "two", "labels")
    seeing.until(lambda: len(seeing.notices) == 2)
    assert all(notice.level is Level.SUCCESS for notice in seeing.notices)
    for folder in ("one", "two"):
        assert len(list((tmp_path / folder).iterdir())) == 4


def test_only_known_contents_can_be_asked_for(start, tmp_path: Path) -> None:
    desk = start()
    with pytest.raises(UsageError):
        desk.session.export.request(tmp_path, "everything")
    desk.session.export.request(tmp_path, "labels")
    assert [notice.level for notice in desk.notices] == [Level.INFO]
