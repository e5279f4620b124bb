"""The teacher's MobileNetV2 as a trunk of the registry; with the embedded model's head on it."""

from __future__ import annotations

from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk
from fcn_studio.models.registry import Options, make_network, register_trunk
from fcn_studio.models.trunks.trunk import Trunk
from fcn_studio.models.window_head import WindowHead


def _with_window(trunk: Trunk, classes: int, finest: int, options: Options) -> FcnNetwork:
    """The names ``fcn*_mobilenet_v2`` keep meaning the embedded model's head; with ``score_width`` the
    paper's head, wide scores and all, stands on the same trunk."""
    if options.score_width:
        return make_network(trunk, classes, finest, options)
    return FcnNetwork(trunk, WindowHead(trunk, classes, finest, upsampling=options.upsampling))


register_trunk(
    "mobilenet_v2",
    lambda fc_channels: MobileNetV2Trunk(),  # noqa: ARG005
    kind="own",
    licence="Apache-2.0",
    weights="PASCAL VOC (google-coral DeepLabv3)",
    strides=(4, 8, 16),
    network=_with_window,
)
