"""Checkpoints come back as they were written, and whatever is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fcn_studio.core.errors import CheckpointError
from fcn_studio.models.checkpoint import load_checkpoint, round_trip, save_checkpoint
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.mobilenet_v2 import MobileNetV2Trunk
from fcn_studio.models.registry import architectures, create_model, register_trunk
from fcn_studio.models.spec import ModelSpec, checkpoint_paths, read_card
from fcn_studio.models.weights import read_state

KEYS = ("background", "cat")


def _spec(**changes: object) -> ModelSpec:
    values = {"name": "test", "architecture": "fcn8s_mobilenet_v2", "class_keys": KEYS, "class_names": KEYS}
    return ModelSpec(**{**values, **changes})  # type: ignore[arg-type]


def _model() -> FcnNetwork:
    torch.manual_seed(0)
    return create_model("fcn8s_mobilenet_v2", 2)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "net", _model(), _spec())
    return tmp_path / "net"


def test_weights_and_card_come_back(tmp_path: Path) -> None:
    model = round_trip(_model())
    spec = save_checkpoint(tmp_path / "net.safetensors", model, _spec(figures={"miou": 0.5}, parent="abc"))
    loaded, card = load_checkpoint(tmp_path / "net.json")
    assert card == spec == read_card(tmp_path / "net")
    assert card.id
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_a_card_of_more_classes_than_a_label_can_tell_is_refused() -> None:
    keys = tuple(f"class{number}" for number in range(256))
    assert len(_spec(class_keys=keys[:255], class_names=keys[:255]).class_keys) == 255
    with pytest.raises(ValueError, match="class_keys lists 256 classes, at most 255 can be"):
        _spec(class_keys=keys, class_names=keys)


def test_the_id_follows_from_weights_and_classes(tmp_path: Path) -> None:
    first = save_checkpoint(tmp_path / "a", _model(), _spec())
    again = save_checkpoint(tmp_path / "b", _model(), _spec(name="another name"))
    other = save_checkpoint(tmp_path / "c", _model(), _spec(class_keys=("background", "dog")))
    assert first.id == again.id != other.id


def test_the_torch_free_reader_gives_the_same_numbers(written: Path) -> None:
    state = read_state(written)
    module = load_checkpoint(written)[0].state_dict()
    assert state.keys() == module.keys()
    assert all(np.array_equal(state[name], value.numpy()) for name, value in module.items())
    assert all(array.dtype == np.float32 for array in state.values())


def test_cards_and_weights_are_read_without_torch(written: Path) -> None:
    code = (
        "import sys, fcn_studio.models as m; from fcn_studio.models.weights import read_state;"
        f"m.read_card({str(written)!r}); read_state({str(written)!r});"
        "print([n for n in ('torch', 'PySide6') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_half_written_file_is_left(written: Path) -> None:
    assert sorted(path.name for path in written.parent.iterdir()) == ["net.json", "net.safetensors"]


def _cut(path: Path) -> None:
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])


def _empty(path: Path) -> None:
    path.with_suffix(".safetensors").write_bytes(b"")


def _foreign(path: Path) -> None:
    save_file({"a": torch.zeros(1)}, path.with_suffix(".safetensors"))


def _missing(path: Path) -> None:
    path.with_suffix(".safetensors").unlink()


def _cardless(path: Path) -> None:
    path.with_suffix(".json").unlink()


def _edit_card(**changes: object):  # type: ignore[no-untyped-def]
    def damage(path: Path) -> None:
        card = json.loads(path.with_suffix(".json").read_text())
        path.with_suffix(".json").write_text(json.dumps({**card, **changes}))

    return damage


def _garbled(path: Path) -> None:
    path.with_suffix(".json").write_text("{no json")


def _other_json(path: Path) -> None:
    path.with_suffix(".json").write_text('{"hello": 1}')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "net.safetensors is broken"),
        (_empty, "net.safetensors is broken"),
        (_foreign, "another program"),
        (_missing, "net.safetensors are missing"),
        (_cardless, "has no card"),
        (_garbled, "net.json is broken"),
        (_other_json, "is not a card"),
        (_edit_card(format=0), "an older format .0; this program reads 1."),
        (_edit_card(format=9), "a newer format"),
        (_edit_card(id="ffff"), "do not belong together"),
        (_edit_card(class_keys=["a", "a"]), "broken card"),
        (
            _edit_card(class_keys=["a"], class_names=["a"]),
            "class_keys: the card lists 1 classes",
        ),
        (
            _edit_card(architecture="fcn16s_mobilenet_v2"),
            "architecture: the card of net.safetensors says fcn16s",
        ),
        (_edit_card(options={"score_width": 8}), "'head.score16.look.0.weight' of .* is missing"),
        (
            _edit_card(mean=[0, 0, 0]),
            "mean: the card of net.safetensors says .0.0, 0.0, 0.0., the weights say 127",
        ),
        (_edit_card(stride=16), "stride: the card of .* says 16, the network .* is made for 8"),
        (_edit_card(std=[0, 1, 1]), "std must be above 0"),
        (_edit_card(zoom=0), "zoom must be above 0"),
        (_edit_card(long_side=0), "long_side must be at least 1"),
        (_edit_card(options={"weights": "pretrained"}), r"options .* does not know \(weights\)"),
        (_edit_card(options={"score_width": 1 << 40}), "cannot be built here"),
    ],
)
def test_what_is_wrong_is_said(written: Path, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    damage(written)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(written)


def test_a_name_is_registered_once() -> None:
    assert {"fcn8s_mobilenet_v2", "fcn16s_mobilenet_v2"} <= set(architectures())
    with pytest.raises(ValueError, match="registered already"):
        register_trunk("vgg11", lambda fc: MobileNetV2Trunk(), kind="own", licence="", weights="")


def test_padded_sizes_are_the_next_that_fit() -> None:
    spec = _spec()
    assert [spec.padded_size(n) for n in (1, 17, 18, 32, 33, 500)] == [17, 17, 33, 33, 33, 513]


def test_a_checkpoint_is_named_by_either_file_or_their_stem() -> None:
    expected = (Path("a/net.v2.safetensors"), Path("a/net.v2.json"))
    for name in ("a/net.v2", "a/net.v2.json", "a/net.v2.safetensors"):
        assert checkpoint_paths(name) == expected
