"""What is kept, where, and what happens to strokes that the disk refuses."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.io.label_png import read_label_png
from fcn_studio.session import Level, Saved
from fcn_studio.session.keeping import EDITS_BETWEEN_SAVES
from tests.session.desk import Desk


@pytest.fixture
def refused(desk: Desk, photos: Path) -> Desk:
    """The same desk, but a file lies where the project's folder should be made (root may write anywhere)."""
    store = photos.parent / "photos.fcnstudio"
    desk.settle()
    for path in sorted(store.rglob("*"), reverse=True):
        path.unlink()
    store.rmdir()
    store.write_text("in the way")
    desk.notices.clear()
    return desk


def heal(photos: Path) -> None:
    (photos.parent / "photos.fcnstudio").unlink()


def test_a_stroke_is_written_when_the_call_returns_and_then_on_disk(desk, photos: Path) -> None:
    states = []
    desk.session.events.saved_changed.connect(states.append)
    desk.stroke(20, 20, 1)
    assert states == [Saved.WRITTEN]
    assert [path.stat().st_size > 100 for path in (photos.parent / "photos.fcnstudio" / "journal").iterdir()]
    desk.on_disk()
    assert states == [Saved.WRITTEN, Saved.ON_DISK]
    desk.show("b.png")
    assert desk.session.editing.saved is Saved.NOTHING


def test_label_pngs_are_written_on_leaving_after_many_edits_and_when_asked(desk, photos: Path) -> None:
    labels = photos.parent / "photos.fcnstudio" / "labels" / "a.png"
    desk.stroke(20, 20, 1)
    desk.settle()
    assert not labels.exists()
    desk.session.editing.save_now()
    desk.settle()
    assert (read_label_png(labels)[0] == desk.labels).all()
    for step in range(EDITS_BETWEEN_SAVES):
        desk.stroke(30, 20 + step % 40, 1 + step % 2)
    desk.settle()
    assert (read_label_png(labels)[0] == desk.labels).all()
    desk.stroke(50, 50, 2)
    left = desk.labels.copy()
    desk.show("b.png")
    desk.settle()
    assert (read_label_png(labels)[0] == left).all()
    assert (photos.parent / "photos.fcnstudio" / "provenance" / "a.png").exists()


def test_a_refused_stroke_is_told_once_with_its_cure_and_stays(refused) -> None:
    refused.stroke(20, 20, 1)
    refused.stroke(40, 40, 2)
    refused.settle()
    assert [(notice.level, notice.action) for notice in refused.notices] == [(Level.ERROR, "choose_store")]
    assert refused.session.editing.saved is Saved.IN_MEMORY
    assert (refused.labels[20, 20], refused.labels[40, 40]) == (1, 2)
    refused.session.editing.undo()
    assert refused.labels[40, 40] == 255


def test_choosing_another_place_writes_everything_that_was_refused(
    refused, start, photos: Path, tmp_path: Path
) -> None:
    refused.stroke(20, 20, 1)
    refused.show("b.png")
    refused.stroke(30, 30, 2)
    (tmp_path / "elsewhere").mkdir()
    refused.session.choose_store(tmp_path / "elsewhere")
    refused.on_disk()
    refused.settle()
    assert refused.session.close()
    assert (tmp_path / "elsewhere" / "photos.fcnstudio" / "project.json").exists()
    assert (photos.parent / "photos.fcnstudio").read_text() == "in the way"
    again = start()
    again.open(photos)
    assert again.labels[20, 20] == 1
    again.show("b.png")
    assert again.labels[30, 30] == 2
    again.session.editing.undo()
    assert (again.labels == 255).all()
    assert not again.complaints


def test_refused_strokes_outlive_leaving_their_image(refused) -> None:
    refused.stroke(20, 20, 1)
    refused.stroke(40, 40, 2)
    refused.session.editing.undo()
    refused.show("b.png")
    assert refused.session.editing.saved is Saved.IN_MEMORY  # closing now would lose them
    refused.show("a.png")
    assert (refused.labels[20, 20], refused.labels[40, 40]) == (1, 255)
    refused.session.editing.redo()
    refused.session.editing.undo()
    refused.session.editing.undo()
    assert (refused.labels == 255).all()


