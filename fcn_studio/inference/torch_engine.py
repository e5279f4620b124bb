"""The torch engine: any device, the network stays resident; the one that needs no other package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fcn_studio.models.checkpoint import load_checkpoint
from fcn_studio.models.spec import ModelSpec
from fcn_studio.models.weights import finer_scores


def sees_cuda() -> bool:
    """Whether torch can use a CUDA device here."""
    return bool(torch.cuda.is_available())


class TorchEngine:
    """A torch module in eval mode behind the engine protocol.

    `module.scores(x)` takes float32 [1, 3, H, W] to [1, K, h, w]. Training hands in its own module; it is
    neither copied nor changed, apart from its mode, which is put back after each call.
    """

    def __init__(self, module: Any, spec: ModelSpec, device: str = "cpu") -> None:
        self._module: Any = module
        self._spec = spec
        self._device = torch.device(device)
        self._pinned: torch.Tensor | None = None

    @classmethod
    def open(cls, checkpoint_path: Path | str, device: str = "cpu", finest: int | None = None) -> TorchEngine:
        """Load a checkpoint, without the scores at strides below `finest`. Raises CheckpointError."""
        module, spec = load_checkpoint(checkpoint_path, device)
        if finest is not None:
            state = module.state_dict()
            for name in finer_scores(state, finest):
                state[name].zero_()
        return cls(module, spec, device)

    @property
    def name(self) -> str:
        return f"torch f32, {self._device.type}"

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [1, 3, H, W] to scores float32 [K, h, w]; the copy back is the only wait for the device."""
        training = self._module.training
        if training:
            self._module.eval()
        try:
            # No context of torch may be open when a job yields: this one closes before anything else runs.
            with torch.inference_mode():
                scores: torch.Tensor = self._module.scores(self._to_device(x))
                small: NDArray[np.float32] = scores[0].float().cpu().numpy()
                return small
        finally:
            if training:
                self._module.train()

    def _to_device(self, x: NDArray[np.float32]) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(x))
        if self._device.type == "cuda":
            # From pinned memory the copy runs beside the host; a pageable one would make it wait.
            if self._pinned is None or self._pinned.numel() < tensor.numel():
                self._pinned = torch.empty(tensor.numel(), pin_memory=True)
            staged = self._pinned[: tensor.numel()].view(tensor.shape).copy_(tensor)
            tensor = staged.to(self._device, non_blocking=True)
        return tensor.contiguous(memory_format=torch.channels_last)

    def close(self) -> None:
        self._module = None
        self._pinned = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
