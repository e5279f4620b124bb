"""Graphs for the engine without torch: exported once for each architecture, never in the way of an answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.core.errors import CheckpointError
from fcn_studio.inference import engine, openvino_engine
from fcn_studio.inference.graphs import NICE, GraphExport, exported_path, find_graph
from fcn_studio.models.checkpoint import make_card, save_checkpoint
from fcn_studio.models.registry import create_model
from fcn_studio.models.spec import read_card

pytestmark = pytest.mark.skipif(not openvino_engine.is_installed(), reason="OpenVINO is not installed")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of an architecture that no graph is shipped for."""
    path = tmp_path_factory.mktemp("new") / "new.safetensors"
    model = create_model("fcn8s_resnet18", 3, score_width=4)
    for layer in model.score_layers():
        layer.weight.data.normal_(generator=None)
    save_checkpoint(
        path, model, make_card(model, name="new", class_keys=("a", "b", "c"), class_names=("a", "b", "c"))
    )
    return path


def test_a_new_architecture_is_exported_once_and_then_runs_without_torch(
    checkpoint: Path, tmp_path: Path
) -> None:
    assert find_graph(checkpoint, tmp_path) is None
    first = engine.make_engine(checkpoint, "cpu", tmp_path)
    assert first.name.startswith("torch")
    graph = GraphExport(checkpoint, tmp_path).wait()
    assert find_graph(checkpoint, tmp_path) == graph == exported_path(read_card(checkpoint), tmp_path)
    faster = engine.make_engine(checkpoint, "cpu", tmp_path)
    assert faster.name.startswith("OpenVINO")
    x = (
        np.random.default_rng(0)
        .uniform(-2, 2, (1, 3, *read_card(checkpoint).padded_hw((60, 80))))
        .astype(np.float32)
    )
    np.testing.assert_allclose(faster.scores(x), first.scores(x), atol=2e-3)


def test_a_broken_graph_is_thrown_away_and_torch_answers(checkpoint: Path, tmp_path: Path) -> None:
    graph = exported_path(read_card(checkpoint), tmp_path)
    graph.parent.mkdir(parents=True)
    graph.write_bytes(b"no graph")
    assert engine.make_engine(checkpoint, "cpu", tmp_path).name.startswith("torch")
    assert not graph.exists()


def test_an_export_that_fails_says_why_and_leaves_nothing(checkpoint: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.json"
    lonely.write_bytes(checkpoint.with_suffix(".json").read_bytes())
    with pytest.raises(CheckpointError, match=r"lonely\.safetensors are missing"):
        GraphExport(lonely, tmp_path).wait()
    assert find_graph(lonely, tmp_path) is None


def test_an_export_can_be_stopped(checkpoint: Path, tmp_path: Path) -> None:
    export = GraphExport(checkpoint, tmp_path)
    if sys.platform == "linux":
        assert os.getpriority(os.PRIO_PROCESS, export._process.pid) == NICE
    export.stop()
    with pytest.raises(CheckpointError, match="broken off"):
        export.wait()
    assert find_graph(checkpoint, tmp_path) is None
