"""torchvision's segmentation networks: its own modules and names, so that its files load as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.geometry import Grid
from fcn_studio.models.heads import ScoreLayer
from fcn_studio.models.registry import BuildNetwork, Options, register_architecture
from fcn_studio.models.trunks.trunk import IMAGENET_MEAN, IMAGENET_STD


class _Facts(NamedTuple):
    """What cannot be read off the modules. Receptive field: fcn-reference 1.6, with head; 0: unbounded."""

    stride: int
    field_px: int
    exact_tiling: bool = False


NETWORKS = {
    "fcn_resnet50": _Facts(8, 443, exact_tiling=True),
    "fcn_resnet101": _Facts(8, 987, exact_tiling=True),
    "deeplabv3_resnet50": _Facts(8, 0),
    "deeplabv3_resnet101": _Facts(8, 0),
    "deeplabv3_mobilenet_v3_large": _Facts(16, 0),
    "lraspp_mobilenet_v3_large": _Facts(8, 0),
}


class TorchvisionNetwork(FcnNetwork):
    """One of ``NETWORKS``, its weights named as there: ``backbone``, ``classifier``, ``aux_classifier``.

    ``forward(x)``: torchvision's ``["out"]``, float32 [N, K, H, W]. ``outputs(x)``: its whole answer, with
    the auxiliary head's where there is one. A state dict decides about that head: it is there after loading
    one that has it, and gone after loading one that has not; a new network has none.

    torchvision stretches the scores over the picture, whatever its size. Where the size is a multiple of the
    stride, that is the same as cells on ``grid``; the card fills pictures up to such sizes.
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __init__(self, name: str, classes: int) -> None:
        nn.Module.__init__(self)
        self.options = {}
        self.kind, self._facts = name, NETWORKS[name]
        net = self._make(classes, aux=False)
        self.backbone, self.classifier = net.backbone, net.classifier
        self.aux_classifier: nn.Module | None = None
        self._take_rows(self.classifier, classes)
        self.register_load_state_dict_pre_hook(TorchvisionNetwork._follow)  # type: ignore[no-untyped-call]

    @staticmethod
    def _take_rows(head: nn.Module, classes: int) -> None:
        """Make the last layers of a head score layers: zero, and able to take other classes."""
        for name in ("4", "low_classifier", "high_classifier"):
            layer = getattr(head, name, None)
            if isinstance(layer, nn.Conv2d):
                setattr(head, name, ScoreLayer(layer.in_channels, classes))

    def _make(self, classes: int, *, aux: bool) -> Any:
        import torchvision

        build = getattr(torchvision.models.segmentation, self.kind)
        extra = {} if self.kind.startswith("lraspp") else {"aux_loss": aux}
        return build(weights=None, weights_backbone=None, num_classes=classes, **extra)

    def _follow(self, state_dict: Any, prefix: str, *_args: Any) -> None:
        """Before loading: have an auxiliary head where the state dict has one, and only there."""
        wanted = any(key.startswith(f"{prefix}aux_classifier.") for key in state_dict)
        if wanted == (self.aux_classifier is not None) or self.kind.startswith("lraspp"):
            return
        with torch.device("meta"):
            net = self._make(self.classes, aux=wanted)
        self.backbone.return_layers = net.backbone.return_layers
        self.aux_classifier = None
        if wanted:
            self._take_rows(net.aux_classifier, self.classes)
            like = self.score_layers()[0].weight
            self.aux_classifier = net.aux_classifier.to_empty(device=like.device).to(like.dtype)
            self.aux_classifier.train(self.training)

    def feed_with(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        self.mean, self.std = mean, std

    @property
    def grid(self) -> Grid:
        stride = self._facts.stride
        middle = (stride - 1) / 2
        return Grid(middle, stride, middle, self.receptive_field_px, stride)

    @property
    def pad_multiple(self) -> int:
        return self._facts.stride

    @property
    def pad_remainder(self) -> int:
        return 0

    @property
    def minimum_size(self) -> int:
        """Two cells of the deepest map: in training, batch norm needs more than one."""
        return 32

    @property
    def exact_tiling(self) -> bool:
        return self._facts.exact_tiling

    @property
    def receptive_field_px(self) -> int:
        """As far as the network's convolutions see; 0 where a pooling sees the whole picture."""
        return self._facts.field_px

    def scores(self, x: Tensor) -> Tensor:
        features = self.backbone(x)
        scores: Tensor = self.classifier(features if "low" in features else features["out"])
        return scores

    def pixels_of(self, x: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
        return _stretched(scores(x), x)

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """The answer of torchvision's module: "out" and, with an auxiliary head, "aux", each [N, K, H, W]."""
        features = self.backbone(x)
        scores = {"out": self.classifier(features if "low" in features else features["out"])}
        if self.aux_classifier is not None:
            scores["aux"] = self.aux_classifier(features["aux"])
        return {name: _stretched(value, x) for name, value in scores.items()}

    def score_layers(self) -> list[nn.Conv2d]:
        """Every layer with one row per class, the auxiliary one first, the finest that answers last."""
        layers = [layer for head in reversed(self._heads()) for layer in reversed(list(head.modules()))]
        return [layer for layer in layers if isinstance(layer, ScoreLayer)]

    def _heads(self) -> list[nn.Module]:
        return [head for head in (self.classifier, self.aux_classifier) if head is not None]

    def skip_parameters(self) -> list[nn.Parameter]:
        """Of LR-ASPP the score of the finer features, else none."""
        low = getattr(self.classifier, "low_classifier", None)
        return [] if low is None else list(low.parameters())

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters of the classifier, and of the auxiliary one where there is one, but for the skip's."""
        skips = set(self.skip_parameters())
        return [p for head in self._heads() for p in head.parameters() if p not in skips]

    def trunk_parameters(self) -> list[nn.Parameter]:
        """Parameters of the backbone."""
        return list(self.backbone.parameters())


def _stretched(scores: Tensor, x: Tensor) -> Tensor:
    """Scores over the whole of the picture ``x``, float32."""
    return functional.interpolate(scores.float(), size=x.shape[-2:], mode="bilinear", align_corners=False)


def _builder(name: str) -> BuildNetwork:
    def build(classes: int, options: Options) -> FcnNetwork:
        options.require_none(f"{name} is built as torchvision builds it")
        return TorchvisionNetwork(name, classes)

    return build


for _name in NETWORKS:
    register_architecture(_name, _builder(_name))
