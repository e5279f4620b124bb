"""Weights of other programs: the layout is recognised, the scores are theirs, and every misfit is said."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.checkpoint import load_checkpoint, make_card, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.foreign import load_foreign
from fcn_studio.models.foreign_files import read_foreign
from fcn_studio.models.growth import grow_head
from fcn_studio.models.paper import CAFFE_MEAN, PaperNetwork
from fcn_studio.models.registry import Options, TrunkEntry, create_model, make_network, trunks
from fcn_studio.models.trunks.trunk import IMAGENET_MEAN, IMAGENET_STD
from fcn_studio.models.trunks.vgg import DEPTHS, VggTrunk
from tests.models import paper_oracle as oracle

State = dict[str, Tensor]
PIXELS = torch.randint(0, 256, (1, 3, 40, 55), generator=torch.Generator().manual_seed(3)).double()


def _paper(stride: int = 8, classes: int = 3, **options: Any) -> PaperNetwork:
    network = PaperNetwork("vgg16", stride, classes, fc_channels=8, width=4, **options)
    return network.double().eval()


def _same(stride: int = 8, classes: int = 3) -> FcnNetwork:
    trunk = VggTrunk(DEPTHS[16], fc_channels=8, width=4)
    return make_network(trunk, classes, stride, Options()).double().eval()


def _fed(network: FcnNetwork, pixels: Tensor = PIXELS) -> Tensor:
    """RGB 0..255 as the card of ``network`` says."""
    mean, std = (torch.tensor(values).double().view(3, 1, 1) for values in (network.mean, network.std))
    return (pixels - mean) / std


def _caffe(pixels: Tensor) -> Tensor:
    """BGR 0..255 less the mean: what the released networks want (fcn-reference 7.4)."""
    return pixels.flip(1) - torch.tensor([104.00699, 116.66877, 122.67892]).double().view(3, 1, 1)


def _close(found: Tensor, expected: Tensor) -> bool:
    return float((found - expected).abs().max()) < 1e-6 * float(expected.abs().max())


@torch.no_grad()
@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("wrapped", [False, True])
def test_converted_caffe_weights_take_rgb_and_give_what_they_gave(stride: int, wrapped: bool) -> None:
    state, network = oracle.public_state(stride), _paper(stride)
    loaded = load_foreign(network, {"model_state_dict": state, "epoch": 3} if wrapped else state)
    assert (network.mean, network.std) == (CAFFE_MEAN, (1.0, 1.0, 1.0))
    assert network.card_geometry()["mean"] == CAFFE_MEAN
    assert _close(network(_fed(network)), oracle.forward(state, _caffe(PIXELS), stride))
    assert loaded.layout == "pytorch-fcn"
    assert not loaded.untouched
    assert all(name.startswith("upscore") for name in loaded.dropped)


@torch.no_grad()
@pytest.mark.parametrize("of_file", [False, True])
def test_the_scales_of_the_at_once_network_go_into_the_weights(of_file: bool) -> None:
    state, network = oracle.public_state(8), _paper(8, at_once=not of_file)
    load_foreign(network, state, at_once=of_file)
    scales = (0.01, 0.0001) if of_file else (1.0, 1.0)
    assert _close(network(_fed(network)), oracle.forward(state, _caffe(PIXELS), 8, scales=scales))


@torch.no_grad()
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_the_same_padding_takes_the_papers_weights(stride: int) -> None:
    state, network, paper = oracle.public_state(stride), _same(stride), _paper(stride)
    loaded = load_foreign(network, state)
    load_foreign(paper, state)
    assert not loaded.untouched
    assert set(loaded.dropped) == {f"{name}.weight" for name in oracle.DECONVS[stride]}
    own, theirs = network.score_layers(), paper.score_layers()
    assert len(own) == len(theirs)
    assert all(torch.equal(a.weight, b.weight) for a, b in zip(own, theirs, strict=True))
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    assert torch.equal(first.weight, state["conv1_1.weight"].flip(1))


def _semseg(state: State, prefix: str = "module.") -> State:
    """The names of pytorch-semseg, written out once more (fcn-reference 7.2)."""
    blocks = {1: 2, 2: 2, 3: 3, 4: 3, 5: 3}
    names = {f"conv{b}_{n + 1}": f"conv_block{b}.{2 * n}" for b, last in blocks.items() for n in range(last)}
    names |= {"fc6": "classifier.0", "fc7": "classifier.3", "score_fr": "classifier.6"}
    names["upscore_pool4"] = "upscore4"
    found = {}
    for key, value in state.items():
        layer, kind = key.split(".")
        found[f"{prefix}{names.get(layer, layer)}.{kind}"] = value
    return found


@torch.no_grad()
def test_semseg_with_deconvolutions_is_the_papers_network() -> None:
    state = oracle.public_state(8)
    for prefix in ("", "module."):
        network = _paper()
        loaded = load_foreign(network, {"model_state": _semseg(state, prefix)}, preprocessing="semseg")
        assert network.std == (255.0, 255.0, 255.0)
        assert _close(network(_fed(network)), oracle.forward(state, _caffe(PIXELS) / 255, 8))
        assert loaded.layout == "pytorch-semseg"
    load_foreign(network, _semseg(state), preprocessing="torchvision")
    assert (network.mean, network.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert _close(network(_fed(network)), oracle.forward(state, _fed(network), 8))


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_semseg_without_deconvolutions_is_refused_with_the_reason(stride: int) -> None:
    state = {key: value for key, value in oracle.public_state(stride).items() if "upscore" not in key}
    words = f"fcn{stride}s without deconvolutions.*do not lie on their pixels.*train fcn8s_vgg16 anew"
    with pytest.raises(CheckpointError, match=words):
        load_foreign(_paper(stride), _semseg(state), preprocessing="semseg")


def _small_vgg(seed: int = 0) -> State:
    """A file of torchvision's VGG16 with small channels."""
    generator = torch.Generator().manual_seed(seed)
    layers = torchvision.models.vgg.make_layers(
        [4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"]
    )
    sizes = {"classifier.0": (8, 32 * 49), "classifier.3": (8, 8), "classifier.6": (1000, 8)}
    state = {f"features.{key}": value for key, value in layers.state_dict().items()}
    for layer, (outputs, inputs) in sizes.items():
        state[f"{layer}.weight"] = torch.randn(outputs, inputs, generator=generator)
        state[f"{layer}.bias"] = torch.randn(outputs, generator=generator)
    return state


@torch.no_grad()
@pytest.mark.parametrize("make", [_paper, _same])
def test_a_classifier_fills_everything_below_the_scores(make: Callable[[], FcnNetwork]) -> None:
    state, network = _small_vgg(), make()
    loaded = load_foreign(network, state)
    assert loaded.dropped == ("classifier.6.weight", "classifier.6.bias")
    assert len(loaded.untouched) == 6
    assert all("score" in name for name in loaded.untouched)
    assert (network.mean, network.std) == (IMAGENET_MEAN, IMAGENET_STD)
    fc6 = next(layer for name, layer in network.named_modules() if name.endswith("fc6"))
    assert isinstance(fc6, nn.Conv2d)
    assert torch.equal(fc6.weight.float(), state["classifier.0.weight"].view(8, 32, 7, 7))
    convs = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert torch.equal(convs[12].weight.float(), state["features.28.weight"])


@pytest.mark.parametrize("make", [_paper, _same])
def test_a_file_of_features_alone_leaves_the_linear_layers(make: Callable[[], FcnNetwork]) -> None:
    """torchvision's IMAGENET1K_FEATURES: NaN in the classifier, pixels 0..255 less a mean, RGB."""
    state, network = _small_vgg(), make()
    state |= {key: value * torch.nan for key, value in state.items() if key.startswith("classifier")}
    loaded = load_foreign(network, state)
    assert network.std == (1.0, 1.0, 1.0)
    assert network.mean[0] == pytest.approx(0.48235 * 255)
    assert len(loaded.dropped) == 6
    assert {name.split(".")[-2] for name in loaded.untouched} >= {"fc6", "fc7"}


def test_alexnets_linear_layers_become_its_own_sizes() -> None:
    with torch.device("meta"):
        shapes = {
            key: value.shape for key, value in torchvision.models.AlexNet(num_classes=2).state_dict().items()
        }
    small = {"classifier.1.weight": (8, 9216), "classifier.4.weight": (8, 8)}
    small |= {"classifier.1.bias": (8,), "classifier.4.bias": (8,)}
    generator = torch.Generator().manual_seed(1)
    state = {
        key: torch.randn(small.get(key, shape), generator=generator).half() for key, shape in shapes.items()
    }
    for padding in ("paper", "same"):
        network = create_model("fcn32s_alexnet", 2, padding=padding, fc_channels=8)
        loaded = load_foreign(network, state)
        fc6 = next(layer for name, layer in network.named_modules() if name.endswith("fc6"))
        assert isinstance(fc6, nn.Conv2d)
        assert torch.equal(fc6.weight, state["classifier.1.weight"].float().view(8, 256, 6, 6))
        assert loaded.dropped == ("classifier.6.weight", "classifier.6.bias")


def test_a_residual_classifier_goes_into_trunks_and_into_torchvisions_networks() -> None:
    state = torchvision.models.resnet50(num_classes=3).state_dict()
    for name, prefix in (("fcn32s_resnet50", "trunk"), ("fcn_resnet50", "backbone")):
        network = create_model(name, 2)
        loaded = load_foreign(network, state)
        assert loaded.dropped == ("fc.weight", "fc.bias")
        assert torch.equal(
            network.state_dict()[f"{prefix}.layer4.2.conv3.weight"], state["layer4.2.conv3.weight"]
        )
        assert network.mean == IMAGENET_MEAN


@pytest.mark.parametrize(
    ("name", "deeper", "left"),
    [
        ("fcn8s_resnet18", "resnet34", "layer1.2.conv1.weight"),
        ("fcn_resnet50", "resnet101", "layer3.6.conv1.weight"),
    ],
)
def test_weights_of_a_deeper_network_are_refused(name: str, deeper: str, left: str) -> None:
    state = torchvision.models.get_model(deeper, weights=None, num_classes=2).state_dict()
    network = create_model(name, 2)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=f"has the weight '{left}', which {name} has not.*Build the"):
        load_foreign(network, state)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("trunk", [entry for entry in trunks() if entry.kind != "own"], ids=lambda e: e.name)
