"""The embedded model's network: scores flow the same way for every class, and only so far."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.embedded import NAME, STAY, flow
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.layers import upsample_twice
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2
from fcn_studio.models.registry import create_model
from fcn_studio.models.surgery import make_fcn_from_deeplab, with_classes
from fcn_studio.models.weights import finer_scores

KEYS = ("background", "cat", "dog")


@pytest.fixture
def network() -> FcnNetwork:
    """Three classes, every weight random, its skips at work."""
    torch.manual_seed(0)
    model = create_model(NAME, len(KEYS)).eval()
    with torch.no_grad():
        model.score_layers()[0].weight.normal_(0, 0.3)
        for stride in (8, 4):
            skip = model.head.get_submodule(f"skip{stride}")
            skip.kernels.weight.normal_(0, 0.5)
            skip.score.weight.normal_(0, 0.1)
    return model


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 65, 81, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("option", [{"padding": "paper"}, {"upsampling": "unpool"}, {"score_width": 5}])
def test_options_that_it_does_not_have_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=rf"only one form of {NAME}: leave out {next(iter(option))}"):
        create_model(NAME, 2, **option)
    assert create_model(NAME, 2, merged="0,1+2").options == {"merged": "0,1+2"}


@pytest.mark.parametrize("reach", [1, 2])
def test_a_flow_is_the_weighted_mean_of_nine_cells(reach: int) -> None:
    random = torch.Generator().manual_seed(reach)
    scores = torch.randn(2, 3, 5, 6, generator=random)
    weights = torch.randn(2, 9, 5, 6, generator=random).softmax(dim=1)
    moved = flow(scores, weights, reach)
    for n, y, x in np.ndindex(2, 5, 6):
        expected = sum(
            weights[n, place, y, x]
            * scores[
                n,
                :,
                min(max(y + (place // 3 - 1) * reach, 0), 4),
                min(max(x + (place % 3 - 1) * reach, 0), 5),
            ]
            for place in range(9)
        )
        torch.testing.assert_close(moved[n, :, y, x], expected)


def test_no_class_is_favoured(network: FcnNetwork, picture: torch.Tensor) -> None:
    """Without the skips' own scores, classes that change places change places in the answer."""
    with torch.no_grad():
        for layer in network.score_layers()[1:]:
            layer.weight.zero_()
        turned = with_classes(network, KEYS, KEYS[::-1])
        torch.testing.assert_close(turned.scores(picture).flip(1), network.scores(picture))
        equal = network.scores(picture)
        network.score_layers()[0].bias += 1.0
        torch.testing.assert_close(network.scores(picture), equal + 1.0)


def test_other_classes_keep_the_borders(network: FcnNetwork, picture: torch.Tensor) -> None:
    with torch.no_grad():
        grown = with_classes(network, KEYS, (*KEYS, "cup"))
        torch.testing.assert_close(grown.scores(picture)[:, :3], network.scores(picture))
        assert not grown.scores(picture)[:, 3].any()


def test_it_begins_as_the_deep_scores_enlarged(picture: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = make_fcn_from_deeplab(create_model(NAME, 21), DeepLabMobileNetV2()).eval()
    with torch.no_grad():
        deep, _ = model.head.deep(model.trunk(picture))
        plain = upsample_twice(upsample_twice(deep))
        staying = functional.cosine_similarity(model.scores(picture), plain)
    assert staying.min() > 0.98
    assert np.exp(STAY) / (np.exp(STAY) + 8) > 0.94


def test_a_look_at_coarse_strides_leaves_out_the_flow_of_finer_ones(
    network: FcnNetwork, picture: torch.Tensor
) -> None:
    state = network.state_dict()
    for name in finer_scores(state, 16):
        state[name] = torch.zeros_like(state[name])
    assert {name.rsplit(".", 1)[0] for name in finer_scores(state, 8)} == {
        "head.skip4.kernels",
        "head.skip4.score",
    }
    network.load_state_dict(state)
    with torch.no_grad():
        deep, _ = network.head.deep(network.trunk(picture))
        plain = upsample_twice(upsample_twice(deep))
        assert functional.cosine_similarity(network.scores(picture), plain).min() > 0.98
