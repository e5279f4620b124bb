"""Net surgery keeps what is known, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.layers import upsample_twice
from fcn_studio.models.mobilenet_v2 import DeepLabMobileNetV2
from fcn_studio.models.registry import create_model
from fcn_studio.models.surgery import copy_row, make_fcn_from_deeplab, read_deeplab, with_classes

PICTURE = torch.randn(1, 3, 33, 49, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _teacher(classes: int = 21) -> DeepLabMobileNetV2:
    torch.manual_seed(1)
    return DeepLabMobileNetV2(classes).eval()


@torch.no_grad()
def test_known_classes_score_as_before_and_new_ones_zero() -> None:
    old = make_fcn_from_deeplab(create_model("fcn8s_mobilenet_v2", 3), _teacher(3)).double().eval()
    torch.nn.init.normal_(old.head.skip8.score.weight)
    kept = {name: value.clone() for name, value in old.state_dict().items()}
    new = with_classes(old, ("sky", "cat", "dog"), ("dog", "cup", "sky"))
    before, after = old.scores(PICTURE), new.scores(PICTURE)
    assert torch.equal(after[:, 0], before[:, 2])
    assert torch.equal(after[:, 2], before[:, 0])
    assert not after[:, 1].any()
    assert new.classes == 3
    assert all(torch.equal(value, kept[name]) for name, value in old.state_dict().items())


@torch.no_grad()
def test_a_copied_row_scores_as_its_neighbour_less_the_margin() -> None:
    model = make_fcn_from_deeplab(create_model("fcn8s_mobilenet_v2", 3), _teacher(3)).double().eval()
    torch.nn.init.normal_(model.head.skip8.score.weight)
    copy_row(model, old=0, new=2, margin=1.5)
    scores = model.scores(PICTURE)
    assert torch.allclose(scores[:, 2], scores[:, 0] - 1.5, atol=1e-9)


@torch.no_grad()
def test_an_fcn_made_from_deeplab_equals_it_where_the_window_sees_the_whole_picture() -> None:
    teacher = _teacher().double()
    for name in ("fcn16s_mobilenet_v2", "fcn8s_mobilenet_v2"):
        model = make_fcn_from_deeplab(create_model(name, 21), _teacher()).double().eval()
        expected = teacher.scores(PICTURE)
        expected = upsample_twice(expected) if model.stride == 8 else expected
        assert torch.allclose(model.scores(PICTURE), expected, atol=1e-9)


def test_deeplab_weights_are_read_by_their_plain_names(tmp_path: Path) -> None:
    teacher = _teacher()
    names = {"trunk.": "backbone."}
    state = {}
    for name, value in teacher.state_dict().items():
        own = next(
            (new + name[len(old) :] for old, new in names.items() if name.startswith(old)), "head." + name
        )
        state[own] = value.half().contiguous()
    save_file(state, tmp_path / "deeplab.safetensors")
    found = read_deeplab(tmp_path / "deeplab.safetensors").state_dict()
    assert all(torch.equal(found[name], value.half().float()) for name, value in teacher.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no tensors at all", None])
def test_a_foreign_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.safetensors"
    if content is None:
        save_file({"a": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"other\.safetensors is not the weights file"):
        read_deeplab(path)
