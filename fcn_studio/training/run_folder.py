"""A run on disk: its config, the state to go on from, and one log line an event."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import torch

from fcn_studio.core.errors import TrainingError
from fcn_studio.io.atomic import make_folder, storage_error, write_atomic

CONFIG = "config.json"
STATE = "state.pt"
LOG = "log.jsonl"


class RunFolder:
    """``config.json`` (what was asked for), ``state.pt`` (tensors and numbers), ``log.jsonl``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, config: dict[str, Any]) -> None:
        """Make the folder and store the config; a state and log of an earlier run are put away.

        Raises ReadOnlyError or StorageError.
        """
        make_folder(self.path)
        for name in (STATE, LOG):
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, self.path / name) from error
        write_atomic(self.path / CONFIG, (json.dumps(config, indent=1) + "\n").encode())

    def is_of(self, config: dict[str, Any]) -> bool:
        """Whether this run was begun with this config."""
        try:
            return bool(self.config() == json.loads(json.dumps(config)))
        except TrainingError:
            return False

    def require_same(self, config: dict[str, Any], defaults: dict[str, Any] | None = None) -> None:
        """Raise TrainingError when this run was begun with another config; names what differs.

        defaults: by key of the config, values of entries that a run begun before they existed lacks.
        """
        stored = self.config()
        for key, value in json.loads(json.dumps(config)).items():
            known = stored.get(key)
            if isinstance(known, dict):
                known = json.loads(json.dumps((defaults or {}).get(key, {}))) | known
                differing = [name for name in value if known.get(name) != value[name]]
                key = f"{key} ({', '.join(differing)})" if differing else key
            else:
                differing = [key] if known != value else []
            if differing:
                raise TrainingError(
                    f"The run in {self.path.name} was begun with another {key}: "
                    "resume it as it was begun, or name a new run folder."
                )

    def config(self) -> dict[str, Any]:
        """What was asked for when the run began. Raises TrainingError when it cannot be read."""
        try:
            return dict(json.loads((self.path / CONFIG).read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{self.path.name} holds no run that can be resumed: start it anew without --resume."
            ) from error

    @property
    def has_state(self) -> bool:
        return (self.path / STATE).is_file()

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the stored state in one piece."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomic(self.path / STATE, buffer.getvalue())

    def load_state(self) -> dict[str, Any]:
        """The stored state (tensors and plain values only). Raises TrainingError when it is broken."""
        try:
            return dict(torch.load(self.path / STATE, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises many kinds for a broken file
            raise TrainingError(
                f"The state of the run in {self.path.name} is broken: start it anew (without --resume)."
            ) from error

    def end(self) -> None:
        """The run is over: its state is not needed any more, config and log stay."""
        (self.path / STATE).unlink(missing_ok=True)

    def log(self, **entry: Any) -> None:
        """Append one line."""
        try:
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"time": round(time.time(), 2), **entry}) + "\n")
        except OSError as error:
            raise storage_error(error, self.path / LOG) from error
