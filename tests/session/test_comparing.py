"""A second checkpoint beside the active one: its answers for the open image, and never anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_studio.inference import engine as engines
from fcn_studio.inference.predictor import Predictor
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.weights import finer_scores
from tests.session.checkpoints import write_checkpoint
from tests.session.desk import Desk

pytestmark = pytest.mark.skipif(
    not engines.openvino_engine.is_installed(), reason="these tests ask OpenVINO for answers"
)


@pytest.fixture
def seeing(start: Callable[..., Desk], photos: Path) -> Desk:
    """The photos, the embedded network at work, and a checkpoint of the project that sees dogs everywhere."""
    write_checkpoint(photos.parent / "photos.fcnstudio", "photos 1", "dog")
    desk = start(networks=True)
    desk.open(photos)
    desk.session.classes.use_model_classes()
    desk.predicted()
    return desk


def compared(desk: Desk) -> None:
    desk.until(lambda: desk.document.comparison is not None)


def test_the_other_answer_comes_beside_the_first_and_leaves_it_alone(seeing: Desk) -> None:
    first = seeing.document.prediction
    told: list[str] = []
    seeing.session.events.comparison_changed.connect(told.append)
    seeing.session.comparing.choose("photos 1")
    compared(seeing)
    other = seeing.document.comparison
    assert other is not None
    assert {other.class_keys[channel] for channel in set(other.channels.ravel().tolist())} == {"dog"}
    assert seeing.document.prediction is first
    assert set(told) == {seeing.document.image_id}
    assert seeing.session.comparing.name == "photos 1"


def test_it_goes_along_to_the_next_image_and_ends_when_asked_to(seeing: Desk) -> None:
    seeing.session.comparing.choose("photos 1")
    compared(seeing)
    seeing.session.images.open("b.png")
    seeing.until(lambda: seeing.document.image_id == "b.png")
    compared(seeing)
    assert seeing.document.comparison.shape_hw == seeing.document.shape_hw
    seeing.session.comparing.choose(None)
    assert seeing.document.comparison is None
    assert seeing.session.comparing.chosen_id is None


def test_the_active_checkpoint_is_not_compared_with_itself(seeing: Desk) -> None:
    comparing = seeing.session.comparing
    assert [entry.id for entry in comparing.candidates] == ["photos 1", "embedded@16", "embedded@8"]
    comparing.choose("embedded")
    assert comparing.chosen_id is None
    comparing.choose("photos 1")
    seeing.session.shelf.activate("photos 1")
    assert comparing.chosen_id is None
    assert comparing.suggest().id == "embedded"  # its parent


def test_a_network_is_compared_with_its_own_coarse_strides(seeing: Desk) -> None:
    comparing = seeing.session.comparing
    view = comparing.candidates[1]
    assert view.name == "Only 1/16 of this network"
    comparing.choose(view.id)
    compared(seeing)
    network, spec = load_checkpoint(view.path)
    parameters = dict(network.named_parameters())
    for name in finer_scores(parameters, 16):
        parameters[name].data.zero_()
    coarse = Predictor(TorchEngine(network, spec)).predict(seeing.document.pixels)
    seen = seeing.document.comparison
    assert (seen.channels == coarse.channels).mean() > 0.999
    assert seen.checkpoint_id == seeing.document.prediction.checkpoint_id
    seeing.session.shelf.activate("photos 1")
    assert comparing.chosen_id is None  # it was a view of the network that was active
