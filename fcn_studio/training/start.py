"""What a run begins with: a network with the wanted classes, its card, and the one it is taught by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

from fcn_studio.core.errors import CheckpointError, UsageError
from fcn_studio.core.ports import SampleSource
from fcn_studio.models.checkpoint import load_checkpoint, make_card
from fcn_studio.models.delegating import DelegatingNetwork
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign
from fcn_studio.models.layers import pad_right_bottom, upsample_to_pixels
from fcn_studio.models.merging import MergedNetwork
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2, MobileNetV2Trunk
from fcn_studio.models.registry import Options, create_model
from fcn_studio.models.spec import ModelSpec, checkpoint_paths
from fcn_studio.models.sum import SumNetwork
from fcn_studio.models.surgery import VOC_KEYS, make_fcn_from_deeplab, read_deeplab, with_classes
from fcn_studio.training.batches import CELL_PX
from fcn_studio.training.checks import require_distinct
from fcn_studio.training.distill import Teaching
from fcn_studio.training.randomness import PrivateRandom
from fcn_studio.training.settings import Recipe

Teacher = FcnNetwork | DeepLabMobileNetV2
DEFAULT_ARCHITECTURE = "fcn8s_mobilenet_v2"
NO_WEIGHTS = "none"
TERMS = ("licence", "data_terms")  # of a card; a network made of several is bound by all of theirs


@dataclass(frozen=True)
class Start:
    """A network to begin with, its card, and another one that teaches it (None: it keeps to itself).

    ``is_new``: its head knows nothing yet, so that there is nothing to measure or to fall back to.
    """

    model: FcnNetwork
    spec: ModelSpec
    teacher: Teacher | None = None
    is_new: bool = False


def open_start(path: Path, source: SampleSource, architecture: str | None = None) -> Start:
    """The start of a run with the classes of ``source``: from a checkpoint of FCN Studio, or from the DeepLab
    weights, which then also teach. Rows of known class keys are kept. Raises CheckpointError, also when the
    checkpoint is of another architecture than the one named, TrainingError for a class listed twice."""
    require_distinct(source.class_keys)
    card_path = checkpoint_paths(path)[1]
    if card_path.exists() or not path.exists():  # which load_checkpoint tells best
        model, spec = load_checkpoint(path)
        if architecture not in (None, spec.architecture):
            raise CheckpointError(
                f"{path.name} is of the architecture {spec.architecture!r}, asked for is {architecture!r}: "
                "leave --architecture out, or begin a new network with --weights instead of --start."
            )
        model = with_classes(model, spec.class_keys, source.class_keys)
        return Start(model, child_card(spec, source))
    try:
        teacher = read_deeplab(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"{path.name} is no checkpoint of FCN Studio (no {card_path.name} lies beside it), nor the "
            "weights of DeepLab MobileNetV2: name the .safetensors file of one."
        ) from error
    name = architecture or DEFAULT_ARCHITECTURE
    model = make_fcn_from_deeplab(create_model(name, len(VOC_KEYS)), teacher)
    model = with_classes(model.eval(), VOC_KEYS, source.class_keys)
    return Start(model, _new_card(model, source), teacher if source.class_keys == VOC_KEYS else None)


def open_sum(paths: Sequence[Path], source: SampleSource) -> Start:
    """The start of a run from several checkpoints at once: a network whose scores are the mean of theirs.

    Raises CheckpointError, also where their options or their zoom differ.
    """
    starts = [open_start(path, source) for path in paths]
    first = starts[0].spec
    for path, start in zip(paths, starts, strict=True):
        if isinstance(start.model, DelegatingNetwork):
            raise CheckpointError(f"{path.name} is a sum itself or has united classes: it cannot be summed.")
        for key in ("options", "zoom"):
            if getattr(start.spec, key) != getattr(first, key):
                raise CheckpointError(
                    f"{key}: {paths[0].name} has {getattr(first, key)}, {path.name} has "
                    f"{getattr(start.spec, key)}: only networks that agree in it can be summed."
                )
    name = "+".join(start.spec.architecture for start in starts)
    model = create_model(name, len(source.class_keys), **first.options)  # type: ignore[arg-type]
    assert isinstance(model, SumNetwork)
    for path, part, start in zip(paths, model.parts, starts, strict=True):
        _take_part(part, start.model, path.name, 1 / len(starts))
    spec = msgspec.structs.replace(
        _new_card(model, source),
        zoom=first.zoom,
        class_colors=first.class_colors,
        parent=first.parent,
        **{word: _joined(getattr(start.spec, word) for start in starts) for word in TERMS},
    )
    return Start(model.eval(), spec)


@torch.no_grad()
def _take_part(part: FcnNetwork, model: FcnNetwork, name: str, share: float) -> None:
    """Fill a part of a sum with a network's weights; its scores count ``share``."""
    if (part.mean, part.std) != (model.mean, model.std):  # a sum's file has room for one way only
        raise CheckpointError(
            f"{name} wants its pixels otherwise (mean {model.mean}, std {model.std}) than {part.name} "
            "usually does: it cannot be part of a sum."
        )
    part.load_state_dict(model.state_dict())
    for layer in part.score_layers():
        layer.weight *= share
        if layer.bias is not None:
            layer.bias *= share


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def with_zoom(start: Start, zoom: float) -> Start:
    """The same start with pictures enlarged ``zoom`` times."""
    return replace(start, spec=msgspec.structs.replace(start.spec, zoom=zoom))


