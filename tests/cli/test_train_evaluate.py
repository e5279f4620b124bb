"""`train` and `evaluate` from a shell: figures, exit codes, resume, Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from fcn_studio.cli.main import cli
from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.models.checkpoint import save_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import ModelSpec, read_card
from fcn_studio.project import open_project
from tests.project.conftest import Painter

KEYS = ("ground", "disc")
SMALL = ("--set", "crop_px=33", "--set", "batch=1", "--set", "validate_every=2", "--device", "cpu")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Six pictures with a bright disc, the last two for validation; a border of void round the disc."""
    root = tmp_path / "discs"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    y, x = np.mgrid[:40, :48]
    distance = np.hypot(y - 20, x - 24)
    labels = np.where(distance < 10, 1, 0).astype(np.uint8)
    labels[(distance >= 10) & (distance < 12)] = 255
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 60, (40, 48, 3)).astype(np.uint8)
        pixels[distance < 10] += 150
        Image.fromarray(pixels).save(root / "images" / f"p{index}.png")
        Image.fromarray(labels).save(root / "masks" / f"p{index}.png")
    classes = [
        {"index": 0, "name": "ground", "color": [0, 0, 0]},
        {"index": 1, "name": "disc", "color": [9, 8, 7]},
    ]
    (root / "classes.json").write_text(json.dumps([*classes, {"index": 255, "name": "void", "void": True}]))
    (root / "train.txt").write_text("p0\np1\np2\np3\n")
    (root / "val.txt").write_text("p4\np5\n")
    return root


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """An untrained checkpoint that says "ground" everywhere."""
    torch.manual_seed(0)
    model = create_model("fcn8s_mobilenet_v2", 2)
    spec = ModelSpec(name="start", architecture="fcn8s_mobilenet_v2", class_keys=KEYS, class_names=KEYS)
    save_checkpoint(tmp_path / "start", model, spec)
    return tmp_path / "start"


def _run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_evaluate_gives_the_figures_of_the_paper(dataset: Path, start: Path) -> None:
    done = _run("evaluate", dataset, "--model", start, "--split", "val", "--device", "cpu", "--json")
    assert done.exit_code == 0, done.stderr
    figures = json.loads(done.stdout)
    labels = np.asarray(Image.open(dataset / "masks" / "p4.png"))
    ground, disc = (labels == 0).sum(), (labels == 1).sum()
    share = ground / (ground + disc)  # everything is called ground; void is left out
    assert figures["pixel_accuracy"] == pytest.approx(share)
    assert figures["mean_accuracy"] == pytest.approx(0.5)
    assert figures["mean_iou"] == pytest.approx(share / 2)
    assert figures["frequency_weighted_iou"] == pytest.approx(share * share)
    assert figures["per_class_iou"] == pytest.approx({"ground": share, "disc": 0.0})
    only = _run("evaluate", dataset, "--model", start, "--classes", "ground", "--device", "cpu", "--json")
    assert json.loads(only.stdout)["mean_iou"] == pytest.approx(share)


def test_evaluate_measures_borders_when_asked(dataset: Path, start: Path) -> None:
    words = ("evaluate", dataset, "--model", start, "--device", "cpu")
    assert "boundary_f" not in json.loads(_run(*words, "--json").stdout)
    # Everything is called ground: there is no border on the network's side.
    assert json.loads(_run(*words, "--boundary", "--json").stdout)["boundary_f"] == 0.0
    assert "boundary f" in _run(*words, "--boundary").stdout


