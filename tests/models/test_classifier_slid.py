"""A classifier made convolutional says at every cell what the classifier says of that window; in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign
from fcn_studio.models.registry import create_model

torchvision = pytest.importorskip("torchvision")

FC, CLASSES = 8, 5
# name: torchvision's padding of the first layer is so many pixels less than ours; window in cells of pool5
FRAMES = {"alexnet": (2, 6), "vgg11": (3, 7), "vgg11_bn": (3, 7)}


def _classifier(name: str) -> nn.Module:
    """torchvision's own network with small linear layers, random in weights and statistics."""
    torch.manual_seed(0)
    net = torchvision.models.get_model(name, weights=None, num_classes=CLASSES)
    cells = FRAMES[name][1] ** 2
    sizes = iter([(net.features[-3].out_channels if name == "alexnet" else 512) * cells, FC, FC, CLASSES])
    before = next(sizes)
    for index, layer in enumerate(net.classifier):
        if isinstance(layer, nn.Linear):
            after = next(sizes)
            net.classifier[index] = nn.Linear(before, after)
            before = after
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return net.double().eval()


def _convolutional(name: str, net: nn.Module) -> FcnNetwork:
    model = create_model(f"fcn32s_{name}", CLASSES, fc_channels=FC).double()
    load_foreign(model, net.state_dict())
    with torch.no_grad():
        model.score_layers()[0].weight.copy_(net.classifier[6].weight[:, :, None, None])
        model.score_layers()[0].bias.copy_(net.classifier[6].bias)
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("name", FRAMES)
def test_the_dense_output_is_the_classifier_slid_over_the_image(name: str) -> None:
    frame, window = FRAMES[name]
    net = _classifier(name)
    model = _convolutional(name, net)
    hw = (model.padded_size(200), model.padded_size(240))
    x = torch.randn(1, 3, *hw, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = model.scores(x)

    pooled = functional.pad(net.features(functional.pad(x, [frame] * 4)), [3] * 4)
    slid = [
        [
            _said_of(net, pooled[..., row : row + window, column : column + window])
            for column in range(found.shape[3])
        ]
        for row in range(found.shape[2])
    ]
    expected = torch.stack([torch.stack(row, dim=-1) for row in slid], dim=-2)
    assert found.shape == expected.shape
    assert float(expected.std()) > 1e-3
    assert torch.allclose(found, expected, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("name", FRAMES)
def test_a_cell_that_sees_one_whole_picture_says_what_torchvision_says_of_it(name: str) -> None:
    """Its forward pass as it is, adaptive pooling included, which does nothing at this size."""
    frame, _ = FRAMES[name]
    net = _classifier(name)
    model = _convolutional(name, net)
    side = 32 * 6 + model.pad_remainder
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = model.scores(x)
    assert found.shape[-2:] == (7, 7)
    assert torch.allclose(found[..., 3, 3], net(functional.pad(x, [frame] * 4)), atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_networks_that_end_in_a_mean_lose_it_and_their_linear_layer(name: str) -> None:
    """Mean and linear layer over the dense scores give back the classifier."""
    torch.manual_seed(0)
    settings = {"aux_logits": True, "init_weights": True} if name == "googlenet" else {}
    net = torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **settings).double().eval()
    model = create_model(f"fcn32s_{name}", CLASSES, weights=net.state_dict()).double().eval()
    layer = model.score_layers()[0]
    layer.weight.copy_(net.fc.weight[:, :, None, None])
    layer.bias.copy_(net.fc.bias)
    x = torch.randn(1, 3, 97, 129, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    if name == "googlenet":  # its poolings round up; ours are padded: here both have the same windows
        for pool in ("maxpool1", "pool8", "pool16"):
            setattr(model.trunk, pool, nn.MaxPool2d(3, 2, ceil_mode=True))
        model.trunk.pool32 = nn.MaxPool2d(2, 2, ceil_mode=True)
    assert torch.allclose(model.scores(x).mean(dim=(2, 3)), net(x), atol=1e-9)


def test_weights_that_do_not_fit_are_named() -> None:
    model = create_model("fcn32s_alexnet", fc_channels=FC)
    state = dict(_classifier("alexnet").state_dict())
    with pytest.raises(CheckpointError, match=r"fc6\.weight.*8x256x6x6.*16x256x6x6.*fc_channels"):
        load_foreign(create_model("fcn32s_alexnet", fc_channels=16), state)
    state["features.3.weight"][0] = float("nan")
    with pytest.raises(CheckpointError, match=r"'features\.3\.weight' holds values that are no numbers"):
        load_foreign(model, state)
    del state["features.3.weight"]
    with pytest.raises(CheckpointError, match=r"lacks the weight 'trunk\.features\.3\.weight'"):
        load_foreign(model, state)


def test_a_file_of_features_alone_leaves_fc6_and_fc7_as_they_were() -> None:
    model = create_model("fcn32s_alexnet", fc_channels=FC)
    before = model.trunk.state_dict()["classifier.fc6.weight"].clone()
    state = {k: v.float() for k, v in _classifier("alexnet").state_dict().items() if k.startswith("features")}
    load_foreign(model, state)
    assert torch.equal(model.trunk.state_dict()["features.0.weight"], state["features.0.weight"])
    assert torch.equal(model.trunk.state_dict()["classifier.fc6.weight"], before)


def _said_of(net: nn.Module, cells: Tensor) -> Tensor:
    said: Tensor = net.classifier(torch.flatten(cells, 1))
    return said