def test_every_classifier_but_for_its_head_has_a_place_in_its_trunk(trunk: TrunkEntry) -> None:
    """Names alone: what is refused as left over is never what the trunk's own library stores."""
    with torch.device("meta"):
        filled = trunk.builder(4096)
        if trunk.kind == "timm":
            net = pytest.importorskip("timm").create_model(trunk.name)
        else:
            extra = {"init_weights": False} if trunk.name == "googlenet" else {}
            net = torchvision.models.get_model(trunk.name, weights=None, **extra)
    state = net.state_dict()
    own = filled.own_state(state)
    taken = {id(value) for value in own.values()}
    assert own.keys() == filled.state_dict().keys()
    assert all(filled.is_former_head(key) for key, value in state.items() if id(value) not in taken)


@pytest.mark.parametrize(("name", "unused"), [("fcn32s_resnet18", "fc."), ("fcn32s_vgg11", "classifier.6.")])
def test_no_number_in_what_is_not_used_does_no_harm(name: str, unused: str) -> None:
    network = create_model(name, 2, fc_channels=8)
    state = torchvision.models.get_model(network.name[7:], weights=None, num_classes=2).state_dict()
    if "vgg" in name:
        state |= {f"classifier.{n}.bias": torch.zeros(8) for n in (0, 3)}
        state |= {"classifier.0.weight": torch.ones(8, 25088), "classifier.3.weight": torch.ones(8, 8)}
    state[f"{unused}bias"] = torch.tensor([0.0, torch.nan])
    loaded = load_foreign(network, state)
    assert loaded.dropped == (f"{unused}weight", f"{unused}bias")
    assert not any("fc6" in key for key in loaded.untouched)
    assert network.mean == IMAGENET_MEAN