def test_train_writes_a_checkpoint_that_can_be_measured(dataset: Path, start: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.safetensors"
    done = _run("train", dataset, "--out", out, "--start", start, "--steps", 4, *SMALL, "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["steps"] == 4
    assert 0 <= result["validation_miou"] <= 1
    assert result["validation_images"] == 2
    card = read_card(out)
    assert card.figures["validation_images"] == 2
    assert card.name == "new"
    assert card.class_keys == KEYS
    assert card.class_colors == ((0, 0, 0), (9, 8, 7))
    assert card.parent == read_card(start).id
    measured = json.loads(_run("evaluate", dataset, "--model", out, "--device", "cpu", "--json").stdout)
    assert measured["mean_iou"] == pytest.approx(result["validation_miou"], abs=0.02)


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["train", "{missing}", "--out", "{out}"], 1, "missing"),
        (["train", "{data}"], 2, "--out"),
        (["train", "{data}", "--out", "{out}", "--resume"], 2, "--run-folder"),
        (["train", "{data}", "--out", "{out}", "--recipe", "moderm"], 2, "nearest is 'modern'"),
        (["train", "{data}", "--out", "{out}", "--set", "crop=3"], 2, "no number 'crop'"),
        (["train", "{data}", "--out", "{out}", "--set", "distill_scales=[]"], 2, "distill_scales"),
        (["train", "{data}", "--out", "{out}", "--seed", "99999999999999999999"], 2, "--seed"),
        (["train", "{data}", "--out", "{out}", "--classes", "cat"], 2, "no class “cat”"),
        (["train", "{data}", "--out", "{out}", "--start", "{data}/classes.json"], 1, "classes.json"),
        (
            [
                "train",
                "{data}",
                "--out",
                "{out}",
                *["--start", "{start}"] * 2,
                "--architecture",
                "fcn8s_vgg11",
            ],
            2,
            "leave --architecture out",
        ),
        (["train", "{data}", "--out", "{out}", "--ignore", "3", "--ignore", "4"], 2, "takes one value"),
        (["evaluate", "{data}", "--ignore", "3", "--ignore", "4"], 2, "takes one value"),
        (["evaluate", "{missing}"], 1, "missing"),
        (["evaluate", "{data}", "--model", "{start}", "--split", "nothing"], 2, "nothing"),
        (["evaluate", "{data}", "--model", "{data}/masks/p0.png"], 1, "p0.png"),
        (["evaluate", "{data}", "--model", "{start}", "--device", "tpu"], 2, "tpu"),
    ],
)
def test_wrong_words_are_named(
    dataset: Path, start: Path, tmp_path: Path, words: list[str], code: int, complaint: str
) -> None:
    places = {"data": dataset, "missing": tmp_path / "missing", "out": tmp_path / "out", "start": start}
    done = _run(*(word.format(**places) for word in words))
    assert done.exit_code == code, done.output
    assert complaint in done.stderr
    assert "Traceback" not in done.output


