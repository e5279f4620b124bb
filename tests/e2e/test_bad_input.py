"""Bad input: one clear sentence names the file and the cure, the rest is done, nothing there is changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fcn_studio.cli.main import cli
from fcn_studio.core.box import Box
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.core.resources import resource_path
from fcn_studio.core.settings import Settings
from fcn_studio.session.events import Level, Notice, Saved
from fcn_studio.session.session import Session

WAIT_S = 60.0
HW = (64, 80)
EMBEDDED = resource_path("models", "embedded.safetensors")

# file name: what the sentence about it must hold, apart from the name
BROKEN_IMAGES = {
    "cut.jpg": "is cut off",
    "cut.png": "is cut off",
    "head.jpg": "is cut off",
    "empty.png": "is empty (0 bytes)",
    "link.jpg": "is a link to a file that does not exist",
    "text.jpg": "is not an image",
}
BROKEN_CHECKPOINTS = {
    "cut": "broken",
    "noise": "broken",
    "garbled-card": "broken",
    "other-card": "not a card of FCN Studio",
    "no-card": "has no card",
    "older": "an older format",
    "newer": "a newer format",
    "strangers": "another program",
    "mixed-up": "do not belong together",
}


def snapshot(root: Path) -> dict[str, str]:
    """What lies below `root`, by relative path: hash of a file, target of a link, or a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            what = f"link to {os.readlink(path)}"
        else:
            what = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        found[path.relative_to(root).as_posix()] = what
    return found


def write_photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (*HW, 3), np.uint8)).save(path)
    return path


@pytest.fixture(autouse=True, scope="module")
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches, settings and data of these tests lie in a folder of their own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        yield


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two good photographs, and one of each kind that is not."""
    folder = tmp_path / "photos"
    write_photo(folder / "a.jpg")
    write_photo(folder / "z.png")
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:1500])
    (folder / "head.jpg").write_bytes((folder / "a.jpg").read_bytes()[:30])
    (folder / "cut.png").write_bytes((folder / "z.png").read_bytes()[:1500])
    (folder / "empty.png").touch()
    (folder / "link.jpg").symlink_to("nowhere.jpg")
    (folder / "text.jpg").write_text("these are only words\n")
    (folder / "folder.jpg").mkdir()
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A labelled folder whose masks are good, too small, and of a class that nobody knows."""
    folder = tmp_path / "set"
    labels = np.zeros(HW, np.uint8)
    labels[20:40, 20:40] = 1
    stray = labels.copy()
    stray[3, 3] = 77
    (folder / "masks").mkdir(parents=True)
    for name, mask in {"good": labels, "small": labels[:32], "stray": stray}.items():
        write_photo(folder / "images" / f"{name}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    classes = [{"index": 0, "name": "background"}, {"index": 1, "name": "cat"}]
    (folder / "classes.json").write_text(json.dumps(classes))
    (folder / "val.txt").write_text("good\nsmall\nstray\n")
    return folder


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """One checkpoint of each kind in BROKEN_CHECKPOINTS."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    card = json.loads(EMBEDDED.with_suffix(".json").read_text())
    fewer = {name: card[name][:3] for name in ("class_keys", "class_names")}
    changes = {"older": {"format": 0}, "newer": {"format": 99}, "mixed-up": {**fewer, "class_colors": None}}
    for name in BROKEN_CHECKPOINTS:
        shutil.copy(EMBEDDED, folder / f"{name}.safetensors")
        text = json.dumps({**card, "id": f"id of {name}", **changes.get(name, {})})
        (folder / f"{name}.json").write_text(text)
    (folder / "cut.safetensors").write_bytes(EMBEDDED.read_bytes()[:100_000])
    (folder / "noise.safetensors").write_bytes(bytes(range(256)) * 20)
    (folder / "garbled-card.json").write_text("{ no json")
    (folder / "other-card.json").write_text('{"hello": 1}')
    (folder / "no-card.json").unlink()
    tensors = pytest.importorskip("safetensors.numpy")
    tensors.save_file({"w": np.zeros((2, 2), np.float32)}, folder / "strangers.safetensors")
    return folder


def run(*arguments: object) -> Result:
    """A command in this process; an exception that is no exit code fails the test."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def check_sentence(line: str) -> None:
    """What every complaint is: one line that ends like a sentence and holds no Python."""
    assert line.endswith("."), line
    assert ": " in line or ". " in line, f"no cure beside the complaint: {line}"
    assert not any(word in line for word in ("Traceback", "Error", "Errno", "<class", "object at")), line
    assert len(line) < 400


class Watched:
    """A real session with nothing open, whose notices are kept."""

    def __init__(self, home: Path) -> None:
        self.dispatcher = QueueDispatcher()
        places = {"settings_path": None, "cache_dir": home / "cache", "data_dir": home / "data"}
        self.session = Session(self.dispatcher, Settings({"device": "cpu"}), **places)
        self.notices: list[Notice] = []
        self.session.events.notice.connect(self.notices.append)

    def wait(self, reached: Callable[[], bool]) -> None:
        assert self.dispatcher.run_until(reached, WAIT_S), [notice.text for notice in self.notices]

    def do(self, action: Callable[[], None]) -> Notice:
        """Do something that must be answered by exactly one notice."""
        self.notices.clear()
        action()
        self.wait(lambda: bool(self.notices))
        self.dispatcher.run_pending(0.05)
        assert len(self.notices) == 1, [notice.text for notice in self.notices]
        check_sentence(self.notices[0].text)
        return self.notices[0]

    def open(self, path: Path) -> None:
        """Open something that can be opened, and wait for its first image."""
        self.session.open([path])
        self.wait(lambda: self.session.document is not None)
        self.wait(lambda: self.session.images.current_id == self.session.document.image_id)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "home")
    yield made
    assert made.session.close()


