"""The list of keys and gestures, made from the command table; and a few words about the program."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from fcn_studio import __version__
from fcn_studio.ui.command_actions import CommandActions, key_text, title_of
from fcn_studio.ui.commands import BY_ID, COMMANDS, MENUS, Command
from fcn_studio.ui.keymap import Keymap, write_key
from fcn_studio.ui.panels.sections import make_label, make_row

WIDE_PX = 1260  # of the window: room for three columns


def list_keys(keymap: Keymap) -> list[tuple[str, list[tuple[str, str]]]]:
    """The cheat sheet: by menu, the keys and what they do; made from the command table and the keymap."""
    groups = []
    for menu in MENUS:
        commands = [c for c in COMMANDS if c.menu.split("/")[0] == menu and keymap[c.id]]
        rows = [(_keys_of(c, keymap), name_of(c)) for c in commands if not c.id.startswith("class_")]
        digits = [keymap[c.id][0] for c in commands if c.id.startswith("class_")]
        if digits:
            shown = " … ".join(dict.fromkeys((min(digits), max(digits))))
            rows.append((shown, QCoreApplication.translate("Keys", "Class with this key")))
        if rows:
            groups.append((QCoreApplication.translate("Menu", menu), rows))
    return groups


def name_of(command: Command) -> str:
    """The command's title, behind the name of its submenu if it stands in one."""
    names = [QCoreApplication.translate("Menu", name) for name in command.menu.split("/")[1:]]
    return ": ".join([*names, title_of(command)])


def _keys_of(command: Command, keymap: Keymap) -> str:
    return "   ".join(map(write_key, keymap[command.id]))


def _make_dialog(parent: QWidget, title: str) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(20, 18, 20, 16)
    layout.setSpacing(12)
    return dialog, layout


def _close_row(dialog: QDialog, *others: QWidget) -> QLayout:
    close = QPushButton(QCoreApplication.translate("Keys", "Close"))
    close.setDefault(True)
    close.clicked.connect(dialog.accept)
    return make_row(*others, None, close)


class KeysDialog(QDialog):
    """The cheat sheet: every command that has a key, by menu; what the mouse does, and keys in its stead."""

    def __init__(self, parent: QWidget, actions: CommandActions) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys and gestures"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page = QWidget()
        page.setObjectName("surface")
        columns = make_row(spacing=36)
        self._columns = [QVBoxLayout() for _ in range(3 if parent.width() >= WIDE_PX else 2)]
        for column in self._columns:
            column.setSpacing(14)
            columns.addLayout(column)
        page.setLayout(columns)
        groups = list_keys(actions.keymap)
        groups.insert(0, (self.tr("Mouse"), self._gestures()))
        groups.append((self.tr("Without a mouse"), self._without_mouse()))
        self._fill(groups)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(page)
        scroll.setAccessibleName(self.windowTitle())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 16, 14)
        layout.addWidget(scroll, 1)
        others = [self._make_way(actions, "edit_keys"), self._make_way(actions, "show_palette")]
        layout.addLayout(_close_row(self, *others))
        page.ensurePolished()
        hint, room = page.sizeHint(), parent.size()
        self.resize(min(hint.width() + 70, room.width()), min(hint.height() + 90, room.height() - 20))

    def _make_way(self, actions: CommandActions, command_id: str) -> QPushButton:
        """A button that closes this and does a command."""
        button = QPushButton(title_of(BY_ID[command_id]))
        button.clicked.connect(self.accept)
        button.clicked.connect(lambda: actions.run(command_id))
        return button

    def _gestures(self) -> list[tuple[str, str]]:
        return [
            (self.tr("Drag"), self.tr("use the tool")),
            (self.tr("Right drag"), self.tr("erase")),
            (self.tr("Shift+click"), self.tr("straight line from the last point")),
            (self.tr("Alt+click"), self.tr("pick the class under the pointer")),
            (self.tr("Wheel"), self.tr("zoom at the pointer")),
            (self.tr("Shift+wheel"), self.tr("size of the brush")),
            (self.tr("Space or middle drag"), self.tr("move the image")),
            (
                self.tr("Hold {0} or {1}").format(key_text("toggle_prediction"), key_text("toggle_labels")),
                self.tr("look without a layer while the key is down"),
            ),
            (self.tr("Esc"), self.tr("give up the stroke")),
        ]

    def _without_mouse(self) -> list[tuple[str, str]]:
        return [
            (
                self.tr("{0}arrows").format(write_key("Ctrl+Up").removesuffix(write_key("Up"))),
                self.tr("move the pointer, with Shift by a pixel"),
            ),
            (write_key("Enter"), self.tr("click there; begin, add a point, end")),
            (write_key("Shift+Enter"), self.tr("straight line; square; close the polygon")),
            (write_key("Alt+Enter"), self.tr("pick the class; subtract an area")),
        ]

    def _fill(self, groups: list[tuple[str, list[tuple[str, str]]]]) -> None:
        """Spread the groups over the columns, each to the shortest so far, all with keys of one width."""
        heights = [0] * len(self._columns)
        self.ensurePolished()
        keys_px = max(
            self.fontMetrics().horizontalAdvance(keys) for _title, rows in groups for keys, _text in rows
        )
        for title, rows in groups:
            target = heights.index(min(heights))
            heights[target] += len(rows) + 2
            grid = QGridLayout()
            grid.setHorizontalSpacing(14)
            grid.setVerticalSpacing(5)
            grid.setColumnMinimumWidth(0, keys_px)
            grid.setColumnStretch(1, 1)
            grid.addWidget(make_label(title.upper(), "heading"), 0, 0, 1, 2)
            for row, (keys, text) in enumerate(rows, start=1):
                key = make_label(keys, "muted")
                grid.addWidget(key, row, 0)
                grid.addWidget(make_label(text), row, 1)
            self._columns[target].addLayout(grid)
        for column in self._columns:
            column.addStretch(1)


def make_about_dialog(parent: QWidget) -> QDialog:
    """What this is, its version, its licence."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("Keys", text)

    dialog, layout = _make_dialog(parent, tr("About FCN Studio"))
    layout.addWidget(make_label(f"FCN Studio {__version__}", "title"))
    text = tr(
        "Open your images, see what a fully convolutional network takes each pixel for, correct it with a "
        "brush, and teach it with one button."
    )
    words = make_label(text, "", wraps=True)
    words.setMinimumWidth(380)
    layout.addWidget(words)
    licence = tr("Apache License 2.0. Made with Qt (LGPL), PyTorch, OpenVINO and other free software.")
    layout.addWidget(make_label(licence, "muted", wraps=True))
    layout.addLayout(_close_row(dialog))
    dialog.setModal(False)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    return dialog
