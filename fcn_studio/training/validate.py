"""Validation with the predictor that the screen uses, at the labels' own resolution."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.confusion import ConfusionMatrix, Metrics
from fcn_studio.core.errors import InputError
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.evaluate import evaluate
from fcn_studio.inference.predictor import Predictor
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.basis import Basis
from fcn_studio.training.deck import Deck, LeaveOut
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Progress, Validated


@dataclass(frozen=True)
class Examination:
    """Which samples are predicted; of those with held-out strokes only the held-out labels count."""

    source: SampleSource
    names: tuple[str, ...]
    basis: Basis

    def metrics(
        self, model: FcnNetwork, spec: ModelSpec, device: str, only: Sequence[str] | None = None
    ) -> Generator[None, None, Metrics]:
        """Figures by class key; the means run over ``only``, or else over the classes that are labelled here.

        Pauses after every image. A class that the network lacks counts zero (all its pixels are missed).
        An image that cannot be read any more is an error here: a run must not change what it is measured on.
        """
        predictor = Predictor(TorchEngine(model, spec, device))
        walk = evaluate(self.source, self.names, predictor, only_held_out=True)
        while True:
            try:
                image = next(walk)
            except StopIteration as end:
                matrix: ConfusionMatrix = end.value
                break
            if image.error is not None:
                raise image.error
            yield
        keys = self.source.class_keys
        labelled = matrix.counts.sum(axis=1) + matrix.missed > 0
        chosen = [key for key, there in zip(keys, labelled, strict=True) if there]
        return matrix.compute_metrics(keys, chosen if only is None else only)

    def validated(
        self, model: FcnNetwork, spec: ModelSpec, device: str, step: int, only: Sequence[str] | None = None
    ) -> Generator[None, None, Validated]:
        """The figures as an event of the loop."""
        found = yield from self.metrics(model, spec, device, only)
        return Validated(step, found.mean_iou, found.per_class_iou)


def choose_examination(
    source: SampleSource, limit: int, leave_out: LeaveOut | None = None
) -> Examination | None:
    """What a run is measured on: the source's "val" images, else held-out pixels of "train", else nothing.

    leave_out: is told of "val" images that cannot be read; None = their errors are raised.
    """
    wanted = source.names("val")
    names = spread(wanted, limit)
    if leave_out is not None:
        names = tuple(name for name in names if _can_read(source, name, leave_out))
    if not wanted:
        names = spread([name for name in source.names("train") if _holds_out(source, name)], limit)
    return Examination(source, names, _find_basis(source, names)) if names else None


def _can_read(source: SampleSource, name: str, leave_out: LeaveOut) -> bool:
    try:
        source.read(name)
    except InputError as error:
        leave_out(name, error)
        return False
    return True


def _find_basis(source: SampleSource, names: Sequence[str]) -> Basis:
    """A source holds out whole images or single strokes, never both."""
    if source.read(names[0]).held_out is None:
        return Basis(images=len(names))
    return Basis(strokes=sum(max(1, source.read(name).held_out_strokes) for name in names))


def measure_progress(
    deck: Deck, teaching: Teaching, model: FcnNetwork, spec: ModelSpec, device: str
) -> Generator[None, None, Progress]:
    """What a network has learnt of the deck's labels, and kept of the teacher's word in the worst image.

    Channels are the deck's.

    Pauses after every image.
    """
    predictor = Predictor(TorchEngine(model, spec, device))
    matrix = ConfusionMatrix(len(spec.class_keys))
    kept = 1.0
    for index in range(len(deck)):
        picture = deck.picture(index)
        pixels = np.ascontiguousarray(picture.pixels.numpy().transpose(1, 2, 0))
        channels = predictor.predict(pixels).channels
        matrix.add(picture.labels.numpy(), channels)
        same, counted = teaching.kept(index, torch.from_numpy(channels))
        kept = min(kept, same / counted) if counted else kept
        yield
    labelled = matrix.counts.sum(axis=1)
    right = np.diag(matrix.counts)[labelled > 0] / labelled[labelled > 0]
    return Progress(float(right.min()) if right.size else 0.0, kept)


def spread(names: Sequence[str], limit: int) -> tuple[str, ...]:
    """At most ``limit`` of the names, evenly spaced."""
    if len(names) <= limit:
        return tuple(names)
    return tuple(names[i] for i in np.linspace(0, len(names) - 1, limit).astype(int))


def _holds_out(source: SampleSource, name: str) -> bool:
    try:
        sample = source.read(name)
    except InputError:
        return False  # the deck has told of it
    return sample.held_out is not None and bool((sample.held_out & (sample.labels != UNLABELLED)).any())
