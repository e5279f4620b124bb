"""The paper's networks equal an oracle made of convolutions, at every pixel, whatever the picture's size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.deconvolution import Deconvolution, bilinear_kernel, deconvolve_bilinear
from fcn_studio.models.paper import PaperNetwork
from tests.models import paper_oracle as oracle


def _picture(height: int, width: int, seed: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 3, height, width, generator=generator, dtype=torch.float64)


def _network(stride: int, classes: int = 3, **options: object) -> PaperNetwork:
    options = {"trunk": "vgg16", "fc_channels": 8, "width": 4, **options}
    network = PaperNetwork(stride=stride, classes=classes, **options)  # type: ignore[arg-type]
    return network.double().eval()


@torch.no_grad()
def _compare(network: PaperNetwork, state: oracle.State, x: Tensor, expected: Tensor) -> None:
    network.load_state_dict(state)
    found = network(x)
    assert found.dtype == torch.float64
    assert found.shape == expected.shape == (1, network.classes, *x.shape[-2:])
    assert float(expected.std()) > 0 or expected.numel() == network.classes
    assert float((found - expected).abs().max()) < 1e-10 * float(expected.abs().max())


@pytest.mark.parametrize(
    ("stride", "hw"), [(8, (375, 500)), *((s, hw) for s in (32, 16, 8) for hw in ((61, 97), (1, 1)))]
)
def test_vgg16_gives_the_oracles_scores(stride: int, hw: tuple[int, int]) -> None:
    state, x = oracle.public_state(stride), _picture(*hw)
    _compare(_network(stride), state, x, oracle.forward(state, x, stride))


@pytest.mark.parametrize("trunk", ["vgg11", "vgg13", "vgg19"])
def test_the_other_depths_have_the_same_geometry(trunk: str) -> None:
    state, x = oracle.public_state(8, trunk=trunk), _picture(40, 33)
    _compare(_network(8, trunk=trunk), state, x, oracle.forward(state, x, 8, trunk))


def test_the_at_once_network_scales_what_it_skips() -> None:
    state, x = oracle.public_state(8), _picture(61, 97)
    expected = oracle.forward(state, x, 8, scales=(0.01, 0.0001))
    _compare(_network(8, at_once=True), state, x, expected)
    staged = oracle.forward(state, x, 8)
    assert float((expected - staged).abs().max()) > 0.1 * float(staged.std())


@pytest.mark.parametrize("hw", [(61, 97), (1, 1), (90, 31)])
def test_alexnet_gives_the_oracles_scores(hw: tuple[int, int]) -> None:
    state, x = oracle.alexnet_state(), _picture(*hw)
    _compare(_network(32, trunk="alexnet", width=8), state, x, oracle.alexnet_forward(state, x))


def test_learnt_deconvolutions_are_taken_from_the_file() -> None:
    state, x = oracle.public_state(8), _picture(33, 47)
    for name in oracle.DECONVS[8]:
        weight = state[f"{name}.weight"]
        weight[range(3), range(3)] *= torch.rand(weight[range(3), range(3)].shape, dtype=torch.float64) + 0.5
    _compare(_network(8, learnt=(True, True)), state, x, oracle.forward(state, x, 8))


SIZES = {
    "conv1_1": (573, 698), "conv1_2": (573, 698), "conv2_1": (287, 349), "conv2_2": (287, 349),
    "conv3_1": (144, 175), "conv3_3": (144, 175), "conv4_1": (72, 88), "conv4_3": (72, 88),
    "conv5_1": (36, 44), "conv5_3": (36, 44), "fc6": (12, 16), "fc7": (12, 16), "score_fr": (12, 16),
}  # fmt: skip
TAILS = {
    32: {"upscore": (416, 544)},
    16: {"upscore2": (26, 34), "score_pool4": (36, 44), "upscore16": (432, 560)},
    8: {
        "upscore2": (26, 34), "score_pool4": (36, 44), "upscore_pool4": (54, 70), "score_pool3": (72, 88),
        "upscore8": (440, 568),
    },
}  # fmt: skip
CROPS = {32: {1: 19}, 16: {16: 5, 1: 27}, 8: {16: 5, 8: 9, 1: 31}}


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_every_layer_has_the_size_of_the_table(stride: int) -> None:
    """fcn-reference 1.2, for a picture of 375 x 500; the real widths, on a device without data."""
    with torch.device("meta"):
        network = PaperNetwork("vgg16", stride, 21)
        found: dict[str, tuple[int, ...]] = {}
        for name, layer in network.named_modules():
            layer.register_forward_hook(lambda _m, _i, y, n=name: found.update({n: tuple(y.shape[-2:])}))
        network(torch.zeros(1, 3, 375, 500))
    expected = SIZES | TAILS[stride]
    assert {name: found[name] for name in expected} == expected
    assert network._crops == CROPS[stride]
    assert found[""] == (375, 500)


def test_crops_and_parameters_are_the_papers() -> None:
    with torch.device("meta"):
        assert PaperNetwork("alexnet", 32, 21)._crops == {1: 18}
        assert PaperNetwork("alexnet", 32, 21).receptive_field_px == 355
        network = PaperNetwork("vgg16", 8, 21)
        learnt = PaperNetwork("vgg16", 8, 21, learnt=(True, True))
        fields = [PaperNetwork(f"vgg{depth}", 32, 21).receptive_field_px for depth in (16, 19)]
    assert sum(p.numel() for p in network.parameters()) == 134_362_751
    assert sum(p.numel() for p in learnt.parameters()) == 134_362_751 + 21 * (16 + 16 + 256)
    assert fields == [404, 460]


@torch.no_grad()
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_crops_never_run_out(stride: int) -> None:
    network = PaperNetwork("vgg11", stride, 2, width=1, fc_channels=1).eval()
    for size in (*range(1, 34), 96, 97, 255, 1139):
        assert network(torch.zeros(1, 3, 1, size)).shape[-2:] == (1, size)


@torch.no_grad()
@pytest.mark.parametrize(
    ("stride", "name"), [(8, "score_pool3"), (8, "score_pool4"), (8, "score_fr"), (32, "score_fr")]
)
def test_an_impulse_in_a_score_comes_out_round_its_own_pixel(stride: int, name: str) -> None:
    """fcn-reference 9, item 3, with the centres of cells counted from the picture without padding."""
    starts = {"score_pool3": (-95.5, 8), "score_pool4": (-91.5, 16), "score_fr": (12.5, 32)}
    network = _network(stride)
    start, jump = starts[name]
    cell = round((100 - start) / jump)

    def put_impulse(_module: object, _inputs: object, y: Tensor) -> Tensor:
        y = torch.zeros_like(y)
        y[..., cell, cell] = 1
        return y

    getattr(network, name).register_forward_hook(put_impulse)
    bump = network(torch.zeros(1, 3, 200, 201, dtype=torch.float64))[0, 0]
    place = torch.arange(200, dtype=torch.float64)
    rows, columns = bump.sum(dim=1), bump.sum(dim=0)[:200]
    assert float((rows * place).sum() / rows.sum()) == pytest.approx(start + jump * cell)
    assert float((columns * place).sum() / columns.sum()) == pytest.approx(start + jump * cell)


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_the_card_says_where_the_cells_lie(stride: int) -> None:
    """The middle of the picture is the bilinear interpolation of the scores on the card's grid."""
    network, x = _network(stride), _picture(70, 90)
    network.load_state_dict(oracle.public_state(stride))
    card = network.card_geometry()
    with torch.no_grad():
        scores, pixels = network.scores(x)[0], network(x)[0]
    row, column = 37, 54
    at = [(p - card["score_start"]) / card["stride"] for p in (row, column)]
    (i, v), (j, u) = ((int(a), a - int(a)) for a in at)
    corner = scores[:, i : i + 2, j : j + 2]
    expected = (1 - v) * ((1 - u) * corner[:, 0, 0] + u * corner[:, 0, 1])
    expected += v * ((1 - u) * corner[:, 1, 0] + u * corner[:, 1, 1])
    assert torch.allclose(pixels[:, row, column], expected, atol=1e-12)
    assert (card["pad_multiple"], card["pad_remainder"], card["minimum_size"]) == (1, 0, 1)


