"""The predictor: sizes, geometry, cancelling; and the preparation it shares with training."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, CheckpointError
from fcn_studio.inference.predictor import Predictor
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.models import preprocess
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.spec import ModelSpec

KEYS = ("black", "white")


class BrightnessEngine:
    """An engine whose score for "white" is the brightness at each cell's own pixel."""

    name = "brightness"

    def __init__(self, **card):
        self.spec = ModelSpec(name="b", architecture="none", class_keys=KEYS, class_names=KEYS, **card)
        self.seen_hw = []

    def scores(self, x):
        self.seen_hw.append(x.shape[2:])
        at_cells = x[0, 0, :: self.spec.stride, :: self.spec.stride]
        return np.stack([-at_cells, at_cells]).astype(np.float32)

    def close(self):
        pass


@pytest.mark.parametrize("hw", [(1, 1), (1, 40), (40, 1), (17, 16), (33, 50)])
def test_every_size_gets_a_prediction_of_its_own_size(make_checkpoint, hw):
    network, spec = load_checkpoint(make_checkpoint(4))
    pixels = np.random.default_rng(0).integers(0, 256, (*hw, 3)).astype(np.uint8)
    prediction = Predictor(TorchEngine(network, spec)).predict(pixels)
    assert prediction.channels.shape == prediction.confidence.shape == hw
    assert prediction.channels.max() < 4
    assert prediction.checkpoint_id == spec.id
    assert prediction.exact


def test_the_prediction_is_the_argmax_of_the_network(make_checkpoint):
    network, spec = load_checkpoint(make_checkpoint(6))
    pixels = np.random.default_rng(1).integers(0, 256, (45, 61, 3)).astype(np.uint8)
    prediction = Predictor(TorchEngine(network, spec)).predict(pixels)
    with torch.inference_mode():
        full = network(torch.from_numpy(preprocess.normalize_pixels(pixels, spec))[None])[0]
    assert full.shape == (6, 45, 61)
    assert (prediction.channels == full.argmax(0).numpy()).mean() > 0.999
    probability = full.softmax(0).amax(0).numpy() * 255
    assert (prediction.confidence <= probability + 0.6).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 64), st.sampled_from((1.0, 1.5, 2.0)))
def test_a_bright_half_stays_in_its_place_at_any_scale(height, width, long_side, zoom):
    geometry = {"stride": 1, "pad_multiple": 1, "pad_remainder": 0, "minimum_size": 1}
    engine = BrightnessEngine(**geometry, long_side=long_side, zoom=zoom)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 255
    prediction = Predictor(engine).predict(pixels)
    off = np.abs(prediction.channels.astype(int).sum(1) - (width - width // 2))
    # Where the image is scaled down, the edge may move by half a pixel of the smaller picture.
    assert off.max() <= max(0, np.ceil(0.5 * max(height, width) / long_side))
    assert max(engine.seen_hw[0]) <= max(long_side, 1)


def test_padding_is_the_mean_colour_and_the_size_fits_the_card():
    spec = ModelSpec(name="p", architecture="none", class_keys=KEYS, class_names=KEYS, mean=(10, 20, 30))
    x, work_hw = preprocess.make_input(np.full((20, 30, 3), 255, np.uint8), spec)
    assert x.shape == (1, 3, 33, 33)
    assert work_hw == (20, 30)
    assert not x[0, :, 20:].any()
    assert not x[0, :, :, 30:].any()
    np.testing.assert_allclose(x[0, :, 0, 0], (255 - np.array([10, 20, 30])) / 127.5, rtol=1e-6)


def test_normalisation_is_that_of_torch_to_the_last_bit():
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    spec = ModelSpec(name="p", architecture="n", class_keys=KEYS, class_names=KEYS, mean=mean, std=std)
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    expected = torch.from_numpy(pixels).permute(2, 0, 1).float()
    expected = (expected - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    np.testing.assert_array_equal(preprocess.normalize_pixels(pixels, spec), expected.numpy())


def test_a_quick_look_works_on_a_smaller_picture_and_says_so():
    engine = BrightnessEngine(long_side=1025)
    predictor = Predictor(engine)
    pixels = np.zeros((100, 300, 3), np.uint8)
    quick = predictor.predict(pixels, long_side=64)
    assert max(engine.seen_hw[-1]) <= 65
    assert not quick.exact
    assert quick.channels.shape == (100, 300)
    assert predictor.predict(pixels, long_side=300).exact
    assert predictor.predict(pixels).exact
    assert predictor.is_exact((3000, 4000), 1025)


def test_a_card_with_zoom_enlarges_pictures_up_to_its_long_side():
    engine = BrightnessEngine(long_side=400, zoom=2.0)
    predictor = Predictor(engine)
    for hw, seen in (((50, 100), (100, 200)), ((100, 300), (133, 400)), ((200, 800), (100, 400))):
        prediction = predictor.predict(np.zeros((*hw, 3), np.uint8))
        assert prediction.channels.shape == hw
        assert engine.seen_hw[-1] == engine.spec.padded_hw(seen)
        assert prediction.exact
    assert not predictor.is_exact((50, 100), 150)
    assert predictor.is_exact((50, 100), 200)


def test_cancelling_ends_between_the_steps():
    token = CancelToken()
    token.cancel()
    engine = BrightnessEngine()
    with pytest.raises(Cancelled):
        Predictor(engine).predict(np.zeros((40, 40, 3), np.uint8), cancel=token)
    assert not engine.seen_hw

    class CancelledMeanwhile(BrightnessEngine):
        def scores(self, x):
            token_of_now.cancel()
            return super().scores(x)

    token_of_now = CancelToken()
    with pytest.raises(Cancelled):
        Predictor(CancelledMeanwhile()).predict(np.zeros((40, 40, 3), np.uint8), cancel=token_of_now)


def test_scores_that_are_no_numbers_are_named():
    class Broken(BrightnessEngine):
        def scores(self, x):
            return super().scores(x) * np.nan

    with pytest.raises(CheckpointError, match="no numbers"):
        Predictor(Broken()).predict(np.zeros((40, 40, 3), np.uint8))


def test_prediction_works_in_another_thread(make_checkpoint):
    network, spec = load_checkpoint(make_checkpoint(3))
    answers = []
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    thread = threading.Thread(
        target=lambda: answers.append(Predictor(TorchEngine(network, spec)).predict(pixels))
    )
    thread.start()
    thread.join(30)
    np.testing.assert_array_equal(
        answers[0].channels, Predictor(TorchEngine(network, spec)).predict(pixels).channels
    )