def test_the_next_stroke_that_the_disk_takes_brings_the_refused_ones_along(
    refused, start, photos: Path
) -> None:
    refused.stroke(20, 20, 1)
    refused.show("b.png")
    heal(photos)
    refused.stroke(30, 30, 2)
    assert refused.session.editing.saved is not Saved.IN_MEMORY
    refused.on_disk()
    refused.settle()
    assert refused.session.close()
    again = start()
    again.open(photos)
    assert again.session.classes.table.keys == ("background", "cat", "dog")
    assert again.labels[20, 20] == 1
    again.show("b.png")
    assert again.labels[30, 30] == 2


def test_closing_tries_the_disk_once_more(refused, start, photos: Path) -> None:
    refused.stroke(20, 20, 1)
    refused.show("b.png")
    heal(photos)
    assert refused.session.close()
    again = start()
    again.open(photos)
    assert again.labels[20, 20] == 1


def test_another_project_waits_until_one_has_asked_twice_to_lose_refused_strokes(
    refused, tmp_path: Path
) -> None:
    from tests.session.conftest import write_image

    write_image(tmp_path / "other" / "x.png", (20, 30), 5)
    refused.stroke(20, 20, 1)
    refused.notices.clear()
    refused.session.open([tmp_path / "other"])
    refused.until(lambda: bool(refused.notices))
    assert refused.notices[0].action == "choose_store"
    assert refused.document.image_id == "a.png"
    assert refused.labels[20, 20] == 1
    refused.open(tmp_path / "other")
    assert refused.document.image_id == "x.png"
    assert refused.session.editing.saved is Saved.NOTHING


def test_what_project_json_could_not_take_is_not_called_written_before_it_is(
    refused, start, photos: Path
) -> None:
    refused.session.mark_reviewed()
    refused.settle()
    refused.notices.clear()
    refused.session.editing.catch_up()
    refused.settle()
    refused.session.shelf.activate("embedded")
    refused.settle()
    assert refused.session.editing.saved is Saved.IN_MEMORY
    assert refused.session.editing.is_at_risk
    assert not refused.notices
    heal(photos)
    refused.session.editing.catch_up()
    refused.settle()
    assert [notice.level for notice in refused.notices] == [Level.SUCCESS]
    assert not refused.session.editing.is_at_risk
    again = start()
    again.open(photos)
    assert again.session.images.state_of("a.png").value == "reviewed"
    assert again.session.classes.table.keys == ("background", "cat", "dog")


def test_another_project_waits_for_what_project_json_could_not_take(
    refused, start, photos: Path, tmp_path: Path
) -> None:
    from tests.session.conftest import write_image

    write_image(tmp_path / "other" / "x.png", (20, 30), 5)
    refused.session.mark_reviewed()
    refused.settle()
    refused.notices.clear()
    refused.session.open([tmp_path / "other"])
    refused.until(lambda: bool(refused.notices))
    assert refused.document.image_id == "a.png"
    heal(photos)
    refused.open(tmp_path / "other")
    assert refused.document.image_id == "x.png"
    again = start()
    again.open(photos)
    assert again.session.images.state_of("a.png").value == "reviewed"


def test_closing_tries_project_json_once_more(refused, start, photos: Path) -> None:
    refused.session.mark_reviewed()
    refused.settle()
    heal(photos)
    assert refused.session.close()
    again = start()
    again.open(photos)
    assert again.session.images.state_of("a.png").value == "reviewed"


def test_settings_remember_what_was_open(desk, tmp_path: Path, photos: Path) -> None:
    from fcn_studio.core.settings import Settings

    desk.show("c.png")
    assert desk.session.close()
    kept = Settings.from_json((tmp_path / "settings.json").read_text())
    assert kept["last_paths"] == [str(photos)]
    assert kept["last_image"] == "c.png"


