"""The stored figures of the catalog are those of the networks, and reading them builds none."""

from __future__ import annotations

import pytest
import torch

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.catalog import encode_catalog, find_offer, read_catalog
from fcn_studio.models.reach import compute_reach
from fcn_studio.models.registry import TrunkEntry, architectures, create_model, trunks
from fcn_studio.models.window_head import WindowHead

ANEW = "run `python -m fcn_studio.models.catalog_figures`"
QUICK = ("alexnet", "mobilenet_v2", "resnet18", "tf_efficientnet_lite0", "vgg11")


def test_everything_that_is_registered_is_listed_once() -> None:
    expected = [*(entry.name for entry in trunks()), *architectures()]
    assert [offer.name for offer in read_catalog()] == expected, ANEW


def test_figures_of_the_literature() -> None:
    """Receptive fields: table 1 of the FCN paper, fcn-reference 6.1; weights: fcn-reference 1.2."""
    fields = {"alexnet": 355, "vgg16": 404, "vgg19": 460, "tf_efficientnet_lite0": 851, "fcn_resnet50": 443}
    assert {name: find_offer(name).receptive_field for name in fields} == fields
    assert find_offer("vgg16").parameters == 14_714_688 + 119_545_856
    assert find_offer("fcn8s_vgg16").parameters == 134_362_751
    assert [find_offer(f"fcn{stride}s_vgg16").stride for stride in (32, 16, 8, 4)] == [32, 16, 8, 4]
    assert not find_offer("mobilenetv3_large_100").exact_tiling
    assert find_offer("deeplabv3_resnet50").receptive_field is None


def test_what_can_be_fetched_can_be_checked() -> None:
    for offer in read_catalog():
        hub = offer.url.startswith("https://huggingface.co/timm/")  # which says the hash itself
        assert hub or len(offer.sha256) >= 8 or not offer.url, offer.name
        assert offer.weights or not offer.url, offer.name
        assert offer.url or offer.family == "own", offer.name
        assert offer.licence, offer.name


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(CheckpointError, match="nearest is 'convnext_atto'"):
        find_offer("convnext_ato")


@pytest.mark.parametrize(
    "entry",
    [pytest.param(e, marks=[] if e.name in QUICK else [pytest.mark.slow]) for e in trunks()],
    ids=lambda entry: entry.name,
)
def test_where_cells_lie_follows_from_the_layers(entry: TrunkEntry) -> None:
    """What a trunk says of itself is what watching one run of it says."""
    with torch.device("meta"):
        trunk = entry.builder(8)
    found = compute_reach(trunk)
    assert set(found) == set(trunk.grids)
    for stride, grid in trunk.grids.items():
        rows, columns = found[stride].grids
        assert rows == columns
        assert (rows.start, rows.end, rows.jump, rows.field_px) == (
            grid.start, grid.end, grid.jump, grid.field_px,
        )  # fmt: skip
    assert all(reach.exact for reach in found.values()) is trunk.exact_tiling


@pytest.mark.parametrize(
    ("name", "width"), [("fcn8s_mobilenet_v2", 0), ("fcn8s_resnet18", 0), ("fcn8s_resnet18", 8)]
)
def test_what_a_head_looks_at_is_part_of_what_a_network_sees(name: str, width: int) -> None:
    class DeepScore(torch.nn.Module):
        """The deepest score alone, before it is enlarged."""

        def __init__(self) -> None:
            super().__init__()
            self.model = create_model(name, 2, score_width=width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            deep = self.model.trunk(x)[self.model.trunk.deepest]
            head = self.model.head
            if isinstance(head, WindowHead):
                return head.score(
                    head.project(torch.cat([head.context(head.window(deep)), head.neck(deep)], 1))
                )
            return head.get_submodule(f"score{head.deepest}")(deep)

    with torch.device("meta"):
        network = DeepScore()
    assert compute_reach(network).grids[0].field_px == network.model.receptive_field_px


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_stored_figures_are_those_of_the_networks() -> None:
    from fcn_studio.models.catalog_figures import compute_catalog

    assert encode_catalog(compute_catalog()) == encode_catalog(read_catalog()), ANEW
