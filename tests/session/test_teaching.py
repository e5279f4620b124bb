"""Teaching: short real runs on tiny images, and what becomes of their results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_studio.core.errors import UsageError
from fcn_studio.session import Level, Phase
from fcn_studio.session.events import TrainingStatus
from fcn_studio.session.teaching import list_some
from tests.session.desk import Desk

pytest.importorskip("torch")


@pytest.fixture
def taught(start: Callable[..., Desk], photos: Path) -> Desk:
    """Photos with own classes, one of which no network knows, painted on the first one."""
    desk = start(networks=True)
    desk.open(photos / "a.png", photos / "b.png")
    desk.session.classes.use_own_classes(["cat", "weed"])
    desk.predicted()
    desk.stroke(20, 20, 1, radius=8)
    desk.stroke(45, 50, 2, radius=8)
    return desk


def run(desk: Desk, steps: int) -> list:
    """One short run from start to end; returns the phases it went through."""
    phases = []
    desk.session.events.training_changed.connect(lambda status: phases.append(status.phase))
    desk.session.teaching.start(device="cpu", steps=steps)
    desk.until(lambda: not desk.session.teaching.is_running, 150)
    return phases


def test_what_is_missing_is_said_before_the_button_can_be_pressed(start, photos: Path) -> None:
    desk = start()
    teaching = desk.session.teaching
    assert teaching.blocked_reason() == "Open some images first."
    desk.open(photos)
    assert teaching.blocked_reason() == "Choose the classes first."
    desk.session.classes.use_own_classes(["cat"])
    assert teaching.blocked_reason() == "Paint or accept something first."
    teaching.start()
    assert not teaching.is_running
    assert [notice.level for notice in desk.notices] == [Level.INFO]
    desk.stroke(20, 20, 1)
    assert teaching.blocked_reason() is None
    desk.session.editing.undo()
    desk.session.editing.save_now()
    desk.settle()
    assert teaching.blocked_reason() == "Paint or accept something first."


def test_a_run_ends_with_an_active_checkpoint_that_knows_the_classes(taught, start, photos: Path) -> None:
    labels = taught.labels.copy()
    teaching = taught.session.teaching
    phases = run(taught, 2)
    assert teaching.status.phase is Phase.DONE
    assert phases[0] is Phase.PREPARING
    assert Phase.RUNNING in phases
    steps = teaching.status.steps
    assert steps >= 2
    assert [step for step, _ in teaching.status.losses] == list(range(1, steps + 1))
    assert taught.session.shelf.active.id == "photos 1"
    assert taught.session.shelf.active.classes.keys == ("background", "cat", "weed")
    assert taught.session.shelf.active.parent is not None
    assert [notice.level for notice in taught.notices] == [Level.SUCCESS]
    taught.predicted()
    assert taught.document.prediction.class_keys == ("background", "cat", "weed")
    assert (taught.labels == labels).all()  # no stroke is ever overwritten
    taught.session.shelf.activate("embedded")  # going back is one click
    taught.predicted()
    assert len(taught.document.prediction.class_keys) == 21
    taught.session.shelf.activate("photos 1")
    assert taught.session.close()
    again = start()
    again.open(photos)
    assert again.session.shelf.active.id == "photos 1"


def test_who_hears_that_it_is_done_finds_the_new_checkpoint_and_the_way_back(taught) -> None:
    shelf, found = taught.session.shelf, []

    def on_changed(status) -> None:
        if status.phase is Phase.DONE:
            parents = {entry.card_id: entry.id for entry in shelf.entries}
            found.append((shelf.active.id, parents.get(shelf.active.parent), status.adopted_id))

    taught.session.events.training_changed.connect(on_changed)
    run(taught, 1)
    assert found == [("photos 1", "embedded", "photos 1")]
    taught.predicted()


def test_what_came_of_a_run_is_not_told_of_another_project(taught, tmp_path: Path) -> None:
    from tests.session.conftest import write_image

    run(taught, 1)
    taught.predicted()
    write_image(tmp_path / "other" / "x.png", (40, 60), 5)
    taught.open(tmp_path / "other")
    assert taught.session.teaching.status == TrainingStatus()


def test_the_recipe_can_be_chosen_and_says_what_it_does(taught) -> None:
    teaching = taught.session.teaching
    assert teaching.recipe.name == teaching.recipes[0].name == "fine_tune"
    assert {"modern", "paper", "paper-heavy"} <= {recipe.name for recipe in teaching.recipes}
    teaching.choose_recipe("paper")
    words = teaching.explain(teaching.recipe)
    assert words.startswith(teaching.recipe.description)
    assert "SGD with momentum 0.9" in words
    run(taught, 1)
    assert teaching.status.phase is Phase.DONE
    assert teaching.status.steps == 1  # nothing of the default's replay
    with pytest.raises(UsageError, match="nearest is 'paper-heavy'"):
        teaching.choose_recipe("paper-heavi")
    assert teaching.recipe.name == "paper"


def test_a_result_that_is_worse_leaves_the_earlier_network_active(taught, monkeypatch) -> None:
    from fcn_studio.training import fine_tune as room

    # Everything is real but the verdict: what is held out says that the candidate is worse.
    real = room._choose
    monkeypatch.setattr(room, "_choose", lambda scores, *rest: real((0.9, 0.1), *rest))
    run(taught, 1)
    assert taught.session.teaching.status.phase is Phase.DONE
    assert taught.session.teaching.status.adopted_id is None
    assert taught.session.shelf.active.id == "embedded"
    assert [notice.level for notice in taught.notices] == [Level.WARNING]
    assert "worse" in taught.notices[0].text
    assert not list(taught.session.project.checkpoint_paths())


def test_an_image_that_cannot_be_read_is_left_out_with_one_notice(taught, photos: Path) -> None:
    taught.show("b.png")
    taught.stroke(30, 30, 1)
    taught.on_disk()
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:500])  # cut off behind its size
    run(taught, 1)
    assert taught.session.teaching.status.phase is Phase.DONE
    assert taught.session.shelf.active.id == "photos 1"
    assert [notice.level for notice in taught.notices] == [Level.WARNING, Level.SUCCESS]
    text = taught.notices[0].text
    assert text.startswith(f"A labelled image is left out of this training. {photos / 'b.png'} is ")
    assert text.endswith("fetch or save the image again.")
    taught.predicted()


def test_an_image_that_vanishes_in_the_middle_is_left_out_and_told_in_the_end(
    taught, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fcn_studio.training import deck

    monkeypatch.setattr(deck, "CACHE_BYTES", 1)  # only the last picture stays in memory
    taught.show("b.png")
    taught.stroke(30, 30, 1)
    taught.on_disk()

    def on_changed(status) -> None:
        if status.step == 1:
            (photos / "b.png").unlink(missing_ok=True)

    taught.session.events.training_changed.connect(on_changed)
    run(taught, 1)  # and more, for there are two images
    assert taught.session.shelf.active.id == "photos 1"
    assert [notice.level for notice in taught.notices] == [Level.WARNING, Level.SUCCESS]
    assert f"left out of this training. {photos / 'b.png'} does not exist" in taught.notices[0].text


def test_images_that_are_gone_end_the_run_only_where_none_is_left(taught, photos: Path) -> None:
    taught.show("b.png")
    taught.stroke(30, 30, 1)
    taught.on_disk()
    (photos / "b.png").unlink()
    run(taught, 1)
    assert taught.session.shelf.active.id == "photos 1"
    assert f"{photos / 'b.png'} does not exist" in taught.notices[0].text
    (photos / "a.png").unlink()
    taught.notices.clear()
    run(taught, 1)
    assert taught.session.teaching.status.phase is Phase.FAILED
    assert [notice.level for notice in taught.notices] == [Level.ERROR]
    told = "None of the labelled images can be read: mend them first."
    assert taught.session.teaching.status.message == told  # the panel has no room for the files
    assert taught.notices[0].text.startswith(told)
    assert all(str(photos / name) in taught.notices[0].text for name in ("a.png", "b.png"))


def test_labels_that_are_damaged_are_named_and_the_rest_is_taught(taught, photos: Path) -> None:
    taught.show("b.png")
    taught.stroke(30, 30, 1)
    taught.session.editing.save_now()
    taught.settle()
    store = taught.session.project.store
    for path in (store / "labels" / "b.png", *(store / "journal").glob("b*")):
        path.write_bytes(b"nothing of use")
    run(taught, 1)
    assert taught.session.shelf.active.id == "photos 1"
    assert str(store / "labels" / "b.png") in taught.notices[0].text
    taught.predicted()


def test_many_that_cannot_be_read_are_counted_and_the_first_are_named() -> None:
    assert list_some(["One.", "Two.", "Three."]) == "One. Two. Three."
    assert list_some(["One.", "Two.", "Three.", "Four.", "Five."]) == "One. Two. Three. And 2 more."


def test_one_can_paint_and_look_while_it_runs_and_a_stop_that_nothing_measured_replaces_no_network(
    taught,
) -> None:
    teaching = taught.session.teaching
    teaching.start(device="cpu", steps=10_000)
    taught.until(lambda: teaching.status.step >= 1, 150)
    assert teaching.blocked_reason() == "It is running."
    teaching.start()
    assert [notice.level for notice in taught.notices] == [Level.INFO]
    taught.show("b.png")
    taught.stroke(30, 30, 1)
    taught.predicted()
    assert teaching.is_running
    teaching.stop()
    assert teaching.status.phase is Phase.STOPPING
    taught.until(lambda: not teaching.is_running, 150)
    assert teaching.status.phase is Phase.DONE
    assert 1 <= teaching.status.step < 10_000
    assert taught.session.shelf.active.id == "embedded"
    assert [notice.level for notice in taught.notices[1:]] == [Level.INFO]
    told = taught.notices[-1].text
    assert told == teaching.status.message
    assert "the earlier network stays" in told
    assert "choose “photos 1”" in told  # it is kept
    assert [entry.id for entry in taught.session.shelf.entries] == ["embedded", "photos 1"]
    assert taught.labels[30, 30] == 1
    taught.session.shelf.activate("photos 1")
    taught.predicted()
    assert taught.document.prediction.class_keys == ("background", "cat", "weed")


def test_a_stopped_run_that_was_measured_follows_its_figures(taught) -> None:
    for y, x in ((10, 10), (10, 60), (50, 10), (50, 30), (30, 40)):  # enough to hold a stroke out
        taught.stroke(y, x, 1)
        taught.stroke(y, x + 10, 2)
    teaching = taught.session.teaching
    teaching.start(device="cpu", steps=10_000)
    taught.until(lambda: teaching.status.step >= 1, 150)
    teaching.stop()
    taught.until(lambda: not teaching.is_running, 150)
    assert "mIoU" in taught.notices[-1].text
    is_worse = "worse" in taught.notices[-1].text
    assert taught.session.shelf.active.id == ("embedded" if is_worse else "photos 1")


def test_a_training_that_was_cut_off_goes_on_where_it_was(taught, start, photos: Path) -> None:
    teaching = taught.session.teaching
    teaching.start(device="cpu", steps=60)
    taught.until(lambda: teaching.status.step >= 3, 150)
    assert taught.session.close()
    again = start(networks=True)
    again.open(photos / "a.png", photos / "b.png")
    run(again, 60)
    first = again.session.teaching.status.losses[0][0]
    assert first > 3
    assert f"was cut off: it goes on after step {first - 1} of" in again.notices[0].text
    assert again.session.shelf.active.id == "photos 1"
    run(again, 1)  # what has ended is not gone on with
    assert again.session.teaching.status.losses[0][0] == 1


def test_opening_another_project_ends_the_run_without_a_result(taught, tmp_path: Path) -> None:
    from tests.session.conftest import write_image

    write_image(tmp_path / "other" / "x.png", (40, 50), 5)
    teaching, project = taught.session.teaching, taught.session.project
    teaching.start(device="cpu", steps=10_000)
    taught.until(lambda: teaching.status.step >= 1, 150)
    taught.session.open([tmp_path / "nowhere"])  # fails: the run goes on
    taught.until(lambda: bool(taught.complaints))
    assert teaching.is_running
    taught.open(tmp_path / "other")
    assert not teaching.is_running
    assert teaching.status.phase is Phase.IDLE
    taught.predicted()  # the device is free again
    taught.settle()
    assert teaching.status.phase is Phase.IDLE
    assert not project.checkpoint_paths()
    assert taught.session.shelf.active.id == "embedded"


def test_a_place_that_cannot_be_written_is_told_with_its_cure(start, tmp_path: Path) -> None:
    import json

    import numpy as np
    from PIL import Image

    from tests.session.conftest import write_image

    root = tmp_path / "set"
    write_image(root / "images" / "one.png", (40, 50), 0)
    (root / "masks").mkdir()
    Image.fromarray(np.ones((40, 50), np.uint8)).save(root / "masks" / "one.png")
    classes = [{"index": 0, "name": "background"}, {"index": 1, "name": "leaf"}]
    (root / "classes.json").write_text(json.dumps(classes))
    (tmp_path / "set.fcnstudio").write_text("in the way")
    desk = start()
    desk.open(root)
    desk.session.teaching.start(device="cpu", steps=1)
    assert not desk.session.teaching.is_running
    assert [(notice.level, notice.action) for notice in desk.notices] == [(Level.ERROR, "choose_store")]
