"""Turns the command table into actions, menus and key bindings, and keeps them in step with the situation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu, QMenuBar, QWidget

from fcn_studio.core.errors import FcnStudioError
from fcn_studio.ui.commands import COMMANDS, MENUS, Command, Situation
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.keymap import Keymap, write_key
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.ui.deeds import Deeds

PEEK_AFTER_S = 0.3
KEYS_IN = "keysIn"  # dynamic property: a text and the commands whose keys stand in it
ROLES = {"quit": QAction.MenuRole.QuitRole, "about": QAction.MenuRole.AboutRole}
MODIFIER_KEYS: dict[int, Qt.KeyboardModifier] = {
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
    Qt.Key.Key_Meta: Qt.KeyboardModifier.MetaModifier,
}


def title_of(command: Command) -> str:
    """The command's title in the person's language."""
    return QCoreApplication.translate("Command", command.title)


# The keys of the window that was made last, for texts that name a key. Shortcuts are the application's too.
_shown = [Keymap()]


def key_text(command_id: str) -> str:
    """The command's first key as the system writes it; empty where it has none."""
    keys = _shown[0][command_id]
    return write_key(keys[0]) if keys else ""


def with_key(text: str, command_id: str) -> str:
    """`text` with the command's key behind it, for tooltips."""
    key = key_text(command_id)
    return f"{text}  ({key})" if key else text


def write_keys(widget: QWidget, text: str, *command_ids: str) -> None:
    """Give a label its text, any other widget its tooltip, with the keys of commands at {0}, {1}, ...

    It is written anew when other keys are chosen (`write_keys_anew`).
    """
    widget.setProperty(KEYS_IN, [text, *command_ids])
    shown = text.format(*map(key_text, command_ids))
    if isinstance(widget, QLabel):
        widget.setText(shown)
    else:
        widget.setToolTip(shown)


def write_keys_anew(window: QWidget) -> None:
    """Bring all texts of a window that name keys (see `write_keys`) in step with the keys."""
    for widget in window.findChildren(QWidget):
        if (kept := widget.property(KEYS_IN)) is not None:
            write_keys(widget, *kept)


