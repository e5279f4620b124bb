"""The OpenVINO engine: the CPU's fastest, and the one that starts without importing torch.

A graph (ONNX) is exported once per architecture; its weights are replaced by name with those of a checkpoint,
so a fine-tuned checkpoint needs neither torch nor an export of its own. OpenVINO compiles that for pictures
of any size, and for a size that comes again and again once more, which is a seventh faster; both are kept in
the cache folder.

Precision is float32: in bf16 the networks here run almost twice as fast, but a tenth of the pictures then
agree with float32 on less than 99.5 % of their pixels (docs/adr/0003), so what is shown would depend on the
processor.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.errors import CheckpointError, FcnStudioError, StorageError
from fcn_studio.inference.places import default_cache_dir, prune_folder, remove_quietly
from fcn_studio.io.atomic import write_atomic
from fcn_studio.models.spec import ModelSpec, checkpoint_paths, read_card
from fcn_studio.models.weights import broken_message, finer_scores, read_state, require_own_weights

Hw = tuple[int, int]

WEIGHTS = (".weight", ".bias", ".running_mean", ".running_var")
"""How the names of a graph's constants end that are a checkpoint's to fill."""
BLOB_MAGIC = b"FCNSOV1\n"
BLOBS_LIMIT_BYTES = 128 << 20
FIXED_FROM = 8  # pictures of one size, from which it is worth while: to compile takes as long as seven or so
FIXED_KEPT = 2  # sizes; each takes the memory of what is computed in between once more


def is_installed() -> bool:
    """Whether the package is there; does not import it."""
    return importlib.util.find_spec("openvino") is not None


def _import_openvino() -> Any:
    """The package without its telemetry.

    Its import would send a message to its makers, unasked, from a thread that outlives the session; with that
    module barred it falls back to a stub of its own.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


class OpenVinoEngine:
    """A compiled network on the CPU behind the engine protocol."""

    def __init__(self, spec: ModelSpec, compile_for: Callable[[Hw | None], Any]) -> None:
        """compile_for: gives a CompiledModel for pictures of one size, for None one for those of any size."""
        self._spec = spec
        self._compile_for = compile_for
        self._any_size: Any = compile_for(None).create_infer_request()
        self._fixed: OrderedDict[Hw, Any] = OrderedDict()  # the one that was used last at the end
        self._seen: Counter[Hw] = Counter()

    @classmethod
    def open(
        cls,
        checkpoint_path: Path | str,
        graph_path: Path,
        cache_dir: Path | None = None,
        *,
        threads: int | None = None,
        finest: int | None = None,
    ) -> OpenVinoEngine:
        """Compile a checkpoint over its architecture's graph, or take what was compiled before.

        finest: scores at strides below it are left out.
        Raises CheckpointError when the checkpoint is broken or does not fit the graph.
        """
        spec = read_card(checkpoint_path)
        require_own_weights(checkpoint_paths(checkpoint_path)[0], spec)
        graph, weights = graph_path.read_bytes(), _digest_weights(checkpoint_path)
        made_of = weights, len(spec.class_keys), finest  # the id of a card proves nothing about the weights

        def compile_for(hw: Hw | None) -> Any:
            blob_path = _blob_path(cache_dir or default_cache_dir(), (*made_of, hw), graph, threads)
            compiled = _read_blob(blob_path, threads)
            if compiled is None:
                if _digest_weights(checkpoint_path) != weights:
                    raise _misfit(spec, "its weights have just changed")
                state = read_state(checkpoint_path)
                for name in finer_scores(state, finest or 1):
                    state[name] = np.zeros_like(state[name])
                compiled = compile_graph(graph, state, spec, threads=threads, hw=hw)
                _store_blob(blob_path, compiled)
            return compiled

        return cls(spec, compile_for)

    @property
    def name(self) -> str:
        return "OpenVINO f32, cpu"

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [1, 3, H, W] to scores float32 [K, h, w]."""
        request = self._request_for((x.shape[2], x.shape[3]))
        request.infer([np.ascontiguousarray(x)], share_inputs=True)
        return np.array(request.get_output_tensor(0).data[0])

    def _request_for(self, hw: Hw) -> Any:
        self._seen[hw] += 1
        if hw in self._fixed:
            self._fixed.move_to_end(hw)
        elif self._seen[hw] == FIXED_FROM:
            # the checkpoint's files may have gone or changed since: the network for any size does it, too
            with suppress(FcnStudioError, OSError):
                self._fixed[hw] = self._compile_for(hw).create_infer_request()
            if len(self._fixed) > FIXED_KEPT:
                left, _ = self._fixed.popitem(last=False)
                self._seen[left] = 0
        return self._fixed.get(hw, self._any_size)

    def close(self) -> None:
        self._any_size = None
        self._fixed.clear()


def compile_graph(
    graph: bytes,
    state: Mapping[str, NDArray[np.floating]],
    spec: ModelSpec,
    *,
    threads: int | None = None,
    hw: Hw | None = None,
) -> Any:
    """Put the weights of `state` into an ONNX graph (bytes) and compile it; an OpenVINO CompiledModel.

    Every weight of the graph is replaced by the array of the same name; only its first axis may differ, where
    it is the number of classes. hw: of the pictures, None = any.
    Raises CheckpointError, naming the weight or the key that does not fit.
    """
    openvino = _import_openvino()
    core = openvino.Core()
    try:
        model = core.read_model(graph)
    except RuntimeError as error:
        raise _misfit(spec, "the graph is broken") from error
    left = dict(state)
    for node in model.get_ops():
        name = node.get_friendly_name()
        if node.get_type_name() != "Constant":
            continue
        if name not in left:
            if name.endswith(WEIGHTS):
                raise _misfit(spec, f"the weight {name!r} is missing")
            continue
        old, new = node.data, left.pop(name)
        misfit = _find_misfit(name, old.shape, new.shape, spec)
        if misfit:
            raise _misfit(spec, misfit)
        constant = openvino.op.Constant(np.ascontiguousarray(new.astype(old.dtype)))
        constant.set_friendly_name(name)
        node.output(0).replace(constant.output(0))
    if left:
        raise _misfit(spec, f"it has no weight {next(iter(left))!r}")
    try:
        if hw is not None:
            model.reshape([1, 3, *hw])
        model.validate_nodes_and_infer_types()
        classes = model.output(0).get_partial_shape()[1]
        if classes.is_static and classes.get_length() != len(spec.class_keys):
            listed = f"the card lists {len(spec.class_keys)} classes, the weights have {classes.get_length()}"
            raise _misfit(spec, f"class_keys: {listed}")
        return core.compile_model(model, "CPU", _settings(threads))
    except RuntimeError as error:
        raise _misfit(spec, "its weights do not fit each other") from error


def _find_misfit(name: str, old: tuple[int, ...], new: tuple[int, ...], spec: ModelSpec) -> str:
    """Why a weight cannot stand where the graph's was; an empty text where it can."""
    if len(old) == len(new) and old[1:] == new[1:]:
        rows, classes = new[0], len(spec.class_keys)
        # a network with united classes has more rows than classes; OpenVINO finds out what does not fit
        if rows in (old[0], classes) or ("merged" in spec.options and rows > 1):
            return ""
        if "score" in name:
            return f"class_keys: the card lists {classes} classes, the weights have {rows}"
    sizes = ["x".join(map(str, shape)) for shape in (new, old)]
    return f"the weight {name!r} is {sizes[0]} instead of {sizes[1]}"


