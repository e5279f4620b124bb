"""Validation with the predictor that the screen uses, at the labels' own resolution."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.confusion import ConfusionMatrix, Metrics
from fcn_studio.core.errors import CheckpointError, InputError, TrainingError
from fcn_studio.core.ports import SampleSource
from fcn_studio.inference.evaluate import evaluate
from fcn_studio.inference.predictor import Predictor
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec
from fcn_studio.training.basis import Basis
from fcn_studio.training.deck import Deck
from fcn_studio.training.distill import Teaching
from fcn_studio.training.events import Progress, Validated
from fcn_studio.training.left_out import Unreadable

DIVERGED = "The loss is no longer a number: train again with a lower rate."


@dataclass(frozen=True)
class Examination:
    """Which samples are predicted; of those with held-out strokes only the held-out labels count.

    strokes: how many held-out strokes each sample has, 0 where the whole image is held out.
    """

    source: SampleSource
    strokes: Mapping[str, int]
    unreadable: Unreadable

    @property
    def names(self) -> tuple[str, ...]:
        """The samples that can be read, as far as is known."""
        return tuple(name for name in self.strokes if name not in self.unreadable)

    @property
    def basis(self) -> Basis:
        """How much the figures rest on; a source holds out whole images or single strokes, never both."""
        strokes = sum(self.strokes[name] for name in self.names)
        return Basis(strokes=strokes) if strokes else Basis(images=len(self.names))

    def metrics(
        self, model: FcnNetwork, spec: ModelSpec, device: str, only: Sequence[str] | None = None
    ) -> Generator[None, None, Metrics]:
        """Figures by class key; the means run over ``only``, or else over the classes that are labelled here.

        Pauses after every image. A class that the network lacks counts zero (all its pixels are missed).
        An image that cannot be read any more is left out, of later measurements too.
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
                self.unreadable.add(image.name, image.error)
            yield
        keys = self.source.class_keys
        labelled = matrix.counts.sum(axis=1) + matrix.missed > 0
        chosen = [key for key, there in zip(keys, labelled, strict=True) if there]
        if only is not None and self.names and not set(only) & set(chosen):
            named = " or ".join(only)
            raise TrainingError(f"No validation pixel is labelled as {named}: choose other --classes.")
        return matrix.compute_metrics(keys, chosen if only is None else only)

    def validated(
        self, model: FcnNetwork, spec: ModelSpec, device: str, step: int, only: Sequence[str] | None = None
    ) -> Generator[None, None, Validated]:
        """The figures as an event of the loop.

        Raises TrainingError where nothing is left to measure on, or the steps have led to scores that are no
        numbers.
        """
        try:
            found = yield from self.metrics(model, spec, device, only)
        except CheckpointError as error:
            if not step:  # the start itself
                raise
            raise TrainingError(DIVERGED) from error
        if not self.names:
            raise TrainingError("Nothing that is held out can be read any more: mend it, then train again.")
        return Validated(step, found.mean_iou, found.per_class_iou)


def choose_examination(source: SampleSource, limit: int, unreadable: Unreadable) -> Examination | None:
    """What a run is measured on: the source's "val" images, else held-out pixels of "train", else nothing.

    Reads them all once: what cannot be read goes to ``unreadable``, what shows no label has no part.
    """
    wanted = source.names("val")
    strokes: dict[str, int] = {}
    for name in spread(wanted, limit) if wanted else source.names("train"):
        try:
            sample = source.read(name)
        except InputError as error:
            unreadable.add(name, error)
            continue
        if sample.held_out is None:
            strokes.update({name: 0} if wanted and (sample.labels != UNLABELLED).any() else {})
        elif (sample.held_out & (sample.labels != UNLABELLED)).any():
            strokes[name] = max(1, sample.held_out_strokes)
    chosen = {name: strokes[name] for name in spread(tuple(strokes), limit)}
    return Examination(source, chosen, unreadable) if chosen else None


def measure_progress(
    deck: Deck, teaching: Teaching, model: FcnNetwork, spec: ModelSpec, device: str
) -> Generator[None, None, Progress]:
    """What a network has learnt of the deck's labels, and kept of the teacher's word in the worst image.

    Channels are the deck's.

    Pauses after every image. Raises TrainingError where its scores are no numbers.
    """
    predictor = Predictor(TorchEngine(model, spec, device))
    matrix = ConfusionMatrix(len(spec.class_keys))
    kept = 1.0
    for index, picture in deck.pictures(deck.indices):
        pixels = np.ascontiguousarray(picture.pixels.numpy().transpose(1, 2, 0))
        try:
            channels = predictor.predict(pixels).channels
        except CheckpointError as error:
            raise TrainingError(DIVERGED) from error
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
