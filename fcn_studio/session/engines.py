"""Networks ready to run, a few at a time; they live on the device thread, in its jobs and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcn_studio.inference.predictor import Predictor
    from fcn_studio.session.predicting import CheckpointEntry

ENGINES_KEPT = 3


class Engines:
    """Builds an engine when a checkpoint is first asked about, and keeps those asked for last.

    As long as torch is not loaded, "auto" is answered by the engine that does without it; `forget_quick`
    lets a GPU take over afterwards.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._predictors: dict[tuple[str, str], Predictor] = {}

    def find(self, entry: CheckpointEntry, device: str) -> Predictor:
        """The predictor for a checkpoint. Raises CheckpointError, DeviceError."""
        # Only now, on the device thread: the window must not wait for an engine's libraries.
        from fcn_studio.inference.engine import make_engine
        from fcn_studio.inference.predictor import Predictor

        key = (entry.card_id, device)
        if key not in self._predictors:
            while len(self._predictors) >= ENGINES_KEPT:
                self._close(next(iter(self._predictors)))
            engine = make_engine(entry.path, device, self._cache_dir, quick=True, finest=entry.finest)
            self._predictors[key] = Predictor(engine)
        self._predictors[key] = self._predictors.pop(key)  # the last one in the order is the last one used
        return self._predictors[key]

    def forget(self, card_id: str) -> None:
        """Close what runs a checkpoint: the next question finds the fastest engine anew."""
        for key in [key for key in self._predictors if key[0] == card_id]:
            self._close(key)

    def forget_quick(self) -> bool:
        """Once torch is loaded: close what "auto" had put on the CPU beside a GPU; whether there was any."""
        from fcn_studio.inference.device import choose_device

        quick = [key for key, found in self._predictors.items() if "cuda" not in found.engine.name]
        quick = [key for key in quick if key[1] == "auto"]
        if not quick or choose_device("auto") != "cuda":
            return False
        for key in quick:
            self._close(key)
        return True

    def _close(self, key: tuple[str, str]) -> None:
        self._predictors.pop(key).engine.close()
