"""Graphs of architectures for the engine that needs no torch: those shipped, and those exported here once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from fcn_studio.core.errors import CheckpointError
from fcn_studio.core.resources import resource_path
from fcn_studio.inference.places import default_cache_dir, prune_folder, remove_quietly
from fcn_studio.models.spec import ModelSpec, read_card

EMBEDDED = "embedded"
GRAPHS_LIMIT_BYTES = 1 << 30
EXPORT_LIMIT_S = 600.0
NICE = 10
_FORMAT = 1


def find_graph(checkpoint_path: Path | str, cache_dir: Path | None = None) -> Path | None:
    """The ONNX graph of a checkpoint's architecture and options, or None: any of its weights fit by name.

    Looked for as resources/models/<architecture>.onnx, then as the embedded model's where its card names the
    same architecture, then among those exported before. Raises CheckpointError for a checkpoint without a
    readable card.
    """
    wanted = read_card(checkpoint_path)
    exported = exported_path(wanted, cache_dir)
    return _find_shipped(wanted) or (exported if exported.is_file() else None)


def _find_shipped(wanted: ModelSpec) -> Path | None:
    try:
        if not wanted.options:
            return resource_path("models", f"{wanted.architecture}.onnx")
    except FileNotFoundError:
        pass
    try:
        graph = resource_path("models", f"{EMBEDDED}.onnx")
        card = read_card(resource_path("models", f"{EMBEDDED}.json"))
    except FileNotFoundError:
        return None
    return graph if _shape_of(card) == _shape_of(wanted) else None


def _shape_of(spec: ModelSpec) -> tuple[object, ...]:
    """What a graph is made for; a card that says otherwise of a network is told when torch opens it."""
    grid = (spec.stride, spec.score_start, spec.pad_multiple, spec.pad_remainder)
    return (spec.architecture, sorted(spec.options.items()), grid)


def exported_path(spec: ModelSpec, cache_dir: Path | None = None) -> Path:
    """Where the graph of an architecture lies once exported; grouped layers depend on the class count."""
    what = (_FORMAT, *_shape_of(spec), len(spec.class_keys))
    name = hashlib.sha256(repr(what).encode()).hexdigest()[:32]
    return (cache_dir or default_cache_dir()) / "graphs" / f"{name}.onnx"


def forget_graph(graph_path: Path, cache_dir: Path | None = None) -> bool:
    """Delete an exported graph that proved broken; False for one that came with the program."""
    if graph_path.parent != (cache_dir or default_cache_dir()) / "graphs":
        return False
    remove_quietly(graph_path)
    return True


class GraphExport:
    """One export in a process of its own (tracing would hold the interpreter lock), at low priority."""

    def __init__(self, checkpoint_path: Path, cache_dir: Path | None = None) -> None:
        self._out = exported_path(read_card(checkpoint_path), cache_dir)
        self._out.parent.mkdir(parents=True, exist_ok=True)
        module = "fcn_studio.inference.export_onnx"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(checkpoint_path), str(self._out)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)

    def wait(self) -> Path:
        """The graph, once it is written. Raises CheckpointError with the process's sentence."""
        try:
            _, said = self._process.communicate(timeout=EXPORT_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.stop()
            raise CheckpointError("Exporting the network took too long: torch goes on running it.") from None
        if self._process.returncode != 0:
            lines = said.decode(errors="replace").strip().splitlines()
            raise CheckpointError(lines[-1] if lines else "Exporting the network was broken off.")
        prune_folder(self._out.parent, GRAPHS_LIMIT_BYTES, keep=self._out)
        return self._out

    def stop(self) -> None:
        """End the process, if it still runs; ``wait`` then raises."""
        if self._process.poll() is None:
            self._process.kill()
