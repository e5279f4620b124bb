"""Pretrained weights are found by name, shared with other programs' caches, and checked wherever they lie."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fcn_studio.core.errors import CheckpointError, DownloadError
from fcn_studio.models.download import RemoteFile
from fcn_studio.models.weights_source import fetch_weights, find_remote, weights_folder
from tests.models.weights_server import CONTENT, SHA256, WeightsServer, redirect, send

LITE0 = "tf_efficientnet_lite0.in1k.safetensors"


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of this test's own, and no way out of this machine."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[WeightsServer]:
    """Answers as the Hugging Face hub: a redirect that says the hash, then the file."""
    server = WeightsServer(redirect("/storage/abc", X_Linked_ETag=f'"{SHA256}"'), send)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.url(""))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _hub_copy(tmp_path: Path, content: bytes) -> Path:
    """A file as the hub's own library leaves it: named by its SHA-256, with a link to it."""
    place = tmp_path / "hf" / "hub" / "models--timm--tf_efficientnet_lite0.in1k"
    snapshot = place / "snapshots" / ("a" * 40)
    for folder in (place / "blobs", place / "refs", snapshot):
        folder.mkdir(parents=True)
    (place / "refs" / "main").write_text("a" * 40)
    (place / "blobs" / SHA256).write_bytes(content)
    (snapshot / "model.safetensors").symlink_to(place / "blobs" / SHA256)
    return snapshot / "model.safetensors"


def test_files_lie_where_torch_hub_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert weights_folder() == tmp_path / "torch" / "hub" / "checkpoints"
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    assert weights_folder() == Path(torch.hub.get_dir()) / "checkpoints"


def test_a_name_leads_to_a_file_and_its_hash() -> None:
    vgg16 = RemoteFile(
        "https://download.pytorch.org/models/vgg16-397923af.pth", "vgg16-397923af.pth", "397923af"
    )
    assert find_remote("vgg16") == find_remote("fcn8s_vgg16") == vgg16
    lite0 = "https://huggingface.co/timm/tf_efficientnet_lite0.in1k/resolve/main/model.safetensors"
    assert find_remote("tf_efficientnet_lite0") == RemoteFile(lite0, LITE0)
    assert find_remote("fcn4s_timm:tf_efficientnet_lite0") == RemoteFile(lite0, LITE0)
    with pytest.raises(CheckpointError, match="no pretrained weights to fetch for timm:efficientnet_lite1"):
        find_remote("timm:efficientnet_lite1")


def test_timms_weights_come_from_the_hub_once(hub: WeightsServer) -> None:
    path = fetch_weights("tf_efficientnet_lite0")
    assert path == weights_folder() / LITE0
    assert path.read_bytes() == CONTENT
    asked = len(hub.ranges)
    assert fetch_weights("fcn8s_tf_efficientnet_lite0") == path
    assert len(hub.ranges) == asked


def test_a_copy_in_the_hubs_own_cache_is_used_if_it_is_whole(tmp_path: Path, hub: WeightsServer) -> None:
    copy = _hub_copy(tmp_path, CONTENT)
    assert fetch_weights("tf_efficientnet_lite0") == copy
    assert hub.ranges == []
    copy.write_bytes(CONTENT[:-1] + b"x")
    assert fetch_weights("tf_efficientnet_lite0") == weights_folder() / LITE0


def test_a_torchvision_file_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    weights_folder().mkdir(parents=True)
    (weights_folder() / "resnet18-f37072fd.pth").write_bytes(b"half of it")
    with pytest.raises(DownloadError, match=r"cannot be reached .* or start from the embedded model"):
        fetch_weights("resnet18")


def test_the_hubs_switch_for_offline_is_heeded(monkeypatch: pytest.MonkeyPatch, hub: WeightsServer) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"HF_HUB_OFFLINE forbids it\. Go online"):
        fetch_weights("tf_efficientnet_lite0")
    assert hub.ranges == []


def test_pretrained_is_a_word_for_the_weights_of_the_network(
    hub: WeightsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is no safetensors file: it is asked for and then read as the network's own."""
    from fcn_studio.cli.models import fetch_pretrained
    from fcn_studio.models.registry import create_model

    with pytest.raises(CheckpointError, match=r"tf_efficientnet_lite0\.in1k\.safetensors is broken"):
        create_model("fcn8s_tf_efficientnet_lite0", 2, weights="pretrained")
    found = fetch_pretrained(("pretrained", "none"), "fcn8s_tf_efficientnet_lite0+fcn8s_mobilenet_v2")
    assert found == (str(weights_folder() / LITE0), "none")
