"""Which key does what: the command table's keys, a preset over them, and the person's own over that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from fcn_studio.core.settings import Settings
from fcn_studio.ui.commands import BY_ID, COMMANDS
from fcn_studio.ui.key_presets import OURS, PRESETS

Keys = tuple[str, ...]

RESERVED: tuple[str, ...] = (
    "Space", "Esc", "Return", "Enter", "Backspace", "Tab", "Shift+Tab", "Left", "Right", "Up", "Down",
)  # fmt: skip
"""Keys that the canvas and the fields use themselves."""


def read_key(text: str) -> str:
    """A key in the form that is compared and stored ("Ctrl+Shift+Z"); empty for what is no key."""
    sequence = QKeySequence(text)
    if sequence.count() != 1 or sequence[0].key() == Qt.Key.Key_unknown:  # type: ignore[index]
        return ""
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)


def write_key(text: str) -> str:
    """A key as the system writes it."""
    return QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText)


class Keymap:
    """The keys of every command; changes are kept in the settings and told to whoever asked for it.

    No key belongs to two commands: a preset's command takes its key from the one that had it, and the
    person's own choice from both.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings if settings is not None else Settings()
        self._listeners: list[Callable[[], None]] = []
        self._keys: dict[str, Keys] = {}
        self._build()

    def __getitem__(self, command_id: str) -> Keys:
        """Keys of a command, the first is the one that is shown; none for an unknown command."""
        return self._keys.get(command_id, ())

    @property
    def preset(self) -> str:
        name: str = self._settings["key_preset"]
        return name if name in PRESETS else OURS

    @property
    def own(self) -> Mapping[str, Keys]:
        """What the person has changed, by command."""
        return {i: tuple(keys) for i, keys in self._settings["keys"].items() if i in BY_ID}

    def find_owner(self, key: str) -> str | None:
        """The command that has a key, or None."""
        wanted = read_key(key)
        return next((i for i, keys in self._keys.items() if wanted in keys), None)

    def default_of(self, command_id: str) -> Keys:
        """What the command's keys are in this preset without the person's own choice."""
        return _layered(self.preset, {})[command_id]

    def on_changed(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Do not call `listener` any more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def choose_preset(self, name: str) -> None:
        """Take a program's keys; the person's own choices are let go."""
        self._settings["key_preset"] = name if name in PRESETS else OURS
        self._settings["keys"] = {}
        self._build()

    def assign(self, command_id: str, keys: Sequence[str]) -> None:
        """Give a command these keys; whoever had one of them loses it."""
        wanted = tuple(dict.fromkeys(filter(None, map(read_key, keys))))
        own = dict(self._settings["keys"])
        for other, had in self._keys.items():
            if other != command_id and not set(had).isdisjoint(wanted):
                own[other] = [key for key in had if key not in wanted]
        own[command_id] = list(wanted)
        self._settings["keys"] = {i: k for i, k in own.items() if tuple(k) != self.default_of(i)}
        self._build()

    def reset(self, command_id: str) -> None:
        """Back to the preset's keys; whoever has one of them loses it."""
        self.assign(command_id, self.default_of(command_id))

    def _build(self) -> None:
        self._keys = _layered(self.preset, self.own)
        for listener in list(self._listeners):
            listener()


def _layered(preset: str, own: Mapping[str, Keys]) -> dict[str, Keys]:
    """Keys by command: the person's own first, then the preset's, then the table's; each key once."""
    layers: list[Mapping[str, Keys]] = [own, PRESETS[preset], {c.id: c.keys for c in COMMANDS}]
    taken: set[str] = set()
    made: dict[str, Keys] = {}
    for layer in layers:
        for command in COMMANDS:
            if command.id in layer and command.id not in made:
                keys = [key for key in map(read_key, layer[command.id]) if key and key not in taken]
                made[command.id] = tuple(keys)
                taken.update(keys)
    return {command.id: made[command.id] for command in COMMANDS}