def make_start(
    architecture: str,
    source: SampleSource,
    *,
    options: Mapping[str, str | int] | None = None,
    weights: Sequence[str] = (),
    seed: int = 0,
) -> Start:
    """A new network with the classes of ``source``; what no file fills is random, by ``seed``.

    options: keywords of ``create_model``. weights: a file for the trunk (or for each part of "a+b"; "none"
    leaves one random). Raises CheckpointError, UsageError.
    """
    require_distinct(source.class_keys)
    chosen = dict(options or {})
    known = [field.name for field in fields(Options)]
    for name in chosen:
        if name not in known:
            raise UsageError(f"A network has no option {name!r}: use one of {', '.join(known)}.")
    with PrivateRandom(seed).lent():
        model = create_model(architecture, len(source.class_keys), **chosen)  # type: ignore[arg-type]
    inner = model.lead if isinstance(model, MergedNetwork) else model
    parts = inner.parts if isinstance(inner, SumNetwork) else [inner]
    if weights and len(weights) != len(parts):
        raise UsageError(f"{architecture} has {len(parts)} trunk(s): give --weights as often, or not at all.")
    for part, file in zip(parts, weights, strict=False):
        if file != NO_WEIGHTS:
            is_ours = isinstance(getattr(part, "trunk", None), MobileNetV2Trunk)
            load_foreign(part, read_deeplab(file).trunk.state_dict() if is_ours else file)
    return Start(model.eval(), _new_card(model, source), is_new=True)


def _new_card(model: FcnNetwork, source: SampleSource) -> ModelSpec:
    return make_card(model, name=model.name, class_keys=source.class_keys, class_names=source.class_names)


def child_card(parent: ModelSpec, source: SampleSource) -> ModelSpec:
    """The card of a network that starts from ``parent``: its geometry and terms, the source's classes."""
    colors = dict(zip(parent.class_keys, parent.class_colors or (), strict=False))
    known = all(key in colors for key in source.class_keys)
    return msgspec.structs.replace(
        parent,
        id="",
        class_keys=source.class_keys,
        class_names=source.class_names,
        class_colors=tuple(colors[key] for key in source.class_keys) if known else None,
        parent=parent.id,
        figures={},
        made="",
    )


def make_teaching(teacher: Teacher, spec: ModelSpec, recipe: Recipe, device: str) -> Teaching:
    """A Teaching that asks ``teacher`` about whole pictures, in the views that the recipe names.

    With more than one view the scores are the logarithm of the mean probability: what the teacher says of a
    picture is steadier over a few sizes and both mirrorings than of one.
    """
    mean, std = (torch.tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (spec.mean, spec.std))
    teacher = teacher.eval().to(device)
    views = [
        (scale, flip) for scale in recipe.distill_scales for flip in (False, True)[: recipe.distill_flips]
    ]
    on_cells = teacher.stride in (CELL_PX, 2 * CELL_PX) and spec.score_start == 0
    step = teacher.stride if on_cells else CELL_PX

    def scores_of(pixels: Tensor) -> Tensor:
        picture = ((pixels.float() - mean) / std)[None].to(device)
        padded_hw = spec.padded_hw((pixels.shape[1], pixels.shape[2]))
        if on_cells and views == [(1.0, False)]:
            x = pad_right_bottom(picture, padded_hw)
            return teacher.scores(x.contiguous(memory_format=torch.channels_last))[0]
        cells = tuple((size - 1) // step + 1 for size in padded_hw)
        found = [_look(teacher, spec, picture, scale, flip).softmax(dim=1) for scale, flip in views]
        mean_share = torch.stack(found).mean(dim=0)[..., ::step, ::step]
        fill = (0, cells[1] - mean_share.shape[3], 0, cells[0] - mean_share.shape[2])
        return functional.pad(mean_share, fill, mode="replicate").clamp(min=1e-7).log()[0]

    return Teaching(scores_of, step, recipe.distill_confidence, recipe.distill_clear_px)


def _look(teacher: Teacher, spec: ModelSpec, picture: Tensor, scale: float, flip: bool) -> Tensor:
    """Scores [1, K, H, W] of a picture [1, 3, H, W] as the teacher sees it scaled and mirrored."""
    height, width = picture.shape[-2:]
    hw = (max(1, round(height * scale)), max(1, round(width * scale)))
    view = (
        functional.interpolate(picture, size=hw, mode="bilinear", antialias=True) if scale != 1 else picture
    )
    view = pad_right_bottom(view.flip(-1) if flip else view, spec.padded_hw(hw))
    scores = teacher.scores(view.contiguous(memory_format=torch.channels_last))
    if isinstance(teacher, DeepLabMobileNetV2):
        scores = upsample_to_pixels(scores, teacher.stride, hw)
    else:
        scores = teacher.to_pixels(scores, hw)
    scores = scores.flip(-1) if flip else scores
    return functional.interpolate(scores, size=(height, width), mode="bilinear", align_corners=False)
