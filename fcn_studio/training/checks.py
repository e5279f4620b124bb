"""What would spoil a run, found before anything runs."""

from __future__ import annotations

from collections import Counter

import torch

from fcn_studio.core.errors import TrainingError
from fcn_studio.core.ports import SampleSource
from fcn_studio.models.checkpoint import require_card
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec


def require_sound(model: FcnNetwork, spec: ModelSpec, source: SampleSource) -> None:
    """Raise TrainingError or CheckpointError naming the key of what does not fit; else do nothing."""
    require_distinct(source.class_keys)
    if spec.class_keys != source.class_keys or model.classes != len(source.class_keys):
        raise TrainingError(
            f"class_keys: the network has {model.classes} classes ({_few(spec.class_keys)}), the labels have "
            f"{len(source.class_keys)} ({_few(source.class_keys)}): begin with a network of those classes."
        )
    require_numbers(model)
    require_card(model, spec)


def require_distinct(class_keys: tuple[str, ...]) -> None:
    """Raise TrainingError when a class is listed twice."""
    twice = [key for key, count in Counter(class_keys).items() if count > 1]
    if twice:
        raise TrainingError(f"class_keys: {twice[0]!r} is listed twice: give each class its own key.")


def require_numbers(model: FcnNetwork) -> None:
    """Raise TrainingError when a weight or statistic is no finite number."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"{name}: this weight of the network to begin with holds values that are no numbers "
                "(NaN or infinite): begin with another checkpoint."
            )


def _few(keys: tuple[str, ...]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