def test_a_project_that_was_open_when_it_closed_starts_at_its_last_image(desk, start, photos: Path) -> None:
    again = start()
    again.open(photos, first="c.png")
    assert again.document.image_id == "c.png"
    assert np.all(again.labels == 255)


def test_coming_back_while_strokes_are_made_durable_is_no_other_window(
    desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, slow = os.fsync, threading.Event()

    def fsync(descriptor: int) -> None:
        if threading.current_thread().name.startswith("journal"):
            slow.wait(10)  # a disk that takes its time
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    desk.stroke(20, 20, 1)
    desk.show("b.png")
    desk.show("a.png")
    desk.stroke(40, 40, 2)
    assert desk.session.editing.saved is Saved.WRITTEN
    slow.set()
    desk.on_disk()
    assert not desk.complaints


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """fsync of what is written from now on waits for `go`, then fails while `full` and drops what it had."""
    real, disk = os.fsync, {"full": False, "go": threading.Event(), "sizes": {}}

    def fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        if disk["full"]:
            if name in disk["sizes"]:
                assert disk["go"].wait(20)
                os.truncate(name, min(disk["sizes"][name], os.stat(name).st_size))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    if sys.platform != "linux":
        pytest.skip("asks the system which file a descriptor stands for")
    monkeypatch.setattr(os, "fsync", fsync)
    return disk


@pytest.mark.parametrize("first_strokes", [0, 1])
@pytest.mark.parametrize("comes_back", [False, True])
def test_strokes_that_fsync_refuses_once_their_image_is_left_are_kept_and_written_later(
    desk, start, photos: Path, slow_disk, first_strokes: int, comes_back: bool
) -> None:
    for number in range(first_strokes):
        desk.stroke(10 + number, 10, 1)
        desk.on_disk()
    desk.settle()
    journal = desk.session._keeper._work.journal.path
    slow_disk["sizes"][str(journal)] = journal.stat().st_size if journal.exists() else 0
    slow_disk["full"] = True
    desk.stroke(40, 40, 2)
    painted = desk.labels.copy()
    desk.show("b.png")  # at once, before the disk has said anything
    slow_disk["go"].set()
    desk.until(lambda: desk.session.editing.saved is Saved.IN_MEMORY)
    desk.settle()
    assert len([notice for notice in desk.notices if "wait in memory" in notice.text]) == 1
    if comes_back:
        desk.show("a.png")
        assert (desk.labels == painted).all()
        assert desk.session.editing.saved is Saved.IN_MEMORY
    slow_disk["full"] = False
    desk.session.editing.catch_up()
    desk.until(lambda: desk.notices[-1].level is Level.SUCCESS)
    # A process that is killed now has lost nothing.
    again = start()
    again.open(photos)
    assert (again.labels == painted).all()
    desk.settle()
    assert desk.session.editing.saved is (Saved.ON_DISK if comes_back else Saved.NOTHING)
    assert not desk.session._keeper._left, "nothing is held that is on disk"
    assert len(again.document.history.done) == first_strokes + 1
    assert not again.complaints


def test_label_images_that_are_refused_while_fsync_has_not_answered_keep_the_strokes(
    desk, start, photos: Path, slow_disk
) -> None:
    desk.stroke(10, 10, 1)
    desk.on_disk()
    desk.settle()
    (photos.parent / "photos.fcnstudio" / "labels").write_text("in the way")
    journal = desk.session._keeper._work.journal.path
    slow_disk["sizes"][str(journal)] = journal.stat().st_size
    slow_disk["full"] = True
    desk.stroke(40, 40, 2)
    painted = desk.labels.copy()
    desk.show("b.png")
    slow_disk["go"].set()
    desk.settle()
    assert desk.session.editing.saved is Saved.IN_MEMORY
    slow_disk["full"] = False
    desk.stroke(20, 20, 1)  # brings them along
    desk.on_disk()
    desk.settle()
    again = start()
    again.open(photos)
    assert (again.labels == painted).all()
