"""Predictions against labels: the confusion matrix of one split, picture by picture."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.boundary import compute_boundary_f
from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.confusion import ConfusionMatrix
from fcn_studio.core.errors import InputError
from fcn_studio.core.ports import Sample, SampleSource
from fcn_studio.inference.predictor import Predictor


@dataclass(frozen=True)
class Evaluated:
    """One picture is done (or could not be read: then `error` says why and it does not count).

    boundary_f: the picture's boundary F-score where it was asked for and there is any border, 0 to 1.
    """

    name: str
    done: int
    total: int
    error: InputError | None = None
    boundary_f: float | None = None


def evaluate(
    source: SampleSource,
    names: Sequence[str],
    predictor: Predictor,
    *,
    only_held_out: bool = False,
    boundary: bool = False,
    cancel: CancelToken | None = None,
) -> Generator[Evaluated, None, ConfusionMatrix]:
    """Predict the pictures `names` of a source and count; yields after each, returns the matrix.

    Rows and columns are `source.class_keys`. A channel of the network counts as the class of the same key;
    one that the source lacks is a miss of the true class. UNLABELLED pixels do not count.
    only_held_out: count only pixels that training did not see, in pictures that tell them apart.
    boundary: compute every picture's boundary F-score, too; borders between any two channels count.
    Raises Cancelled.
    """
    to_class = make_channel_lut(predictor.spec.class_keys, source.class_keys)
    matrix = ConfusionMatrix(len(source.class_keys))
    for done, name in enumerate(names, start=1):
        if cancel is not None:
            cancel.raise_if_cancelled()
        try:
            sample = source.read(name)
        except InputError as error:
            yield Evaluated(name, done, len(names), error)
            continue
        prediction = predictor.predict(sample.pixels, cancel=cancel)
        labels = _counted_labels(sample, only_held_out)
        matrix.add(labels, to_class[prediction.channels])
        score = compute_boundary_f(labels, prediction.channels) if boundary else None
        yield Evaluated(name, done, len(names), boundary_f=score)
    return matrix


def make_channel_lut(channel_keys: Sequence[str], class_keys: Sequence[str]) -> NDArray[np.uint8]:
    """uint8 [256]: channel -> index of the class of the same key, UNLABELLED where there is none."""
    lut = np.full(256, UNLABELLED, np.uint8)
    index = {key: position for position, key in enumerate(class_keys)}
    for channel, key in enumerate(channel_keys):
        lut[channel] = index.get(key, UNLABELLED)
    return lut


def _counted_labels(sample: Sample, only_held_out: bool) -> NDArray[np.uint8]:
    if not only_held_out or sample.held_out is None:
        return sample.labels
    return np.where(sample.held_out, sample.labels, np.uint8(UNLABELLED))
