"""`fcn-studio models` lists what there is without torch, and fetches weights or says the ways out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = {
    "name", "kind", "parameters", "stride", "receptive_field", "exact_tiling", "preprocessing", "weights",
    "licence",
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
TELL_MODULES = """
import sys
from fcn_studio.cli.main import main
try:
    main({arguments!r})
finally:
    heavy = {{"torch", "torchvision", "timm", "numpy", "PySide6"}} & set(sys.modules)
    print("HEAVY", *heavy, file=sys.stderr)
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which says on stderr what it has loaded."""
    return subprocess.run(
        [sys.executable, "-c", TELL_MODULES.format(arguments=list(arguments))],
        capture_output=True, text=True, timeout=60, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip


def test_every_network_is_listed_as_json_without_torch() -> None:
    done = run("models", "--json")
    assert done.returncode == 0, done.stderr
    offers = json.loads(done.stdout)
    assert all(offer.keys() >= KEYS for offer in offers)
    names = {offer["name"] for offer in offers}
    assert {"vgg16", "fcn8s_vgg16", "tf_efficientnet_lite0", "fcn8s_tf_efficientnet_lite0"} <= names
    assert "fcn_resnet50" in names
    assert len(names) == len(offers)
    assert done.stderr.split() == ["HEAVY"]


def test_a_person_sees_a_table_of_trunks() -> None:
    done = run("models")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("vgg16 ") and "404" in line and "BSD-3-Clause" in line for line in lines)
    assert any(line.startswith("mobilenet_v2 ") and "in the embedded model" in line for line in lines)
    assert any(line.startswith("fcn_resnet50 ") for line in lines)
    assert not any(line.startswith("fcn8s_vgg16 ") for line in lines)  # heads go with every trunk


def test_offline_one_sentence_says_the_ways_out(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    done = run("models", "fetch", "resnet18", TORCH_HOME=str(tmp_path), https_proxy=nobody, no_proxy="")
    assert done.returncode == 1
    sentence = done.stderr.splitlines()[1]
    assert sentence.startswith("resnet18-f37072fd.pth could not be fetched: download.pytorch.org cannot be")
    assert sentence.endswith(
        "Go online and try again, name a file that you have with --weights, or start from the embedded model."
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet19", "nearest is 'resnet18'"),
        (
            "mobilenet_v2",
            "no pretrained weights to fetch for mobilenet_v2: they come with the program, in the",
        ),
        ("alexnet9", "nearest is 'alexnet'"),
    ],
)
def test_what_cannot_be_fetched_is_said(tmp_path: Path, name: str, words: str) -> None:
    done = run("models", "fetch", name, TORCH_HOME=str(tmp_path))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Fetching" not in done.stderr


def test_training_from_pretrained_weights_fetches_them_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline the same sentence comes before anything is trained."""
    from click.testing import CliRunner
    from PIL import Image

    from fcn_studio.cli.train import train

    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for name in "abcde":
            Image.new("L", (40, 33), 1).save(tmp_path / "data" / folder / f"{name}.png")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    out = tmp_path / "net"
    words = [
        "--architecture",
        "fcn32s_resnet18",
        "--weights",
        "pretrained",
        "--steps",
        "1",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(train, [str(tmp_path / "data"), *words])
    assert done.exit_code == 1
    assert "resnet18-f37072fd.pth could not be fetched" in done.stderr
    assert not list(tmp_path.glob("net*"))
