"""The command palette: everything the program can do, found by a few letters, done with Enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout

from fcn_studio.ui.command_actions import CommandActions, title_of
from fcn_studio.ui.commands import COMMANDS, Command, Situation
from fcn_studio.ui.dialogs.palette_row import PaletteRow, RowText
from fcn_studio.ui.dialogs.palette_words import is_called
from fcn_studio.ui.fuzzy import find_match
from fcn_studio.ui.keymap import write_key
from fcn_studio.ui.panels.sections import make_label

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from fcn_studio.ui.theme import Theme

WIDTH_PX = 620
ROWS_SHOWN = 11
TOP_PX = 64
MOST_RECENT = 6
PATH_COSTS = 6.0  # of a score: what stands in the menu's name or the other words comes after the title
ROW_TEXT = Qt.ItemDataRole.UserRole
LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True)
class Found:
    """One command as it is listed; `places`: which letters of its text were asked for."""

    command: Command
    text: str
    path: str
    places: tuple[int, ...] = ()
    score: float = 0.0


def text_of(command: Command, situation: Situation) -> str:
    """What the command is called now ("Undo: Paint cat")."""
    title = title_of(command)
    return command.text_when(situation, title) if command.text_when is not None else title


def path_of(command: Command) -> str:
    """Where it stands in the menus, in the person's language."""
    return " › ".join(QCoreApplication.translate("Menu", name) for name in command.menu.split("/"))


def find_commands(query: str, situation: Situation, recent: list[str] = []) -> list[Found]:  # noqa: B006
    """The commands that fit, best first; without a query those used last, then the table's order.

    What is not there at all now (a class's key without a class) is left out.
    """
    listed = [c for c in COMMANDS if c.enabled_when(situation) or not c.is_hidden_when_off]
    rows = [Found(command, text_of(command, situation), path_of(command)) for command in listed]
    if not query.strip():
        order = {command_id: place for place, command_id in enumerate(recent)}
        return sorted(rows, key=lambda row: order.get(row.command.id, len(order)))
    found = [better for row in rows if (better := _match(query, row)) is not None]
    return sorted(found, key=lambda row: (-row.score, not row.command.enabled_when(situation)))


def _match(query: str, row: Found) -> Found | None:
    match = find_match(query, row.text)
    by_word = find_match(query, query) if is_called(row.command.id, query) else None
    if by_word is not None and (match is None or match.score < by_word.score - PATH_COSTS):
        return Found(row.command, row.text, row.path, (), by_word.score - PATH_COSTS)
    if match is not None:
        return Found(row.command, row.text, row.path, match.places, match.score)
    match = find_match(query, f"{row.path} {row.text}")
    if match is None:
        return None
    shift = len(row.path) + 1
    places = tuple(place - shift for place in match.places if place >= shift)
    return Found(row.command, row.text, row.path, places, match.score - PATH_COSTS)


class CommandPalette(QFrame):
    """Lies over the window until a command is chosen, Escape is pressed or one clicks elsewhere."""

    closed = Signal()

    def __init__(self, window: QWidget, actions: CommandActions, theme: Theme, recent: list[str]) -> None:
        super().__init__(window)
        self._window, self._actions, self._recent = window, actions, recent
        self._situation = actions.situation
        self._before = window.focusWidget()
        self.setObjectName("palette")
        self.setAccessibleName(self.tr("Command palette"))
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("What do you want to do?"))
        self.field.setAccessibleName(self.tr("Find a command by some of its letters"))
        self.field.setClearButtonEnabled(False)
        self.list = QListWidget()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(PaletteRow(theme, self.list))
        self.list.setUniformItemSizes(True)
        self.nothing = make_label(self.tr("No command is called so."), "muted")
        self.nothing.setContentsMargins(12, 10, 12, 12)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(8, 8, 8, 8)
        rows.setSpacing(6)
        for widget in (self.field, self.list, self.nothing):
            rows.addWidget(widget)
        self.field.textChanged.connect(self._fill)
        self.list.itemClicked.connect(self._on_chosen)
        self.field.installEventFilter(self)
        window.installEventFilter(self)
        self._fill("")
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def found(self) -> list[str]:
        """Ids of the commands that are listed, in order."""
        return [self.list.item(row).data(ROW_TEXT).command_id for row in range(self.list.count())]

    def _fill(self, query: str) -> None:
        self.list.clear()
        for found in find_commands(query, self._situation, self._recent):
            self.list.addItem(self._make_item(found))
        self.list.setCurrentRow(0)
        self.nothing.setVisible(self.list.count() == 0)
        self.list.setVisible(self.list.count() > 0)
        self._place()

    def _make_item(self, found: Found) -> QListWidgetItem:
        command = found.command
        enabled = command.enabled_when(self._situation)
        reason = command.why_not(self._situation)
        keys = "   ".join(write_key(key) for key in self._actions.keymap[command.id])
        translated = QCoreApplication.translate("Command", reason) if reason else ""
        item = QListWidgetItem(found.text)
        is_on = command.checked_when is not None and command.checked_when(self._situation)
        row = RowText(
            command.id, found.text, found.path, keys, translated, command.icon, found.places, enabled, is_on
        )
        item.setData(ROW_TEXT, row)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, row.spoken)
        if translated:
            item.setToolTip(translated)
        return item

    def _on_chosen(self, item: QListWidgetItem | None) -> None:
        row: RowText | None = item.data(ROW_TEXT) if item is not None else None
        if row is None or not row.is_enabled:
            return  # its reason stands beside it
        self._recent[:] = [row.command_id, *(i for i in self._recent if i != row.command_id)][:MOST_RECENT]
        actions = self._actions
        self.go()
        QTimer.singleShot(0, actions, lambda: actions.run(row.command_id))

    def go(self) -> None:
        """Close; the focus goes back to the window."""
        if self.isVisible():
            if self.field.hasFocus() and self._before is not None:
                self._before.setFocus(Qt.FocusReason.PopupFocusReason)
            self.hide()
            self._window.removeEventFilter(self)
            self.closed.emit()
            self.deleteLater()

    def _place(self) -> None:
        window = self._window
        width = min(WIDTH_PX, window.width() - 32)
        row_px = self.list.sizeHintForRow(0) if self.list.count() else 0
        shown = min(ROWS_SHOWN, self.list.count(), max(3, (window.height() - TOP_PX - 90) // max(1, row_px)))
        self.list.setFixedHeight(shown * row_px + 4)
        self.setFixedWidth(width)
        self.adjustSize()
        self.move((window.width() - width) // 2, TOP_PX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self.field and kind == QEvent.Type.KeyPress:
            return self._on_key(event)  # type: ignore[arg-type]
        if watched is self.field and kind == QEvent.Type.FocusOut:
            QTimer.singleShot(0, self, self._go_if_left)
        elif watched is self._window and kind == QEvent.Type.Resize:
            self._place()
        return False

    def _go_if_left(self) -> None:
        if not self.field.hasFocus():
            self.go()

    def _on_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            self.go()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_chosen(self.list.currentItem())
        elif event.key() in LIST_KEYS and self.list.count():
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
            wanted = self.list.currentRow() + step[Qt.Key(event.key())]
            last = self.list.count() - 1
            if abs(step[Qt.Key(event.key())]) == 1:
                wanted %= last + 1  # round the end
            self.list.setCurrentRow(min(max(wanted, 0), last))
        else:
            return False
        return True

    def sizeHint(self) -> QSize:
        return QSize(WIDTH_PX, super().sizeHint().height())
