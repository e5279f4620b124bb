"""The engine protocol and the choice of one: what turns prepared pixels into a small score map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.errors import CheckpointError
from fcn_studio.inference import graphs, openvino_engine
from fcn_studio.inference.device import choose_device
from fcn_studio.models.spec import ModelSpec


class Engine(Protocol):
    """One checkpoint ready to run; used by one thread at a time."""

    @property
    def name(self) -> str:
        """What runs it, for the status bar: "OpenVINO f32, cpu"."""
        ...

    @property
    def spec(self) -> ModelSpec: ...

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [1, 3, H, W], prepared and padded as the card says, to scores float32 [K, h, w].

        The array that comes back belongs to the caller.
        """
        ...

    def close(self) -> None:
        """Give back memory; the engine must not be used afterwards. May be called twice."""
        ...


def make_engine(
    checkpoint_path: Path | str,
    device: str = "auto",
    cache_dir: Path | None = None,
    *,
    threads: int | None = None,
    quick: bool = False,
    finest: int | None = None,
) -> Engine:
    """The fastest engine that is there for a checkpoint.

    device: "auto" takes a CUDA device where there is one, else the CPU; "cpu"; "cuda".
    On the CPU that is OpenVINO where it is installed and the architecture's graph is there, without torch
    being imported; otherwise torch. cache_dir: the program's cache folder (compiled networks go there), None
    = the default. threads: of the CPU engine, None = as many as it likes. quick: for a first answer after the
    start; "auto" then means the CPU as long as torch, which takes seconds to import, is not loaded and can be
    done without. finest: only the scores at this stride and coarser ones are summed, to show what each stride
    contributes.
    Raises CheckpointError (the checkpoint is broken or foreign) or DeviceError (cuda, and none there).
    """
    graph = graphs.find_graph(checkpoint_path, cache_dir) if openvino_engine.is_installed() else None
    spare_torch = quick and device == "auto" and graph is not None and "torch" not in sys.modules
    where = "cpu" if spare_torch else choose_device(device)
    if where == "cpu" and graph is not None:
        try:
            return openvino_engine.OpenVinoEngine.open(
                checkpoint_path, graph, cache_dir, threads=threads, finest=finest
            )
        except CheckpointError:
            if not graphs.forget_graph(graph, cache_dir):
                raise  # the graph came with the program: it is the checkpoint that does not fit
    from fcn_studio.inference.torch_engine import TorchEngine

    return TorchEngine.open(checkpoint_path, where, finest)