# --- headless -----------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_predict_names_each_bad_file_and_does_the_rest(photos: Path, tmp_path: Path) -> None:
    before, out = snapshot(photos), tmp_path / "out"
    command = [sys.executable, "-m", "fcn_studio", "predict", photos, tmp_path / "gone.jpg", "--out", out]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    expected = {**BROKEN_IMAGES, "gone.jpg": "does not exist"}
    assert len(lines) == len(expected)
    for name, words in expected.items():
        (line,) = [line for line in lines if f"{name} " in line]
        assert words in line
        check_sentence(line)
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "z.png"]
    assert snapshot(photos) == before


def test_predict_tells_the_same_in_json(photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "--out", tmp_path / "out", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["failed"] == len(BROKEN_IMAGES)
    assert {row["error"] for row in report["images"] if "error" in row} == set(result.stderr.splitlines())


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing to see")
    result = run("predict", folder, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"{folder} holds no images" in result.stderr
    check_sentence(result.stderr.strip())


def test_a_place_that_cannot_be_written_is_named(photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos / "a.jpg", "--out", photos / "z.png" / "masks")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    check_sentence(result.stderr.strip())


@pytest.mark.parametrize("name", BROKEN_CHECKPOINTS)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_checkpoint_that_cannot_be_used_is_named(
    command: str, name: str, checkpoints: Path, dataset: Path, tmp_path: Path
) -> None:
    before, out = snapshot(tmp_path), tmp_path / "out"
    more = ["--out", out] if command == "predict" else ["--split", "val"]
    path = dataset / "images" if command == "predict" else dataset
    result = run(command, path, "--model", checkpoints / f"{name}.safetensors", *more)
    assert result.exit_code == 1
    assert name in result.stderr
    assert BROKEN_CHECKPOINTS[name] in result.stderr
    check_sentence(result.stderr.strip())
    assert not out.exists()
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "gone.safetensors", "does not exist"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: write_photo(folder / "photo.png"), "is no checkpoint"),
    ],
)
def test_what_is_no_checkpoint_at_all_is_told_apart(
    make: Callable[[Path], Path], words: str, photos: Path, tmp_path: Path
) -> None:
    named = make(tmp_path)
    result = run("predict", photos / "a.jpg", "--out", tmp_path / "out", "--model", named)
    assert result.exit_code == 1
    assert f"{named} {words}" in result.stderr
    check_sentence(result.stderr.strip())


def test_evaluate_leaves_bad_labels_out_and_names_them(dataset: Path) -> None:
    before = snapshot(dataset)
    result = run("evaluate", dataset, "--split", "val", "--json")
    assert result.exit_code == 1
    *named, counted = result.stderr.splitlines()
    small, stray = sorted(named)
    assert "small.png is 80 x 32 pixels" in small
    assert "stray.png holds the value 77" in stray
    check_sentence(small)
    check_sentence(stray)
    assert "2 images" in counted
    assert set(json.loads(result.stdout)["per_class_iou"]) == {"background", "cat"}
    assert snapshot(dataset) == before