class CommandActions(QObject):
    """One QAction a command. `failed` carries the sentence of a command that could not be done.

    `keys_changed`: somebody chose other keys; texts that name one are to be written anew.
    """

    failed = Signal(str)
    keys_changed = Signal()

    def __init__(self, window: QMainWindow, deeds: Deeds, theme: Theme, keymap: Keymap) -> None:
        super().__init__(window)
        self._window, self._deeds, self._theme = window, deeds, theme
        self.keymap = _shown[0] = keymap
        self.situation = Situation()
        keymap.on_changed(self._on_keys_changed)
        self._actions = {command.id: self._make_action(command) for command in COMMANDS}
        self._toggled_at: dict[str, float] = {}  # commands whose key is down, and since when
        window.installEventFilter(self)

    def __getitem__(self, command_id: str) -> KeyedAction:
        return self._actions[command_id]

    def at(self, bar: str) -> list[QAction]:
        """The actions that the table gives a place in the tool row."""
        return [self._actions[command.id] for command in COMMANDS if command.bar == bar]

    def run(self, command_id: str) -> None:
        """Do a command by name, as a notice's button does; nothing happens while it is not enabled."""
        self._actions[command_id].trigger()

    def _on_keys_changed(self) -> None:
        for command in COMMANDS:
            action = self._actions[command.id]
            action.setShortcuts([QKeySequence(key) for key in self.keymap[command.id]])
            action.setToolTip(with_key(title_of(command), command.id))
        self.refresh(self.situation)
        self.keys_changed.emit()

    def refresh(self, situation: Situation) -> None:
        """Bring enabled, checked and text of all actions in step."""
        self.situation = situation
        for command in COMMANDS:
            action = self._actions[command.id]
            enabled = command.enabled_when(situation)
            action.setVisible(enabled or not command.is_hidden_when_off)  # first: a hidden one stays disabled
            action.setEnabled(enabled)
            if command.checked_when is not None:
                action.setChecked(command.checked_when(situation))
            if command.text_when is not None:
                text = command.text_when(situation, title_of(command))
                action.setText(text.replace("&", "&&"))
                action.setToolTip(with_key(text, command.id))

    def fill(self, bar: QMenuBar) -> None:
        """Build all menus from the table."""
        menus: dict[str, QMenu] = {}
        for name in MENUS:
            menus[name] = bar.addMenu(f"&{QCoreApplication.translate('Menu', name)}")
            menus[name].setToolTipsVisible(False)
        groups: dict[str, int] = {}
        for command in COMMANDS:
            menu = menus.get(command.menu) or self._submenu(menus, command.menu)
            if groups.setdefault(command.menu, command.group) != command.group:
                menu.addSeparator()
                groups[command.menu] = command.group
            menu.addAction(self._actions[command.id])

    def _submenu(self, menus: dict[str, QMenu], path: str) -> QMenu:
        parent, name = path.rsplit("/", 1)
        if menus[parent].actions():
            menus[parent].addSeparator()
        menus[path] = menus[parent].addMenu(QCoreApplication.translate("Menu", name))
        return menus[path]

    def _make_action(self, command: Command) -> KeyedAction:
        action = KeyedAction(title_of(command), self._window)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(key) for key in self.keymap[command.id]])
        action.setAutoRepeat(command.repeats)
        action.setMenuRole(ROLES.get(command.id, QAction.MenuRole.NoRole))
        action.setToolTip(with_key(title_of(command), command.id))
        if command.icon:
            # a checked one lies on the accent, in menus too
            on_token = "on_accent" if command.checked_when is not None else None
            action.setIcon(make_icon(self._theme, command.icon, on_token=on_token))
        action.setCheckable(command.checked_when is not None)
        action.triggered.connect(lambda _checked=False: self._do(command))
        self._window.addAction(action)
        return action

    def _do(self, command: Command) -> None:
        if command.holds and self._actions[command.id].is_by_key:
            self._toggled_at[command.id] = time.monotonic()
            if (application := QCoreApplication.instance()) is not None:
                application.installEventFilter(self)
        try:
            command.action(self._deeds)
        except FcnStudioError as error:
            self.failed.emit(error.user_message)

    # --- keys that show the other state only while they are held ----------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the window; while a peek's key is down, of the whole program.

        A menu or a field may have the keys by the time it comes up. Of a key with Shift either part may come
        up first.
        """
        kind = event.type()
        if kind == QEvent.Type.WindowDeactivate and watched is self._window:  # keys come up elsewhere now
            self._end_peeks(list(self._toggled_at))
        elif kind == QEvent.Type.KeyRelease and self._toggled_at:
            released: QKeyEvent = event  # type: ignore[assignment]
            if not released.isAutoRepeat():
                self._end_peeks([i for i in self._toggled_at if self._belongs(released.key(), i)])
        return super().eventFilter(watched, event)

    def _end_peeks(self, command_ids: list[str]) -> None:
        """The keys of these commands are up: those that were held go back."""
        now = time.monotonic()
        held = [i for i in command_ids if now - self._toggled_at.pop(i) >= PEEK_AFTER_S]
        for command_id in held:
            self._actions[command_id].trigger()
        application = QCoreApplication.instance()
        if application is not None and not self._toggled_at:
            application.removeEventFilter(self)

    def _belongs(self, key: int, command_id: str) -> bool:
        """Whether a key is one of a command's keys, or has to be held for one."""
        combinations = [QKeySequence(text)[0] for text in self.keymap[command_id]]  # type: ignore[index]
        modifier = MODIFIER_KEYS.get(key, Qt.KeyboardModifier.NoModifier)
        return any(each.key() == key or each.keyboardModifiers() & modifier for each in combinations)


class KeyedAction(QAction):
    """An action that knows, while it is done, whether it was asked for by its key."""

    is_by_key = False

    def event(self, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Shortcut:
            return super().event(event)
        self.is_by_key = True
        try:
            return super().event(event)
        finally:
            self.is_by_key = False