@torch.no_grad()
def test_torchvisions_segmentation_file_gives_its_output_and_says_what_was_dropped() -> None:
    net = torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=4, aux_loss=True
    ).eval()
    network = create_model("deeplabv3_mobilenet_v3_large", 4).eval()
    loaded = load_foreign(network, net.state_dict())
    x = torch.randn(1, 3, 50, 75, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(x), net(x)["out"])
    assert loaded.dropped
    assert all(name.startswith("aux_classifier.") for name in loaded.dropped)
    network.load_state_dict(net.state_dict())
    assert not load_foreign(network, net.state_dict()).dropped


def _without(name: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if key != name}


def _with(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[State], State]:
    return lambda state: state | {name: change(state[name])}


@pytest.mark.parametrize("make", [_paper, _same])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_without("conv3_2.bias"), "lacks the weight '.*bias'.*build the network that the file is of"),
        (_without("conv5_3.weight"), "lacks the weight '.*weight'.*build the network that the file is of"),
        (lambda s: s | {"conv6_1.weight": s["fc7.weight"]}, "has the weight 'conv6_1.weight', which"),
        (lambda s: s | {"extra.scale": s["fc7.bias"]}, "has the weight 'extra.scale', which"),
        (
            lambda s: oracle.public_state(16),
            "holds fcn16s_vgg16.*create_model.'fcn16s_vgg16', padding='paper'",
        ),
        (lambda s: oracle.public_state(8, trunk="vgg19"), "holds fcn8s_vgg19"),
        (lambda s: oracle.public_state(8, classes=5), "build the network with classes=5"),
        (lambda s: oracle.public_state(8, fc=16), "build the network with fc_channels=16"),
        (_with("conv1_1.weight", lambda w: w[:, :1]), "takes pictures of 1 channels, those here have 3"),
        (_with("fc6.weight", lambda w: w.sum()), "a single number in the file and 8x32x7x7.*another network"),
        (_with("conv1_1.weight", lambda w: w[:, 0, 0, 0]), "is 4 in the file and 4x3x3x3.*another network"),
        (_with("conv4_2.weight", lambda w: w[:, :5]), "32x5x3x3 in the file and 32x32x3x3.*another network"),
        (_with("fc7.bias", lambda b: b * torch.nan), "'fc7.bias' holds values that are no numbers"),
        (_with("conv2_1.weight", lambda w: w / 0), "'conv2_1.weight' holds values that are no numbers"),
        (
            _with("upscore8.weight", lambda w: w * 1.2),
            "upscore8.weight' is not the bilinear kernel.*transposed_l",
        ),
        (_with("upscore2.weight", lambda w: w + 0.1), "upscore2.weight' mixes classes"),
        (lambda s: {f"a.{key}": value for key, value in s.items()}, "those of no layout known here"),
        (lambda s: {}, "no weights by name"),
        (lambda s: {"epoch": 3}, "its entry 'epoch' is no tensor"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_changed(
    make: Callable[[], FcnNetwork], damage: Callable[[State], State], words: str
) -> None:
    network = make()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=words):
        load_foreign(network, damage(oracle.public_state(8)))
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("make", [_paper, _same])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_with("classifier.0.weight", lambda w: w.sum()), "a single number in the file and 8x32x7x7"),
        (
            _with("classifier.3.weight", lambda w: w[:, :5]),
            "is 8x5x1x1 in the file and 8x8x1x1.*another network",
        ),
        (_with("classifier.0.weight", lambda w: w[:, 1:]), "is 8x1567 in the file and 8x32x7x7"),
    ],
)
def test_linear_layers_of_another_shape_are_said(
    make: Callable[[], FcnNetwork], damage: Callable[[State], State], words: str
) -> None:
    with pytest.raises(CheckpointError, match=words):
        load_foreign(make(), damage(_small_vgg()))


