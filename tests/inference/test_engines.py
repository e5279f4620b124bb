"""Engines agree with each other, for any number of classes, and report what is wrong in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

from fcn_studio.core.errors import CheckpointError, DeviceError, UsageError
from fcn_studio.core.resources import resource_path
from fcn_studio.inference import device, engine, graphs, openvino_engine
from fcn_studio.inference.export_onnx import check_export, main
from fcn_studio.inference.torch_engine import TorchEngine
from fcn_studio.inference.upsample import compute_labels
from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.spec import checkpoint_paths
from fcn_studio.models.weights import read_metadata, read_state, read_strides

needs_openvino = pytest.mark.skipif(not openvino_engine.is_installed(), reason="OpenVINO is not installed")


def make_input(hw, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (1, 3, *hw)).astype(np.float32)


def read_stored(graph_path):
    """The weights inside an ONNX file by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(graph_path).graph.initializer}


@needs_openvino
@pytest.mark.parametrize("classes", [3, 7, 21, 23])
def test_openvino_equals_torch_at_small_large_small(make_checkpoint, graph_path, tmp_path, classes):
    checkpoint = make_checkpoint(classes)
    fast = openvino_engine.OpenVinoEngine.open(checkpoint, graph_path, tmp_path)
    plain = TorchEngine.open(checkpoint)
    for hw in ((33, 49), (129, 97), (33, 49)):
        x = make_input(hw)
        expected, got = plain.scores(x), fast.scores(x)
        assert got.shape == expected.shape == (classes, (hw[0] + 7) // 8, (hw[1] + 7) // 8)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, atol=2e-4 * np.abs(expected).max())
        same = compute_labels(got, hw)[0] == compute_labels(expected, hw)[0]
        assert same.mean() > 0.995


@needs_openvino
def test_without_the_finer_strides_the_coarse_scores_remain(make_checkpoint, graph_path, tmp_path):
    path = make_checkpoint(5)
    network, _ = load_checkpoint(path)
    assert read_strides(path) == (16, 8)
    x = make_input((65, 81), seed=3)
    with torch.inference_mode():
        whole = network.scores(torch.from_numpy(x))[0].numpy()
        for layer in network.score_layers()[1:]:
            layer.weight.zero_()
            layer.bias.zero_()
        coarse = network.scores(torch.from_numpy(x))[0].numpy()
    assert np.abs(whole - coarse).max() > 1e-3
    for finest, expected in ((16, coarse), (8, whole)):
        engines = (
            TorchEngine.open(path, finest=finest),
            openvino_engine.OpenVinoEngine.open(path, graph_path, tmp_path, finest=finest),
        )
        for each in engines:
            np.testing.assert_allclose(each.scores(x), expected, atol=2e-4)


@needs_openvino
def test_scores_belong_to_the_caller(make_checkpoint, graph_path, tmp_path):
    fast = openvino_engine.OpenVinoEngine.open(make_checkpoint(3), graph_path, tmp_path)
    first = fast.scores(make_input((33, 33)))
    kept = first.copy()
    fast.scores(make_input((33, 33), seed=1))
    np.testing.assert_array_equal(first, kept)


@needs_openvino
def test_a_size_that_comes_again_and_again_gets_a_network_of_its_own_with_the_same_answers(
    make_checkpoint, graph_path, tmp_path
):
    checkpoint = make_checkpoint(5)
    fast = openvino_engine.OpenVinoEngine.open(checkpoint, graph_path, tmp_path)
    sizes = [(33, 49), (49, 33), (65, 49), (33, 65)]
    often = openvino_engine.FIXED_FROM + 1
    answers = {hw: [fast.scores(make_input(hw)) for _ in range(often)] for hw in sizes}
    answers[33, 49].append(fast.scores(make_input((33, 49))))  # the two that came last have pushed it out
    for each in answers.values():
        for answer in each:
            np.testing.assert_allclose(answer, each[0], atol=1e-4)
    compiled = set((tmp_path / "engines").iterdir())
    assert len(compiled) == 1 + len(sizes)
    again = openvino_engine.OpenVinoEngine.open(checkpoint, graph_path, tmp_path)
    np.testing.assert_array_equal(
        [again.scores(make_input((33, 49))) for _ in range(4)][-1], answers[33, 49][5]
    )
    assert set((tmp_path / "engines").iterdir()) == compiled  # taken from the cache


@needs_openvino
@pytest.mark.parametrize("change", ["gone", "another"])
def test_a_checkpoint_that_goes_or_changes_under_an_engine_does_it_no_harm(
    make_checkpoint, graph_path, tmp_path, change
):
    mine = tmp_path / "mine"
    for own, made in zip(checkpoint_paths(mine), checkpoint_paths(make_checkpoint(5, 1)), strict=True):
        own.write_bytes(made.read_bytes())
    fast = openvino_engine.OpenVinoEngine.open(mine, graph_path, tmp_path)
    x = make_input((33, 49))
    first = fast.scores(x)
    other = checkpoint_paths(make_checkpoint(5, 2))
    for path, new in zip(checkpoint_paths(mine), other, strict=True):
        if change == "gone":
            path.unlink()
        else:
            path.write_bytes(new.read_bytes())
    for _ in range(openvino_engine.FIXED_FROM):
        np.testing.assert_array_equal(fast.scores(x), first)


@needs_openvino
def test_compiled_networks_come_back_from_the_cache_and_never_mix(make_checkpoint, graph_path, tmp_path):
    x = make_input((49, 49))
    answers = [
        openvino_engine.OpenVinoEngine.open(make_checkpoint(5, seed), graph_path, tmp_path).scores(x)
        for seed in (1, 2, 1)
    ]
    assert len(list((tmp_path / "engines").iterdir())) == 2
    np.testing.assert_array_equal(answers[0], answers[2])
    assert not np.allclose(answers[0], answers[1])


@needs_openvino
@pytest.mark.parametrize("damage", ["nan", "lacking", "classes"])
def test_what_was_compiled_before_does_not_hide_that_a_checkpoint_is_broken(
    make_checkpoint, graph_path, tmp_path, damage
):
    weights, card = checkpoint_paths(tmp_path / "mine")
    for own, made in zip((weights, card), checkpoint_paths(make_checkpoint(5)), strict=True):
        own.write_bytes(made.read_bytes())
    openvino_engine.OpenVinoEngine.open(weights, graph_path, tmp_path)
    state, metadata = load_file(weights), read_metadata(weights)
    if damage == "nan":
        state["trunk.conv0.weight"][0] = np.nan
    elif damage == "lacking":
        del state["trunk.conv0.weight"]
    else:
        told = json.loads(card.read_text("utf-8"))
        told["class_keys"], told["class_names"] = told["class_keys"][:4], told["class_names"][:4]
        card.write_text(json.dumps(told), "utf-8")
    save_file(state, weights, metadata)
    with pytest.raises(CheckpointError):
        openvino_engine.OpenVinoEngine.open(weights, graph_path, tmp_path)


@needs_openvino
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_cache_is_built_again(make_checkpoint, graph_path, tmp_path, damage):
    checkpoint, x = make_checkpoint(5), make_input((49, 49))
    expected = openvino_engine.OpenVinoEngine.open(checkpoint, graph_path, tmp_path).scores(x)
    (blob,) = (tmp_path / "engines").iterdir()
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 0x40
    blob.write_bytes({"cut": data[:-100], "flipped": data, "empty": b"", "foreign": b"x" * 5000}[damage])
    again = openvino_engine.OpenVinoEngine.open(checkpoint, graph_path, tmp_path).scores(x)
    np.testing.assert_array_equal(again, expected)
    assert blob.stat().st_size == len(data)


@needs_openvino
def test_a_cache_that_cannot_be_written_does_no_harm(make_checkpoint, graph_path, tmp_path):
    (tmp_path / "engines").write_text("a file where the folder should be")
    fast = openvino_engine.OpenVinoEngine.open(make_checkpoint(3), graph_path, tmp_path)
    assert fast.scores(make_input((33, 33))).shape == (3, 5, 5)


@needs_openvino
def test_weights_of_another_network_are_refused(make_checkpoint, graph_path):
    _, spec = load_checkpoint(make_checkpoint(3))
    state = read_state(make_checkpoint(3))
    lacking = {name: value for name, value in state.items() if name != "trunk.conv0.weight"}
    two = msgspec.structs.replace(spec, class_keys=spec.class_keys[:2], class_names=spec.class_names[:2])
    for wrong, card, what in (
        (
            state | {"trunk.conv0.weight": np.zeros((32, 3, 5, 5), np.float32)},
            spec,
            "conv0.weight' is 32x3x5x5",
        ),
        (
            state | {"head.other.weight": np.zeros((1, 1, 1, 1), np.float32)},
            spec,
            "no weight 'head.other.weight'",
        ),
        (
            state | {"trunk.block3.project.bias": np.zeros(1, np.float32)},
            spec,
            "project.bias' is 1 instead of 32",
        ),
        (
            state | {"trunk.block3.project.bias": np.zeros(3, np.float32)},
            spec,
            "its weights do not fit each other",
        ),
        (lacking, spec, "'trunk.conv0.weight' is missing"),
        (state, two, "class_keys: the card lists 2 classes, the weights have 3"),
    ):
        with pytest.raises(CheckpointError, match=rf"does not fit .*{what}"):
            openvino_engine.compile_graph(graph_path.read_bytes(), wrong, card)


def test_the_exported_graph_equals_torch_in_onnx_runtime(make_checkpoint, graph_path):
    pytest.importorskip("onnxruntime")
    network, spec = load_checkpoint(make_checkpoint(21))
    assert check_export(onnx.load(graph_path), network, spec) < 1e-3


def test_the_exported_graph_is_small_and_keeps_the_names(make_checkpoint, graph_path):
    state = read_state(make_checkpoint(21))
    stored = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(graph_path).graph.initializer
    }
    assert set(state) <= set(stored)
    for name, values in state.items():
        assert stored[name].dtype == np.float16
        np.testing.assert_array_equal(stored[name].astype(np.float32), values)
    assert graph_path.stat().st_size < 5_500_000


