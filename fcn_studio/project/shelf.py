"""The checkpoint shelf of a project: `checkpoints/NAME.safetensors` with a card beside each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcn_studio.core.errors import CheckpointError
from fcn_studio.io.scan import natural_key

if TYPE_CHECKING:
    from fcn_studio.models.spec import ModelSpec

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class ShelfEntry:
    """One checkpoint: its card, or the reason why it cannot be used."""

    path: Path
    card: ModelSpec | None
    reason: str = ""

    @property
    def name(self) -> str:
        return self.path.stem


def find_checkpoints(store: Path) -> tuple[Path, ...]:
    """All checkpoints of a project in the order in which people count."""
    found = (store / "checkpoints").glob(f"*{SUFFIX}")
    return tuple(sorted((path for path in found if path.is_file()), key=lambda path: natural_key(path.name)))


def make_next_path(store: Path, title: str) -> Path:
    """`checkpoints/TITLE N.safetensors` with the first N behind all that are there."""
    folder = store / "checkpoints"
    number = 1
    for path in (*find_checkpoints(store), *folder.glob("*.json")):
        ending = path.stem.removeprefix(f"{title} ")
        if ending.isdecimal() and path.stem.startswith(f"{title} "):
            number = max(number, int(ending) + 1)
    return folder / f"{title} {number}{SUFFIX}"


def read_shelf(embedded: Path, store: Path) -> tuple[ShelfEntry, ...]:
    """The embedded model first, then the project's checkpoints; a broken card is listed with its reason."""
    return tuple(read_entry(path) for path in (embedded, *find_checkpoints(store)))


def read_entry(path: Path) -> ShelfEntry:
    """One checkpoint's card without torch; never raises for a broken one."""
    from fcn_studio.models.spec import read_card

    try:
        return ShelfEntry(path, read_card(path))
    except CheckpointError as error:
        return ShelfEntry(path, None, error.user_message)
