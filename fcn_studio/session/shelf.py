"""The checkpoints of the project and the embedded one, and which of them is active."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.core.resources import resource_path
from fcn_studio.models.spec import ModelSpec, read_card
from fcn_studio.models.weights import read_strides
from fcn_studio.project.project import Project
from fcn_studio.session.events import Level, Notice, SessionEvents
from fcn_studio.session.predicting import CheckpointEntry

EMBEDDED_ID = "embedded"


class ShelfDesk:
    """Lists checkpoints, makes one active, finds a place for the next."""

    def __init__(
        self,
        events: SessionEvents,
        on_active: Callable[[CheckpointEntry], None],
        store: Callable[[str | None], None],
    ) -> None:
        self._events = events
        self._on_active = on_active
        self._store = store
        self._project: Project | None = None
        self.entries: tuple[CheckpointEntry, ...] = ()

    @property
    def active(self) -> CheckpointEntry | None:
        return next((entry for entry in self.entries if entry.active), None)

    def follow(self, project: Project) -> None:
        """List another project's checkpoints and use the one that was active there."""
        self._project = project
        self.activate(project.active_checkpoint or EMBEDDED_ID, remember=False)

    def activate(self, checkpoint_id: str, *, remember: bool = True) -> None:
        """Use a checkpoint from now on; one that cannot be used leaves a notice and the embedded one."""
        entries = self._list(checkpoint_id)
        chosen = next((entry for entry in entries if entry.active), None)
        if chosen is None or not chosen.usable:
            reason = chosen.reason if chosen else f"The checkpoint “{checkpoint_id}” is no longer there."
            self._events.notice.emit(Notice(Level.WARNING, f"{reason} The embedded model is used instead."))
            entries = self._list(EMBEDDED_ID)
            chosen = next(entry for entry in entries if entry.active)
        self.entries = entries
        if remember:
            self._store(None if chosen.id == EMBEDDED_ID else chosen.id)
        self._events.checkpoints_changed.emit()
        self._on_active(chosen)

    def fall_back(self) -> bool:
        """The active checkpoint has proved broken: use the embedded one; False when it is that one."""
        if self.active is None or self.active.id == EMBEDDED_ID:
            return False
        self.activate(EMBEDDED_ID, remember=False)
        return True

    def adopt(self, path: Path) -> None:
        """A new checkpoint lies on the shelf: make it active."""
        self.activate(path.stem)

    def refresh(self) -> None:
        """List a new checkpoint too; the active one stays."""
        if self.active is not None:
            self.entries = self._list(self.active.id)
            self._events.checkpoints_changed.emit()

    def next_path(self) -> Path:
        """Where the next checkpoint of this project will lie; makes the folder. Raises StorageError."""
        if self._project is None:
            raise RuntimeError("no project is open")
        return self._project.next_checkpoint_path()

    @property
    def run_folder(self) -> Path:
        """Where a fine-tuning of this project keeps its state, so that it survives a crash."""
        if self._project is None:
            raise RuntimeError("no project is open")
        return self._project.runs_dir / "fine-tune"

    def _list(self, active_id: str) -> tuple[CheckpointEntry, ...]:
        embedded = resource_path("models", "embedded.safetensors")
        entries = [_read_entry(EMBEDDED_ID, embedded, active_id)]
        for path in self._project.checkpoint_paths() if self._project is not None else ():
            entries.append(_read_entry(path.stem, path, active_id))
        return tuple(entries)


def _read_entry(checkpoint_id: str, path: Path, active_id: str) -> CheckpointEntry:
    active = checkpoint_id == active_id
    try:
        card, strides = read_card(path), read_strides(path)
    except FcnStudioError as error:
        reason = error.user_message
        return CheckpointEntry(
            checkpoint_id, path.stem, False, reason, {}, active, None, path, ClassTable(), ""
        )
    figures = {key: float(value) for key, value in card.figures.items() if isinstance(value, int | float)}
    name = card.name if checkpoint_id == EMBEDDED_ID else path.stem
    return CheckpointEntry(
        checkpoint_id,
        name,
        True,
        "",
        figures,
        active,
        card.parent,
        path,
        _make_classes(card),
        card.id,
        strides,
    )


def _make_classes(card: ModelSpec) -> ClassTable:
    """The card's classes as a table for previews: ids are channels, colours are this program's own."""
    return ClassTable.from_keys(card.class_keys, card.class_names)
