"""Exports an architecture as ONNX: low-resolution scores, free sizes, float16 weights under their own names.

`python -m fcn_studio.inference.export_onnx CHECKPOINT OUT.onnx`, to be run as a process of its own: tracing
holds the interpreter lock. The graph serves every checkpoint of the architecture, whatever its classes.
"""

from __future__ import annotations

import copy
import io
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from fcn_studio.core.errors import CheckpointError, FcnStudioError
from fcn_studio.inference import openvino_engine
from fcn_studio.io.atomic import write_atomic
from fcn_studio.models.checkpoint import load_checkpoint, stored_state
from fcn_studio.models.fcn import FcnNetwork
from fcn_studio.models.spec import ModelSpec

OPSET = 18
INPUT, OUTPUT = "pixels", "scores"
_PREFIX = "network."


class _Scores(nn.Module):
    """The part of a network that is exported, as a module whose call it is."""

    def __init__(self, network: FcnNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.scores(x)


def export_scores(network: FcnNetwork, spec: ModelSpec) -> onnx.ModelProto:
    """The graph of `network.scores` with the network's weights, as a checkpoint stores them, in it.

    Input `pixels` float32 [n, 3, height, width], output `scores` float32 [n, classes, rows, columns], all
    axes but the colours free. Raises CheckpointError when a weight did not keep its name on the way.
    """
    model = _trace(_with_distinct_weights(network), torch.zeros(1, 3, *spec.padded_hw((60, 90))))
    stored = stored_state(network)
    _store_weights(model.graph, {name: value.numpy() for name, value in stored.items()})
    missing = set(stored) - {tensor.name for tensor in model.graph.initializer}
    if missing:
        raise CheckpointError(
            f"The network {spec.architecture} cannot be exported: the weight {min(missing)} lost its name."
        )
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"
    model.graph.ClearField("value_info")
    model.doc_string = f"{spec.architecture}: scores at stride {spec.stride}, weights of {spec.id}"
    onnx.checker.check_model(model)
    return model


def _with_distinct_weights(network: FcnNetwork) -> FcnNetwork:
    """A copy in eval mode in which no two weights are equal: the exporter makes one of those that are."""
    network = copy.deepcopy(network).eval()
    state = network.state_dict()
    with torch.no_grad():
        for number, name in enumerate(stored_state(network), start=1):
            state[name].fill_(number)
    return network


def _trace(network: FcnNetwork, example: Tensor) -> onnx.ModelProto:
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is called old, but it is the one that needs no package beside onnx.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Scores(network).eval(),
            (example,),
            buffer,
            dynamo=False,
            # Folding would make new constants of batch norm and of reshaped weights; engines do it as well.
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={
                INPUT: {0: "n", 2: "height", 3: "width"},
                OUTPUT: {0: "n", 2: "rows", 3: "columns"},
            },
        )
    return onnx.load_from_string(buffer.getvalue())


def _store_weights(graph: onnx.GraphProto, state: Mapping[str, NDArray[Any]]) -> None:
    """Put the weights in under their names of the state dict; what is float16 is cast where it is used."""
    casts, renamed = [], dict[str, str]()
    for tensor in graph.initializer:
        used_as, name = tensor.name, tensor.name.removeprefix(_PREFIX)
        if name not in state:
            continue
        tensor.CopyFrom(numpy_helper.from_array(state[name], name))
        if state[name].dtype == np.float16:
            cast = helper.make_node("Cast", [name], [used_as], name=f"{name}.cast", to=TensorProto.FLOAT)
            casts.append(cast)
        else:
            renamed[used_as] = name
    nodes = list(graph.node)
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    graph.ClearField("node")
    graph.node.extend(casts + nodes)


def check_export(model: onnx.ModelProto, network: FcnNetwork, spec: ModelSpec) -> float:
    """Largest difference of a score between the graph in ONNX Runtime and torch, small, large, small picture.

    As a share of the largest score, where that is above 1.
    `network` should hold float16-rounded weights, as a stored checkpoint does. Needs onnxruntime.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    worst = 0.0
    for hw in ((40, 70), (190, 260), (40, 70)):
        x = rng.uniform(-1, 1, (1, 3, *spec.padded_hw(hw))).astype(np.float32)
        worst = max(worst, _difference(session.run([OUTPUT], {INPUT: x})[0], network, x))
    return worst


def _difference(scores: NDArray[np.float32], network: FcnNetwork, x: NDArray[np.float32]) -> float:
    with torch.inference_mode():
        expected = network.scores(torch.from_numpy(x)).numpy()
    if scores.shape != expected.shape:
        return float("inf")
    difference = np.abs(scores - expected) / max(1.0, float(np.abs(expected).max()))
    if network.options.get("upsampling") == "unpool":
        # Two maxima that are equal but for rounding: a score may be put beside its place, and a coarse one
        # spreads over a fifth of a picture. A wrong operation changes nearly all of them.
        return float(np.median(difference))
    return float(difference.max())


def _difference_in_engine(model: onnx.ModelProto, network: FcnNetwork, spec: ModelSpec) -> float:
    """The same with OpenVINO, on one picture; 0 where that is not installed either."""
    if not openvino_engine.is_installed():
        return 0.0
    state = {name: value.numpy() for name, value in stored_state(network).items()}
    request = openvino_engine.compile_graph(model.SerializeToString(), state, spec).create_infer_request()
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, *spec.padded_hw((90, 130)))).astype(np.float32)
    request.infer([x])
    return _difference(np.array(request.get_output_tensor(0).data), network, x)


def export_file(checkpoint_path: Path | str, onnx_path: Path) -> onnx.ModelProto:
    """Export a checkpoint's architecture and weights to a file. Raises CheckpointError or StorageError."""
    network, spec = load_checkpoint(checkpoint_path)
    model = export_scores(network, spec)
    try:
        worst = check_export(model, network, spec)
    except ImportError:
        worst = _difference_in_engine(model, network, spec)  # onnxruntime is a tool of development
    if worst > 1e-3:
        raise CheckpointError(
            f"The exported network {spec.architecture} differs from torch by {worst:.2g}: it was not stored."
        )
    write_atomic(onnx_path, model.SerializeToString())
    return model


def main(arguments: Sequence[str] | None = None) -> int:
    """The process: two paths in, exit code 0 or 1 with a sentence on stderr, 2 for wrong usage."""
    paths = list(sys.argv[1:] if arguments is None else arguments)
    if len(paths) != 2:
        print("usage: python -m fcn_studio.inference.export_onnx CHECKPOINT OUT.onnx", file=sys.stderr)
        return 2
    try:
        export_file(paths[0], Path(paths[1]))
    except FcnStudioError as error:
        print(error.user_message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