def test_deconvolutions_load_whatever_numbers_torch_makes_by_default() -> None:
    state = {"weight": bilinear_kernel(4).expand(3, 1, -1, -1)}
    torch.set_default_dtype(torch.float64)
    try:
        Deconvolution(3, 4, 2, learnt=False).load_state_dict(state)
    finally:
        torch.set_default_dtype(torch.float32)


@torch.no_grad()
@pytest.mark.parametrize(("kernel", "factor"), [(4, 2), (16, 8), (64, 32), (63, 32)])
def test_the_fixed_deconvolution_is_the_bilinear_kernel(kernel: int, factor: int) -> None:
    x = torch.randn(1, 2, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weight = torch.zeros(2, 2, kernel, kernel, dtype=torch.float64)
    weight[range(2), range(2)] = oracle.bilinear(kernel)
    expected = oracle.deconvolve(x, weight, factor)
    assert torch.allclose(deconvolve_bilinear(x, kernel, factor), expected, atol=1e-12)
    assert torch.allclose(bilinear_kernel(kernel).double(), oracle.bilinear(kernel), atol=1e-7)
    assert torch.allclose(Deconvolution(2, kernel, factor, learnt=True).double()(x), expected, atol=1e-6)


def _set(state: oracle.State, key: str, value: Tensor) -> oracle.State:
    return {**state, key: value}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w + 0.01, "mixes classes"),
        (lambda w: w * 1.1, "not the bilinear kernel.*transposed_learnt"),
        (lambda w: w[:, :, 1:-1, 1:-1], "has 14x14 kernels, this layer 16x16"),
        (lambda w: w[:, :2], "no square of classes"),
    ],
)
def test_deconvolutions_that_cannot_be_kept_are_refused(change, words: str) -> None:  # type: ignore[no-untyped-def]
    state = oracle.public_state(8)
    with pytest.raises(RuntimeError, match=f"upscore8.weight .*{words}"):
        _network(8).load_state_dict(_set(state, "upscore8.weight", change(state["upscore8.weight"])))


def test_there_is_no_16s_on_alexnet() -> None:
    with pytest.raises(CheckpointError, match=r"fcn16s_alexnet.*padding='same'"):
        PaperNetwork("alexnet", 16, 21)
