"""Whatever is registered can be built, trained, stored, exported and predicts; a new entry gets all of it."""

from __future__ import annotations

import warnings
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.checkpoint import load_checkpoint, make_card, round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.reach import compute_reach
from fcn_studio.models.registry import architectures, create_model, heads_of, trunks
from fcn_studio.models.trunks.trunk import Trunk
from fcn_studio.models.upsampling import UPSAMPLINGS
from fcn_studio.models.weights import read_state

pytestmark = pytest.mark.timeout(900)  # seconds each on a quiet machine; some networks are large

KEYS = ("background", "cat", "dog")
TRUNKS = {entry.name: entry for entry in trunks()}
HEADED = {f"{head}_{name}" for name, entry in TRUNKS.items() for head in heads_of(entry)}
WHOLE = sorted(set(architectures()) - HEADED)
SMALL = ("alexnet", "mobilenet_v2")
"""The two smallest trunks: they meet every head, upsampling and padding in quick runs too."""

Case = tuple[str, str, str]


def _cases(names: list[str]) -> list[Case]:
    """(network, upsampling, padding) of every head on these trunks, as far as it exists."""
    heads = [(f"{head}_{name}", TRUNKS[name].paper) for name in names for head in heads_of(TRUNKS[name])]
    return [
        (name, upsampling, padding)
        for (name, paper), upsampling, padding in product(heads, UPSAMPLINGS, ("same", "paper"))
        if padding == "same" or paper is not None
    ]


def _one_head(name: str) -> str:
    return f"fcn8s_{name}"


@pytest.mark.parametrize("name", [*(_one_head(name) for name in TRUNKS), *WHOLE])
def test_every_trunk_with_one_head(name: str, tmp_path: Path) -> None:
    _check(_make(name), tmp_path)


@pytest.mark.parametrize(("name", "upsampling", "padding"), _cases(list(SMALL)))
def test_every_head_upsampling_and_padding_on_the_smallest_trunks(
    name: str, upsampling: str, padding: str, tmp_path: Path
) -> None:
    _check(_make_if_it_exists(name, upsampling, padding), tmp_path)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fcn8s_mobilenet_v2+fcn8s_resnet18", {}),
        ("fcn16s_alexnet", {"merged": "1,0+3,2"}),
        ("fcn4s_mobilenet_v2", {"score_width": 8}),
    ],
)
def test_sums_merged_classes_and_wide_scores(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    _check(_make(name, **options), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "upsampling", "padding"), _cases([name for name in TRUNKS if name not in SMALL])
)
def test_the_full_product(name: str, upsampling: str, padding: str, tmp_path: Path) -> None:
    _check(_make_if_it_exists(name, upsampling, padding), tmp_path)


@pytest.mark.parametrize("name", TRUNKS)
def test_cells_lie_where_the_layers_put_them(name: str) -> None:
    """What a trunk says of itself is what its layers do, read off them without data."""
    trunk = TRUNKS[name].builder(8)
    found = compute_reach(trunk.to("meta"), (trunk.minimum_size, trunk.minimum_size + trunk.pad_multiple))
    for stride, grid in trunk.grids.items():
        rows, columns = found[stride].grids
        assert (rows.start, rows.jump, rows.field_px) == (grid.start, grid.jump, grid.field_px), stride
        assert (columns.start, columns.jump) == (grid.start, grid.jump), stride
    assert trunk.exact_tiling == all(reach.exact for reach in found.values())


@pytest.mark.parametrize("name", TRUNKS)
def test_maps_have_the_cells_and_channels_that_are_said(name: str) -> None:
    trunk: Trunk = TRUNKS[name].builder(8).to("meta").eval()
    hw = (trunk.minimum_size, trunk.minimum_size + 2 * trunk.pad_multiple)
    features = trunk(torch.zeros(1, 3, *hw, device="meta"))
    assert set(features) == set(TRUNKS[name].strides) == set(trunk.grids)
    for stride, grid in trunk.grids.items():
        assert features[stride].shape == (1, trunk.channels[stride], *(grid.cells(n) for n in hw)), stride


def _make(name: str, **options: Any) -> FcnNetwork:
    torch.manual_seed(0)
    model = create_model(name, len(KEYS), fc_channels=8, **options)
    with torch.no_grad():
        for layer in model.score_layers():  # zero at the start: nothing before them would get a gradient
            layer.weight.normal_(0, layer.in_channels**-0.5)
    return model


def _make_if_it_exists(name: str, upsampling: str, padding: str) -> FcnNetwork:
    try:
        return _make(name, upsampling=upsampling, padding=padding)
    except CheckpointError as error:
        if padding == "same":
            raise
        pytest.skip(error.user_message)


def _check(model: FcnNetwork, folder: Path) -> None:
    _check_training(model)
    model = round_trip(model.eval())
    _check_sizes(model)
    spec = save_checkpoint(
        folder / "net", model, make_card(model, name="net", class_keys=KEYS, class_names=KEYS)
    )
    loaded, card = load_checkpoint(folder / "net")
    assert card == spec
    assert (card.architecture, card.options) == (model.name, model.options)
    x = torch.randn(1, 3, *card.padded_hw((33, 47)), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        found, expected = loaded.scores(x), model.scores(x)  # the one loaded is in another memory format
        assert float((found - expected).abs().max()) < 1e-4 * max(1.0, float(expected.abs().max()))
    assert set(read_state(folder / "net")) <= set(loaded.state_dict())
    _check_export(loaded, card)


def _check_training(model: FcnNetwork) -> None:
    """A gradient for every parameter, and a loss that falls on one image (twice, for batch norm)."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 3, 33, 47, generator=generator).expand(2, -1, -1, -1)
    labels = torch.ones(2, 33, 47, dtype=torch.long)
    labels[:, :, :12] = 0
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()  # which units are dropped moves the loss more than a small step does
    losses = []
    for _ in range(3):
        loss = functional.cross_entropy(model(x), labels)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
        dead = [
            name
            for (name, _), gradient in zip(model.named_parameters(), gradients, strict=True)
            if gradient is None or not gradient.isfinite().all()
        ]
        assert not dead
        slope = sum(float(gradient.square().sum()) for gradient in gradients)
        # A step that would lower a straight loss by a twentieth, whatever the network's scale.
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.05 * losses[0] / slope * gradient
    assert losses[-1] < losses[0], losses
    groups = [*model.trunk_parameters(), *model.head_parameters(), *model.skip_parameters()]
    assert {id(p) for p in groups} == {id(p) for p in model.parameters()}
    assert len(groups) == len({id(p) for p in groups})


def _check_sizes(model: FcnNetwork) -> None:
    for hw in ((33, 47), (1, 70), (96, 64)):
        with torch.inference_mode():
            found = model(torch.zeros(1, 3, *hw))
        assert found.shape == (1, len(KEYS), *hw)
        assert found.dtype == torch.float32
        assert found.isfinite().all()


def _check_export(model: FcnNetwork, spec: Any) -> None:
    """The graph equals torch at sizes it was not traced with."""
    pytest.importorskip("onnxruntime")
    from fcn_studio.inference.export_onnx import check_export, export_scores

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = export_scores(model, spec)
        assert check_export(graph, model, spec) < 1e-3
