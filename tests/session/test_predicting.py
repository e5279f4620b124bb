"""Predictions of the open image: never another's, from memory the second time, one notice when it fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.inference import engine as engines
from fcn_studio.inference import torch_engine
from fcn_studio.models.checkpoint import make_card, save_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.session import Phase
from tests.session.checkpoints import write_checkpoint
from tests.session.conftest import HW, write_image
from tests.session.desk import Desk

pytestmark = pytest.mark.skipif(
    not engines.openvino_engine.is_installed(), reason="these tests time and count what OpenVINO answers"
)


@pytest.fixture
def seeing(start: Callable[..., Desk], photos: Path) -> Desk:
    """The photos with the embedded network at work and the model's classes; a.png is predicted."""
    desk = start(networks=True)
    desk.open(photos)
    desk.session.classes.use_model_classes()
    desk.predicted()
    return desk


def test_the_overlay_follows_the_image_and_says_how_it_was_made(seeing) -> None:
    prediction = seeing.document.prediction
    assert prediction.channels.shape == prediction.confidence.shape == HW["a.png"]
    assert prediction.exact
    status = seeing.session.prediction.status
    assert status.phase is Phase.DONE
    assert status.milliseconds == pytest.approx(prediction.seconds * 1000)
    assert seeing.session.prediction.device_text == prediction.engine
    y, x = 10, 12
    info = seeing.document.value_at(y, x, seeing.session.classes.shown)
    assert info.predicted_id == prediction.channels[y, x]
    assert info.confidence == pytest.approx(prediction.confidence[y, x] / 255)
    assert info.label_id is None
    assert seeing.document.value_at(-1, 0, seeing.session.classes.shown) is None


def test_answers_for_images_that_were_left_are_dropped(seeing) -> None:
    changes = []

    def note(image_id: str) -> None:
        document = seeing.document
        changes.append(
            (image_id == document.image_id, document.prediction.channels.shape == document.shape_hw)
        )

    seeing.session.events.prediction_changed.connect(note)
    for image_id in ("b.png", "c.png", "a.png") * 5:
        seeing.show(image_id)
    seeing.show("c.png")
    seeing.predicted()
    seeing.settle()
    assert changes
    assert all(changes)
    assert seeing.document.prediction.channels.shape == HW["c.png"]


def test_an_answer_that_comes_in_behind_the_next_image_is_dropped(start, photos: Path) -> None:
    write_image(photos / "b.png", HW["a.png"], 9)  # of the same size: it would fit
    desk = start(networks=True)
    desk.open(photos)
    desk.predicted()
    workers, changed = desk.session._workers, []
    desk.settle()
    desk.hold(lambda: workers.device.idle)
    desk.session.images.open("b.png")
    desk.hold(lambda: workers.pool.idle)
    desk.session.prediction.set_device("cpu")  # asks about a.png again
    desk.hold(lambda: workers.device.idle)
    desk.session.events.prediction_changed.connect(changed.append)
    desk.until(lambda: desk.document.image_id == "b.png")
    desk.predicted()
    desk.settle()
    assert changed == ["b.png"]


def test_loading_torch_changes_nothing_where_there_is_no_gpu(seeing) -> None:
    pytest.importorskip("torch")
    if torch_engine.sees_cuda():
        pytest.skip("there is a GPU")
    before, engine = seeing.document.prediction, seeing.session.prediction.device_text
    seeing.session.teaching.request_warm_up()
    seeing.settle()
    seeing.hold(lambda: seeing.session._workers.device.idle)
    seeing.settle()
    seeing.hold(lambda: seeing.session._workers.device.idle)
    assert seeing.document.prediction is before
    assert not seeing.document.prediction_is_stale
    assert seeing.session.prediction.device_text == engine


@pytest.mark.gpu
def test_a_gpu_takes_over_once_torch_is_loaded(tmp_path: Path, photos: Path, cache_dir: Path) -> None:
    if not torch_engine.sees_cuda():
        pytest.skip("there is no GPU")
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.session.desk import Desk
desk = Desk(Path({str(tmp_path)!r}), Path({str(cache_dir)!r}), networks=True, settings={{}})
desk.open(Path({str(photos)!r}))
desk.predicted()
assert "torch" not in sys.modules
assert "OpenVINO" in desk.document.prediction.engine, desk.document.prediction.engine
desk.session.teaching.request_warm_up()
desk.until(lambda: "cuda" in desk.document.prediction.engine)
desk.show("b.png")
desk.predicted()
assert desk.session.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=170)


def test_the_second_visit_is_instant_and_asks_the_device_nothing(seeing) -> None:
    first = seeing.document.prediction
    seeing.show("b.png")
    seeing.predicted()
    seeing.until(lambda: seeing.session._workers.device.idle)
    seeing.settle()
    seeing.until(lambda: seeing.session._workers.device.idle)
    busy = []
    seeing.session.events.activity_changed.connect(busy.append)
    seeing.session.images.open("a.png")
    shown = []
    seeing.session.events.prediction_changed.connect(lambda image_id: shown.append(image_id))
    seeing.until(lambda: seeing.document.image_id == "a.png")
    assert shown == ["a.png"]
    assert seeing.document.prediction is first
    seeing.settle()
    assert not any("a.png" in label for label in busy)


