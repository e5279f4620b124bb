"""The classes of a project: what a label's number means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.errors import UsageError
from fcn_studio.core.palette import BACKGROUND_COLOR, Color, make_color

UNLABELLED = 255
BACKGROUND_KEY = "background"
MAX_CLASSES = 255
MORE_COLORS = 300


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class: `id` is its value in label maps, `key` its stable name across checkpoints."""

    id: int
    key: str
    name: str
    color: Color
    shortcut: str | None = None
    visible: bool = True
    locked: bool = False


def make_key(name: str) -> str:
    """A stable key from a name: 'Leaf rust' -> 'leaf_rust'; letters of any alphabet stay."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    return re.sub(r"[^\w]+", "_", folded).strip("_") or "class"


@dataclass(frozen=True)
class ClassTable:
    """An immutable list of classes; ids are never reused, so an old label never changes its meaning."""

    classes: tuple[ClassInfo, ...] = ()
    next_id: int = 0

    @classmethod
    def from_keys(
        cls, keys: Sequence[str], names: Sequence[str] | None = None, colors: Sequence[Color] | None = None
    ) -> ClassTable:
        """A table with ids 0, 1, 2, ... in the order of `keys`."""
        table = cls()
        for index, key in enumerate(keys):
            name = names[index] if names else key
            table = table.add(name, key=key, color=tuple(colors[index]) if colors else None)  # type: ignore[arg-type]
        return table

    def __iter__(self) -> Iterator[ClassInfo]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(entry.key for entry in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.classes)

    def by_id(self, class_id: int) -> ClassInfo | None:
        return next((entry for entry in self.classes if entry.id == class_id), None)

    def by_key(self, key: str) -> ClassInfo | None:
        return next((entry for entry in self.classes if entry.key == key), None)

    def by_shortcut(self, shortcut: str) -> ClassInfo | None:
        return next((entry for entry in self.classes if entry.shortcut == shortcut), None)

    def add(self, name: str, *, key: str | None = None, color: Color | None = None) -> ClassTable:
        """A table with one class more; its key 1 to 9 (0 for background) is the next free one.

        Raises UsageError for an empty or taken name and when 255 ids have been used.
        """
        name = name.strip()
        if not name:
            raise UsageError("A class needs a name.")
        if any(entry.name.casefold() == name.casefold() for entry in self.classes):
            raise UsageError(f"There is a class “{name}” already. Choose another name.")
        if self.next_id >= MAX_CLASSES:
            raise UsageError("A project can hold 255 classes at most.")
        key = self._free_key(key or make_key(name))
        entry = ClassInfo(self.next_id, key, name, color or self._free_color(key), self._free_shortcut(key))
        return ClassTable((*self.classes, entry), self.next_id + 1)

    def _free_key(self, key: str) -> str:
        candidate, number = key, 2
        while candidate in self.keys:
            candidate, number = f"{key}_{number}", number + 1
        return candidate

    def _free_color(self, key: str) -> Color:
        if key == BACKGROUND_KEY:
            return BACKGROUND_COLOR
        taken = {entry.color for entry in self.classes}
        return next(color for color in map(make_color, range(MORE_COLORS)) if color not in taken)

    def _free_shortcut(self, key: str) -> str | None:
        taken = {entry.shortcut for entry in self.classes}
        wanted = "0" if key == BACKGROUND_KEY else "123456789"
        return next((digit for digit in wanted if digit not in taken), None)

    def rename(self, class_id: int, name: str) -> ClassTable:
        """A new name for the person; the key stays, so checkpoints still know the class."""
        name = name.strip()
        if not name:
            raise UsageError("A class needs a name.")
        if any(e.name.casefold() == name.casefold() and e.id != class_id for e in self.classes):
            raise UsageError(f"There is a class “{name}” already. Choose another name.")
        return self._with(class_id, name=name)

    def with_visible(self, class_id: int, visible: bool) -> ClassTable:
        return self._with(class_id, visible=visible)

    def with_locked(self, class_id: int, locked: bool) -> ClassTable:
        return self._with(class_id, locked=locked)

    def with_color(self, class_id: int, color: Color) -> ClassTable:
        return self._with(class_id, color=color)

    def _with(self, class_id: int, **changes: object) -> ClassTable:
        classes = tuple(
            replace(entry, **changes) if entry.id == class_id else entry  # type: ignore[arg-type]
            for entry in self.classes
        )
        return ClassTable(classes, self.next_id)

    def make_lut(self, channel_keys: Sequence[str]) -> NDArray[np.uint8]:
        """uint8 [256]: network channel -> class id; 255 for a channel without a class here."""
        lut = np.full(256, UNLABELLED, np.uint8)
        ids = {entry.key: entry.id for entry in self.classes}
        for channel, key in enumerate(channel_keys):
            lut[channel] = ids.get(key, UNLABELLED)
        return lut

    def make_channel_lut(self, channel_keys: Sequence[str]) -> NDArray[np.uint8]:
        """uint8 [256]: class id -> network channel; 255 where the network lacks the class."""
        lut = np.full(256, UNLABELLED, np.uint8)
        channels = {key: channel for channel, key in enumerate(channel_keys)}
        for entry in self.classes:
            lut[entry.id] = channels.get(entry.key, UNLABELLED)
        return lut

    def make_palette(self) -> NDArray[np.uint8]:
        """uint8 [256, 3]: RGB of each class id; unlabelled and unused values are black."""
        palette = np.zeros((256, 3), np.uint8)
        for entry in self.classes:
            palette[entry.id] = entry.color
        return palette
