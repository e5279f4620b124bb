"""Evaluation counts what the paper counts, by class key."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, ImageReadError
from fcn_studio.core.ports import Sample
from fcn_studio.inference.evaluate import evaluate, make_channel_lut
from fcn_studio.inference.predictor import Predictor
from fcn_studio.models.spec import ModelSpec


class RedEngine:
    """Channel 0 "cat" where a pixel is dark, channel 1 "dog" where its red is bright; stride 1."""

    name = "red"
    spec = ModelSpec(
        name="r",
        architecture="none",
        class_keys=("cat", "dog"),
        class_names=("cat", "dog"),
        stride=1,
        pad_multiple=1,
        pad_remainder=0,
        minimum_size=1,
    )

    def scores(self, x):
        return np.stack([-x[0, 0], x[0, 0]])

    def close(self):
        pass


class Pictures:
    class_keys = class_names = ("dog", "ground", "cat")

    def __init__(self, samples):
        self._samples = samples

    def names(self, split):
        return tuple(self._samples)

    def read(self, name):
        sample = self._samples[name]
        if sample is None:
            raise ImageReadError(f"{name} is no image.")
        return sample


def make_sample(reds, labels, held_out=None):
    pixels = np.zeros((1, len(reds), 3), np.uint8)
    pixels[..., 0] = reds
    held = None if held_out is None else np.array([held_out], bool)
    return Sample("s", pixels, np.array([labels], np.uint8), held_out=held)


def run(source, names=None, **options):
    steps = evaluate(source, names or source.names("all"), Predictor(RedEngine()), **options)
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def test_channels_are_matched_to_classes_by_key():
    matrix, seen = run(Pictures({"a": make_sample([255, 255, 0, 0, 0], [0, 1, 2, 0, 255])}))
    np.testing.assert_array_equal(matrix.counts, [[1, 0, 1], [1, 0, 0], [0, 0, 1]])
    assert [(step.name, step.done, step.total, step.error) for step in seen] == [("a", 1, 1, None)]


def test_a_channel_that_the_labels_lack_is_a_miss():
    source = Pictures({"a": make_sample([255, 0], [0, 0])})
    source.class_keys = source.class_names = ("dog", "ground", "cow")
    matrix, _ = run(source)
    metrics = matrix.compute_metrics(source.class_names)
    assert metrics.pixel_accuracy == 0.5
    assert metrics.per_class_iou == {"dog": 0.5, "ground": None, "cow": None}


def test_only_held_out_pixels_count_when_asked():
    source = Pictures({"a": make_sample([255, 0], [0, 0], [True, False]), "b": make_sample([0], [2])})
    assert run(source, only_held_out=True)[0].counts.sum() == 2
    assert run(source)[0].counts.sum() == 3


def test_borders_are_measured_picture_by_picture_when_asked():
    source = Pictures(
        {
            "right": make_sample([255] * 4 + [0] * 4, [0] * 4 + [2] * 4),
            "off": make_sample([255] * 1 + [0] * 7, [0] * 5 + [2] * 3),
            "none": make_sample([0] * 4, [2] * 4),
        }
    )
    assert [step.boundary_f for step in run(source, boundary=True)[1]] == [1.0, 0.0, None]
    assert [step.boundary_f for step in run(source)[1]] == [None] * 3


def test_an_unreadable_picture_is_named_and_the_rest_is_counted():
    matrix, seen = run(Pictures({"a": None, "b": make_sample([0], [2])}))
    assert matrix.counts.sum() == 1
    assert "a is no image" in str(seen[0].error)
    assert seen[1].error is None


def test_it_can_be_cancelled_between_pictures():
    token = CancelToken()
    source = Pictures({"a": make_sample([0], [2]), "b": make_sample([0], [2])})
    steps = evaluate(source, ("a", "b"), Predictor(RedEngine()), cancel=token)
    next(steps)
    token.cancel()
    with pytest.raises(Cancelled):
        next(steps)


def test_the_lookup_gives_unknown_channels_no_class():
    assert list(make_channel_lut(("x", "b"), ("a", "b"))[:3]) == [255, 1, 255]