def test_export_as_a_process_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path / "absent"), str(tmp_path / "out.onnx")]) == 1
    assert "absent" in capsys.readouterr().err
    assert main([]) == 2
    assert not (tmp_path / "out.onnx").exists()


@needs_openvino
def test_the_embedded_model_is_the_same_in_both_forms(tmp_path):
    try:
        graph, weights = (
            resource_path("models", "embedded.onnx"),
            resource_path("models", "embedded.safetensors"),
        )
    except FileNotFoundError:
        pytest.skip("there is no embedded model in this checkout")
    stored = read_stored(graph)
    for name, values in read_state(weights).items():
        np.testing.assert_array_equal(stored[name].astype(np.float32), values, err_msg=name)
    fast, plain = engine.make_engine(weights, "cpu", tmp_path), TorchEngine.open(weights)
    assert fast.name.startswith("OpenVINO")
    rows, columns = np.mgrid[0:161, 0:225] / 50
    waves = np.stack([np.sin(rows * 3 + columns), np.cos(columns * 4), np.sin(rows * columns)])
    x = (waves + make_input((161, 225))[0] * 0.3)[None].astype(np.float32)
    same = compute_labels(fast.scores(x), (161, 225))[0] == compute_labels(plain.scores(x), (161, 225))[0]
    assert same.mean() > 0.999