def test_without_the_bad_ones_the_exit_code_is_0(dataset: Path) -> None:
    (dataset / "val.txt").write_text("good\n")
    result = run("evaluate", dataset, "--split", "val", "--json")
    assert (result.exit_code, result.stderr) == (0, "")


# --- in the application -------------------------------------------------------------------------------------


def test_a_bad_image_leaves_the_open_one_as_it_is(photos: Path, watched: Watched) -> None:
    before = snapshot(photos)
    watched.open(photos)
    document = watched.session.document
    assert document is not None
    assert document.image_id == "a.jpg"
    for name, words in BROKEN_IMAGES.items():
        notice = watched.do(lambda name=name: watched.session.images.open(name))  # type: ignore[misc]
        assert notice.level is Level.ERROR
        assert f"{name} {words}" in notice.text
        assert watched.session.document is document
    watched.session.images.open("z.png")
    watched.wait(lambda: watched.session.document is not document)
    assert snapshot(photos) == before


def test_what_cannot_be_opened_leaves_the_project_open(photos: Path, watched: Watched) -> None:
    watched.open(photos)
    project = watched.session.project
    for named in (photos / "folder.jpg", photos / "gone", photos / "text.jpg", photos / "empty.png"):
        notice = watched.do(lambda named=named: watched.session.open([named]))  # type: ignore[misc]
        if notice.level is Level.WARNING:
            pytest.fail(notice.text)
        assert str(named) in notice.text
        assert watched.session.project is project


def test_bad_labels_are_not_shown_and_not_touched(dataset: Path, watched: Watched) -> None:
    before = snapshot(dataset)
    watched.open(dataset)
    session = watched.session
    assert (session.document.label_map.labels != 255).any()
    for name, words in (("small", "80 x 32"), ("stray", "77")):
        image_id = next(entry.image_id for entry in session.images.entries if name in entry.image_id)
        notice = watched.do(lambda image_id=image_id: session.images.open(image_id))  # type: ignore[misc]
        assert words in notice.text
        assert f"{name}.png" in notice.text
        assert session.document.image_id == image_id
        assert (session.document.label_map.labels == 255).all()
    assert session.close()
    assert snapshot(dataset) == before


def test_a_broken_checkpoint_of_the_project_gives_way_to_the_embedded_one(
    photos: Path, checkpoints: Path, watched: Watched
) -> None:
    shelf = photos.with_name("photos.fcnstudio") / "checkpoints"
    shutil.copytree(checkpoints, shelf)
    before = snapshot(shelf)
    watched.open(photos)
    session = watched.session
    watched.wait(lambda: session.document is not None and session.document.prediction is not None)
    for name, words in BROKEN_CHECKPOINTS.items():
        notice = watched.do(lambda name=name: session.shelf.activate(name))  # type: ignore[misc]
        assert name in notice.text
        assert words in notice.text
        assert session.shelf.active.id == "embedded"
    watched.wait(lambda: not session.document.prediction_is_stale)
    assert snapshot(shelf) == before


def test_where_nothing_can_be_written_strokes_stay_and_another_place_is_offered(
    photos: Path, watched: Watched, tmp_path: Path
) -> None:
    in_the_way = photos.with_name("photos.fcnstudio")
    in_the_way.write_text("a file where the project's folder would be")
    before = snapshot(photos)
    watched.open(photos)
    session = watched.session
    session.classes.use_own_classes(["cat"])
    watched.dispatcher.run_pending(0.2)
    editing = session.editing

    def stroke() -> None:
        editing.begin_stroke("Paint cat")
        editing.paint(Box(1, 1, 9, 9), np.ones((8, 8), bool), 1)
        editing.finish_stroke()

    watched.notices.clear()
    stroke()
    watched.dispatcher.run_pending(0.2)
    assert editing.saved is Saved.IN_MEMORY
    assert (session.document.label_map.labels == 1).sum() == 64
    session.choose_store(tmp_path / "elsewhere")
    watched.wait(lambda: editing.saved is Saved.ON_DISK)
    assert list((tmp_path / "elsewhere").rglob("*.journal"))
    assert in_the_way.read_text().startswith("a file")
    assert snapshot(photos) == before