@pytest.mark.parametrize("make", [_paper, _same])
def test_a_linear_layer_without_its_bias_fills_what_there_is(make: Callable[[], FcnNetwork]) -> None:
    loaded = load_foreign(make(), _without("classifier.3.bias")(_small_vgg()))
    assert [name.split(".")[-2:] for name in loaded.untouched if "fc" in name] == [["fc7", "bias"]]


def test_a_file_of_another_network_of_torchvision_is_named() -> None:
    state = torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None).state_dict()
    with pytest.raises(
        CheckpointError, match="holds torchvision's lraspp_mobilenet_v3_large, the network is fcn8s"
    ):
        load_foreign(create_model("fcn8s_vgg11", 21, fc_channels=8), state)
    with pytest.raises(CheckpointError, match=r"classes=21"):
        load_foreign(create_model("lraspp_mobilenet_v3_large", 5), state)


def test_how_semseg_fed_its_network_must_be_said() -> None:
    with pytest.raises(CheckpointError, match="say preprocessing='torchvision'"):
        load_foreign(_paper(), _semseg(oracle.public_state(8)))
    with pytest.raises(CheckpointError, match="no preprocessing 'vgg': choose one of caffe"):
        load_foreign(_paper(), oracle.public_state(8), preprocessing="vgg")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_are_read_with_what_trainers_store_beside_the_weights(tmp_path: Path, suffix: str) -> None:
    state = {f"module.{key}": value.float() for key, value in oracle.public_state(32, width=1, fc=1).items()}
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"epoch": 1, "best_mean_iu": np.float64(0.6), "model_state_dict": state}, path)
    found = read_foreign(path)
    assert {f"module.{key}" for key in found} == set(state)
    assert all(torch.equal(found[key.removeprefix("module.")], value) for key, value in state.items())