def test_torch_engine_puts_the_mode_of_the_module_back(make_checkpoint):
    network, spec = load_checkpoint(make_checkpoint(3))
    network.train()
    scores = TorchEngine(network, spec).scores(make_input((33, 33)))
    assert network.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert scores.flags.writeable


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu_and_takes_any_size(make_checkpoint):
    from fcn_studio.inference.torch_engine import sees_cuda

    if not sees_cuda():
        pytest.skip("there is no CUDA device")
    checkpoint = make_checkpoint(21)
    plain, fast = TorchEngine.open(checkpoint, "cpu"), TorchEngine.open(checkpoint, "cuda")
    assert fast.name == "torch f32, cuda"
    for hw in ((33, 49), (385, 513), (33, 49)):
        x = make_input(hw)
        expected, got = plain.scores(x), fast.scores(x)
        np.testing.assert_allclose(got, expected, atol=0.02 * np.abs(expected).max())
        assert (compute_labels(got, hw)[0] == compute_labels(expected, hw)[0]).mean() > 0.995
    fast.close()
    fast.close()


def test_without_openvino_torch_takes_over(make_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_engine, "is_installed", lambda: False)
    assert engine.make_engine(make_checkpoint(3), "cpu", tmp_path).name == "torch f32, cpu"


def test_an_architecture_without_a_graph_runs_in_torch(make_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "find_graph", lambda path, cache_dir: None)
    assert engine.make_engine(make_checkpoint(3), "cpu", tmp_path).name == "torch f32, cpu"


def test_cuda_that_is_not_there_is_named(monkeypatch):
    from fcn_studio.inference import torch_engine

    monkeypatch.setattr(torch_engine, "sees_cuda", lambda: False)
    with pytest.raises(DeviceError, match="cuda was asked for"):
        device.choose_device("cuda")
    monkeypatch.setattr(device, "sees_nvidia", lambda: True)
    assert device.choose_device("auto") == "cpu"
    assert device.choose_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="tpu"):
        device.choose_device("tpu")


@needs_openvino
def test_a_quick_start_does_not_ask_torch(make_checkpoint, graph_path, tmp_path, monkeypatch):
    def refuse(device):
        raise AssertionError("torch would be imported")

    monkeypatch.setattr(graphs, "find_graph", lambda path, cache_dir: graph_path)
    monkeypatch.setattr(engine, "choose_device", refuse)
    monkeypatch.delitem(sys.modules, "torch")
    assert engine.make_engine(make_checkpoint(3), "auto", tmp_path, quick=True).name == "OpenVINO f32, cpu"
    with pytest.raises(AssertionError):
        engine.make_engine(make_checkpoint(3), "cuda", tmp_path, quick=True)


def test_hidden_devices_are_not_seen(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not device.sees_nvidia()


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="absent"):
        engine.make_engine(tmp_path / "absent.safetensors", "cpu", tmp_path)


def test_the_cpu_engine_needs_no_torch():
    code = (
        "import sys\n"
        "from fcn_studio.inference import engine, openvino_engine, predictor, upsample\n"
        "assert not {'torch', 'onnx', 'PySide6', 'openvino'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