def test_neighbours_are_there_before_they_are_opened(seeing) -> None:
    device = seeing.session._workers.device
    seeing.settle()
    seeing.until(lambda: device.idle)
    seeing.session.images.next()
    seeing.until(lambda: seeing.document.image_id == "b.png")
    assert seeing.document.prediction is not None


def test_after_a_restart_the_prediction_comes_from_the_disk(seeing, start, photos: Path) -> None:
    first = seeing.document.prediction
    assert seeing.session.close()
    again = start(networks=True)
    again.open(photos)
    again.predicted()
    assert (again.document.prediction.channels == first.channels).all()
    assert again.document.prediction.seconds == first.seconds  # the old answer, not a new one
    assert not again.session.prediction._engines._predictors


def test_a_changed_checkpoint_marks_the_old_answer_until_the_new_one_is_there(seeing, photos: Path) -> None:
    write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "horse")
    old = seeing.document.prediction
    seeing.session.shelf.activate("photos 1")
    assert seeing.document.prediction is old
    assert seeing.document.prediction_is_stale
    seeing.predicted()
    lut = seeing.document.make_prediction_lut(seeing.session.classes.shown)
    horse = seeing.session.classes.table.by_key("horse").id
    assert (lut[seeing.document.prediction.channels] == horse).all()
    seeing.session.shelf.activate("embedded")
    assert not seeing.document.prediction_is_stale  # remembered
    assert seeing.document.prediction is old


def test_a_missing_gpu_costs_one_notice_and_the_cpu_answers(
    start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    if torch_engine.sees_cuda():
        pytest.skip("this process has seen a GPU already")
    desk = start(networks=True, device="cuda")
    desk.open(photos)
    desk.predicted()
    desk.show("b.png")
    desk.predicted()
    desk.settle()
    assert len(desk.complaints) == 1
    assert "cuda" in desk.complaints[0]
    assert "CPU" in desk.complaints[0]
    assert desk.session.settings["device"] == "cuda"  # what the person wants is not forgotten


def test_broken_weights_on_the_shelf_fall_back_to_the_embedded_model(seeing, photos: Path) -> None:
    path = write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "horse")
    path.write_bytes(path.read_bytes()[:50_000])
    seeing.session.shelf.activate("photos 1")
    seeing.until(lambda: seeing.session.shelf.active.id == "embedded")
    seeing.predicted()
    assert len(seeing.complaints) == 1
    assert "embedded" in seeing.complaints[0]
    assert seeing.document.prediction is not None


def test_a_large_image_is_seen_coarsely_first(start, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "large").mkdir()
    pixels = np.zeros((1600, 2600, 3), np.uint8)
    pixels[::7, ::5] = 200
    Image.fromarray(pixels).save(tmp_path / "large" / "wide.bmp")
    desk = start(networks=True)
    exact = []
    desk.session.events.prediction_changed.connect(lambda _id: exact.append(desk.document.prediction.exact))
    desk.open(tmp_path / "large")
    desk.predicted()
    assert exact == [False, True]
    assert desk.document.prediction.channels.shape == (1600, 2600)


def test_the_first_overlay_needs_no_torch(tmp_path: Path, photos: Path, cache_dir: Path) -> None:
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.session.desk import Desk
desk = Desk(Path({str(tmp_path)!r}), Path({str(cache_dir)!r}), networks=True, settings={{}})
desk.open(Path({str(photos)!r}))
desk.predicted()
assert not {{"torch", "openvino_telemetry", "PySide6"}} & {{m for m in sys.modules if sys.modules[m]}}
assert desk.session.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def write_new_architecture(photos: Path, name: str) -> None:
    """A checkpoint "photos 1" on the shelf of a network that no graph is shipped for."""
    keys = ("background", "dog")
    model = create_model(name, len(keys))
    path = photos.parent / "photos.fcnstudio" / "checkpoints" / "photos 1.safetensors"
    save_checkpoint(path, model, make_card(model, name="photos 1", class_keys=keys, class_names=keys))


def test_a_new_architecture_gets_the_faster_engine_from_the_next_image_on(
    start: Callable[..., Desk], photos: Path
) -> None:
    write_new_architecture(photos, "fcn32s_resnet18")
    desk = start(networks=True)
    desk.open(photos)
    desk.session.classes.use_model_classes()
    desk.session.shelf.activate("photos 1")
    desk.predicted()
    assert desk.document.prediction.engine.startswith("torch")
    desk.settle()
    desk.until(lambda: desk.session._workers.device.idle)
    desk.session.prediction.request(desk.document, (), use_cache=False)
    desk.predicted()
    assert desk.document.prediction.engine.startswith("OpenVINO")
    assert not desk.complaints


def test_closing_does_not_wait_for_a_graph(start: Callable[..., Desk], photos: Path) -> None:
    write_new_architecture(photos, "fcn16s_resnet18")
    desk = start(networks=True)
    desk.open(photos)
    desk.session.shelf.activate("photos 1")
    desk.predicted()
    desk.until(lambda: desk.session.prediction._graphs._export is not None)
    process = desk.session.prediction._graphs._export._process
    assert desk.session.close(20)
    assert process.poll() is not None