def test_an_unreadable_image_is_named_and_the_rest_is_done(dataset: Path, start: Path) -> None:
    (dataset / "images" / "p4.png").write_bytes(b"no picture")
    done = _run("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    assert done.exit_code == 1
    assert "p4.png" in done.stderr
    assert "1 image could not be read" in done.stderr
    figures = json.loads(done.stdout)
    assert figures["pixel_accuracy"] > 0.5
    assert (figures["images"], figures["left_out"]) == (1, ["p4"])
    table = _run("evaluate", dataset, "--model", start, "--device", "cpu")
    assert "1 image, 1 left out" in table.stdout


def test_classes_that_the_network_lacks_are_named(dataset: Path, start: Path) -> None:
    def evaluate_with(*names: str) -> Result:
        (dataset / "classes.json").write_text(
            json.dumps([{"index": index, "name": name} for index, name in enumerate(names)])
        )
        return _run("evaluate", dataset, "--model", start, "--device", "cpu", "--json")

    some = evaluate_with("ground", "leaf", "stem")
    assert some.exit_code == 0, some.stderr
    assert "does not know leaf, stem (2 of 3 classes)" in some.stderr
    assert json.loads(some.stdout)["per_class_iou"]["leaf"] == 0.0
    none = evaluate_with("soil", "leaf")
    assert (none.exit_code, none.stdout) == (1, "")
    assert "knows none of the classes here (soil, leaf): its own are ground, disc" in none.stderr


def test_ctrl_c_in_evaluate_promises_nothing(
    dataset: Path, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcn_studio.project.dataset_source.DatasetSource.read", press_ctrl_c)
    done = _run("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "Interrupted; nothing was measured.\n"


def test_nothing_is_scored_where_no_image_can_be_read(dataset: Path, start: Path) -> None:
    for name in ("p4", "p5"):
        (dataset / "images" / f"{name}.png").write_bytes(b"no picture")
    done = _run("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "None of the images of “val” can be read" in done.stderr


def test_nothing_is_scored_where_nothing_is_labelled(dataset: Path, start: Path) -> None:
    for name in ("p4", "p5"):
        mask = np.array(Image.open(dataset / "masks" / f"{name}.png"))
        Image.fromarray(np.where(mask == 1, 255, mask).astype(np.uint8)).save(
            dataset / "masks" / f"{name}.png"
        )
    words = ("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    some = _run(*words, "--classes", "disc")
    assert (some.exit_code, some.stdout) == (1, "")
    assert "No pixel of “val” is labelled as disc: choose another --split" in some.stderr
    none = _run(*words, "--ignore", "0")
    assert (none.exit_code, none.stdout) == (1, "")
    assert "No pixel of “val” is labelled: choose another --split" in none.stderr
    assert _run(*words).exit_code == 0


def test_a_mean_over_classes_that_no_validation_pixel_has_is_refused(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    for name in ("p4", "p5"):
        Image.new("L", (48, 40), 0).save(dataset / "masks" / f"{name}.png")
    out = tmp_path / "new.safetensors"
    words = ("train", dataset, "--out", out, "--start", start, "--steps", 1, *SMALL, "--classes", "disc")
    done = _run(*words)
    assert done.exit_code == 1
    assert "No validation pixel is labelled as disc: choose other --classes" in done.stderr
    assert not out.exists()


def test_training_is_not_measured_on_images_that_are_all_void(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    void = Image.new("L", (48, 40), 255)
    void.save(dataset / "masks" / "p4.png")
    words = ("train", dataset, "--start", start, "--steps", 2, *SMALL, "--json")
    assert json.loads(_run(*words, "--out", tmp_path / "a").stdout)["validation_images"] == 1
    void.save(dataset / "masks" / "p5.png")
    assert json.loads(_run(*words, "--out", tmp_path / "b").stdout)["validation_miou"] is None


def test_a_class_that_is_ignored_has_no_part_in_a_mean(dataset: Path, start: Path) -> None:
    words = ("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    ignored = _run(*words, "--ignore", "0")
    classes = json.loads((dataset / "classes.json").read_text())
    (dataset / "classes.json").write_text(json.dumps([{**classes[0], "void": True}, *classes[1:]]))
    void = _run(*words)
    assert ignored.exit_code == void.exit_code == 0, ignored.stderr
    assert json.loads(ignored.stdout) == json.loads(void.stdout)
    assert json.loads(void.stdout)["per_class_iou"].keys() == {"disc"}


def test_of_a_project_val_counts_what_training_does_not_see(tmp_path: Path, start: Path) -> None:
    """With few images single strokes are held out, and `evaluate` measures what `train` measures."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (48, 40), (90, 90, 90)).save(tmp_path / "photos" / "a.png")
    project = open_project([tmp_path / "photos"])
    project.set_classes(ClassTable.from_keys(KEYS))
    project.save()
    painter = Painter(project, "a.png")
    for number in range(5):  # the fifth, a disc, is held out
        painter.paint(Box(8 * number, 0, 8 * number + 4, 8), 1 if number == 4 else 0)
    painter.close()
    words = ("evaluate", tmp_path / "photos", "--model", start, "--device", "cpu", "--json")
    measured = json.loads(_run(*words).stdout)
    assert (measured["pixel_accuracy"], measured["per_class_iou"]["disc"]) == (0.0, 0.0)
    assert json.loads(_run(*words, "--split", "train").stdout)["pixel_accuracy"] == pytest.approx(0.8)


def test_a_listed_image_without_a_mask_is_told(dataset: Path, start: Path) -> None:
    (dataset / "masks" / "p5.png").unlink()
    done = _run("evaluate", dataset, "--model", start, "--device", "cpu", "--json")
    assert done.exit_code == 0
    assert "1 image of the list “val” without a mask (p5)" in done.stderr
    assert json.loads(done.stdout)["images"] == 1


def test_training_leaves_out_what_cannot_be_read_and_says_so(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    (dataset / "masks" / "p1.png").write_bytes(b"no mask")
    (dataset / "images" / "p2.png").write_bytes(b"no picture")
    Image.new("L", (7, 5)).save(dataset / "masks" / "p4.png")  # for validation
    words = ("train", dataset, "--out", tmp_path / "new", "--start", start, "--steps", 2, *SMALL, "--json")
    done = _run(*words)
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["left_out"] == ["p1", "p2", "p4"]
    assert (result["steps"], result["validation_images"]) == (2, 1)
    lines = done.stderr.splitlines()
    for file in ("masks/p1.png", "images/p2.png", "masks/p4.png"):
        assert sum(file in line for line in lines) == 1
    assert "3 images could not be read: left out, see above." in lines


def test_training_ends_with_an_error_where_nothing_can_be_read(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    for mask in (dataset / "masks").iterdir():
        mask.write_bytes(b"no mask")
    done = _run("train", dataset, "--out", tmp_path / "new", "--start", start, "--steps", 2, *SMALL)
    assert done.exit_code == 1
    assert all(f"p{index}.png" in done.stderr for index in range(4))
    assert "None of the labelled images can be read" in done.stderr
    assert not list(tmp_path.glob("new*"))


def test_a_run_resumes_only_as_it_was_begun(dataset: Path, start: Path, tmp_path: Path) -> None:
    common = ("--start", start, "--run-folder", tmp_path / "run", *SMALL)
    assert _run("train", dataset, "--out", tmp_path / "a", "--steps", 2, *common).exit_code == 0
    other = _run("train", dataset, "--out", tmp_path / "b", "--steps", 3, "--resume", *common)
    assert other.exit_code == 1
    assert "another recipe" in other.stderr
    words = ("train", dataset, "--out", tmp_path / "b", "--steps", 2, "--resume", *common)
    other = _run(*words, "--classes", "disc")  # its best mean would be that of all classes
    assert (other.exit_code, "another mean_over" in other.stderr) == (1, True)
    again = _run("train", dataset, "--out", tmp_path / "b", "--steps", 2, "--resume", "--json", *common)
    assert again.exit_code == 0, again.stderr
    assert read_card(tmp_path / "a").id == read_card(tmp_path / "b").id


@pytest.mark.parametrize("held_out", [True, False])
def test_a_run_that_diverges_is_told_to_learn_slower(
    dataset: Path, start: Path, tmp_path: Path, held_out: bool
) -> None:
    """In its first step, whose loss still is a number; what it leaves is not written."""
    if not held_out:
        (dataset / "val.txt").write_text("")
    rates = [word for part in ("head", "trunk", "skip") for word in ("--set", f"{part}_rate=1e30")]
    words = ("--start", start, "--steps", 1, "--set", "warm_up_steps=0", *rates, *SMALL)
    done = _run("train", dataset, "--out", tmp_path / "new", *words)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == "The loss is no longer a number: train again with a lower rate."
    assert not list(tmp_path.glob("new*"))


def test_a_place_that_cannot_be_written_is_told_before_the_first_step(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    (tmp_path / "folder.safetensors").mkdir()
    common = ("--start", start, "--steps", 1, "--run-folder", tmp_path / "run", *SMALL)
    for out in (tmp_path / "taken" / "m", tmp_path / "folder", tmp_path / ("n" * 300)):
        done = _run("train", dataset, "--out", out, *common)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        assert out.name[:20] in done.stderr or "taken" in done.stderr
        assert not (tmp_path / "run").exists()  # nothing has begun
    assert not list(tmp_path.glob(".fcn-studio-*"))
    (tmp_path / "run" / "log.jsonl").mkdir(parents=True)
    done = _run("train", dataset, "--out", tmp_path / "new", *common)
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1), done.output
    assert "log.jsonl could not be written" in done.stderr or "read-only" in done.stderr


def test_the_file_that_is_named_is_the_file_that_was_written(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    words = ("train", dataset, "--start", start, "--steps", 1, *SMALL)
    done = _run(*words, "--out", tmp_path / "m2.txt", "--json")
    assert json.loads(done.stdout)["checkpoint"] == str(tmp_path / "m2.txt.safetensors")
    assert Path(json.loads(done.stdout)["checkpoint"]).is_file()
    done = _run(*words, "--out", tmp_path / "m3")
    assert f"{tmp_path / 'm3.safetensors'}: 1 step in" in done.stderr


def test_a_checkpoint_that_is_there_is_replaced_only_when_asked(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    words = ("train", dataset, "--out", tmp_path / "new", "--start", start, "--steps", 1, *SMALL)
    assert _run(*words).exit_code == 0
    before = (tmp_path / "new.safetensors").read_bytes()
    done = _run(*words, "--seed", 1)
    assert done.exit_code == 2
    assert "new.safetensors is there already (fcn8s_mobilenet_v2, 2 classes, 1 step)" in done.stderr
    assert "--overwrite" in done.stderr
    assert (tmp_path / "new.safetensors").read_bytes() == before
    (dataset / "notes.json").write_text("[]")  # would become the card
    done = _run(*words[:3], dataset / "notes", *words[4:])
    assert (done.exit_code, (dataset / "notes.json").read_text()) == (2, "[]")
    done = _run(*words, "--seed", 1, "--overwrite", "--set", "start_counts=false", "--steps", 2)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "new.safetensors").read_bytes() != before


def test_a_run_that_can_be_gone_on_with_is_not_begun_anew(dataset: Path, start: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("train", dataset, "--start", start, "--steps", 2, "--run-folder", run, *SMALL)
    assert _run(*words, "--out", tmp_path / "a").exit_code == 0
    log = (run / "log.jsonl").read_text()
    done = _run(*words, "--out", tmp_path / "b")
    assert (done.exit_code, (run / "log.jsonl").read_text()) == (2, log)
    assert "holds an earlier run" in done.stderr
    state = torch.load(run / "state.pt", weights_only=True)
    torch.save({**state, "reason": "", "_step": 1}, run / "state.pt")  # as if it was cut off
    for more in ((), ("--overwrite",)):
        done = _run(*words, "--out", tmp_path / "b", *more)
        assert (done.exit_code, (run / "log.jsonl").read_text()) == (2, log)
        assert "holds an unfinished run: go on with --resume" in done.stderr
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "b.safetensors").write_bytes(b"another's")
    os.utime(tmp_path / "b.safetensors", (1, 1))
    done = _run(*words, "--out", tmp_path / "b", "--resume")  # not what this run has written
    assert done.exit_code == 2, done.output
    assert (tmp_path / "b.safetensors").read_bytes() == b"another's"
    done = _run(*words, "--out", tmp_path / "a", "--resume")  # its own
    assert done.exit_code == 0, done.stderr
    assert _run(*words, "--out", tmp_path / "a", "--overwrite").exit_code == 0


@pytest.mark.e2e
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_keeps_the_best_so_far(dataset: Path, start: Path, tmp_path: Path) -> None:
    words = ["train", dataset, "--out", tmp_path / "out", "--start", start, "--steps", 5000,
             "--run-folder", tmp_path / "run", *SMALL, "--json"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "fcn_studio", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    log = tmp_path / "run" / "log.jsonl"
    end = time.monotonic() + 90
    while time.monotonic() < end and not (log.exists() and '"loss"' in log.read_text()):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    result = json.loads(stdout)
    assert result["reason"] == "stopped"
    assert result["steps"] < 5000
    assert read_card(tmp_path / "out").id
    assert (tmp_path / "run" / "state.pt").exists()