class _Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["zip", "legacy", "plain"])
def test_a_pickle_that_would_run_code_is_refused_before_it_does(tmp_path: Path, kind: str) -> None:
    path, trace = tmp_path / "net.pth", tmp_path / "it ran"
    content = {"fc6.weight": torch.zeros(1), "fc7.weight": _Evil(trace)}
    if kind == "plain":
        path.write_bytes(pickle.dumps(_Evil(trace)))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(CheckpointError, match=r"net\.pth holds more than weights: opening it would run code"):
        load_foreign(_paper(), path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("net.pth", b"", "broken or no weights file"),
        ("net.pth", b"hello world", "broken or no weights file"),
        ("net.pth", b"\xff\xd8\xff\xe0\x00\x10JFIF", "broken or no weights file"),  # a JPEG
        ("net.pth", b"rubbish", "broken or no weights file"),  # an IndexError in torch
        ("net.safetensors", b"hello world", "broken or no safetensors file"),
        ("net.pth", None, "does not exist"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=words):
        read_foreign(tmp_path / name)


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="holds more than weights"):
        read_foreign(tmp_path / "net.pth")


def test_weights_of_create_model_work_for_networks_without_a_trunk() -> None:
    layers = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["A"])
    state = {f"features.{key}": value for key, value in layers.state_dict().items()}
    network = create_model("fcn32s_vgg11", 2, padding="paper", fc_channels=8, weights=state)
    assert torch.equal(network.state_dict()["conv5_2.weight"], state["features.18.weight"])


@pytest.mark.parametrize("padding", ["paper", "same"])
def test_what_the_weights_want_is_stored_with_them_and_grows_with_the_head(
    tmp_path: Path, padding: str
) -> None:
    """Else a loaded network would be fed, and trained on, as its architecture usually is."""
    network = create_model("fcn16s_vgg11", 3, padding=padding, fc_channels=8)
    network.feed_with((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    keys = ("a", "b", "c")
    save_checkpoint(
        tmp_path / "net", network, make_card(network, name="x", class_keys=keys, class_names=keys)
    )
    loaded, card = load_checkpoint(tmp_path / "net")
    assert (card.mean, card.std) == (loaded.mean, loaded.std) == ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    grown = grow_head(loaded)
    assert (grown.mean, grown.std) == (loaded.mean, loaded.std)
    usual = create_model("fcn16s_vgg11", 3, padding=padding, fc_channels=8)
    assert usual.mean != loaded.mean