def _digest_weights(checkpoint_path: Path | str) -> str:
    try:
        with checkpoint_paths(checkpoint_path)[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(broken_message(checkpoint_paths(checkpoint_path)[0])) from error


def _misfit(spec: ModelSpec, what: str) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint {spec.name} does not fit the network {spec.architecture} ({what}): "
        "take both of its files from the same place, or train it again."
    )


def _settings(threads: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        # Pinned workers would hold their cores against the window's thread, whatever their priority.
        "ENABLE_CPU_PINNING": False,
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    return settings


def _blob_path(cache_dir: Path, made_of: tuple[object, ...], graph: bytes, threads: int | None) -> Path:
    openvino = _import_openvino()
    digest = hashlib.sha256(graph)
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    digest.update(repr((made_of, openvino.__version__, processor, _settings(threads))).encode())
    return cache_dir / "engines" / f"{digest.hexdigest()[:32]}.blob"


def _read_blob(path: Path, threads: int | None) -> Any:
    """What was compiled before, or None. A damaged file is removed: OpenVINO would crash on it."""
    openvino = _import_openvino()
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head = len(BLOB_MAGIC) + 4
    body = data[head:]
    if data[:head] != BLOB_MAGIC + zlib.crc32(body).to_bytes(4, "little"):
        remove_quietly(path)
        return None
    try:
        compiled = openvino.Core().import_model(body, "CPU", _settings(threads))
        os.utime(path)
    except (RuntimeError, OSError):
        remove_quietly(path)
        return None
    return compiled


def _store_blob(path: Path, compiled: Any) -> None:
    """Keep a compiled network; a cache that cannot be written only costs the next start some time."""
    body = compiled.export_model().getvalue()
    data = BLOB_MAGIC + zlib.crc32(body).to_bytes(4, "little") + body
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data, sync=False)
        prune_folder(path.parent, BLOBS_LIMIT_BYTES, keep=path)
    except (OSError, StorageError):
        return
