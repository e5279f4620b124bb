"""Changing the keys: a list of all commands, the preset they start from, and a field that hears a key."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fcn_studio.ui.command_actions import title_of
from fcn_studio.ui.commands import BY_ID, COMMANDS, MENUS
from fcn_studio.ui.dialogs.keys import name_of
from fcn_studio.ui.fuzzy import find_match
from fcn_studio.ui.key_presets import PRESETS, TITLES
from fcn_studio.ui.keymap import RESERVED, Keymap, read_key, write_key
from fcn_studio.ui.panels.sections import Choice, make_label, make_row
from fcn_studio.ui.theme import Theme

COMMAND_ID = Qt.ItemDataRole.UserRole
ROUND_TEXT_PX = 56  # borders and arrow of a combo box


class KeyField(QKeySequenceEdit):
    """Hears one key; Tab leaves it, so that the keyboard is not caught here."""

    heard = Signal(str)  # portable text, "" while there is none

    def __init__(self) -> None:
        super().__init__()
        self.setMaximumSequenceLength(1)
        self.setAccessibleName(self.tr("New key: press it"))
        self.keySequenceChanged.connect(lambda sequence: self.heard.emit(read_key(sequence.toString())))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            return QWidget.event(self, event)
        return super().event(event)


class KeyEditor(QDialog):
    """Shows and changes a keymap at once; whoever loses a key is told before."""

    def __init__(self, parent: QWidget, keymap: Keymap, theme: Theme) -> None:
        super().__init__(parent)
        self._keymap, self._theme = keymap, theme
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        self.setWindowTitle(self.tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.presets = self._make_presets()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Find a command or a key"))
        self.filter.setAccessibleName(self.tr("Find a command or a key"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(240)
        self.tree = self._make_tree()
        self.all_back = QPushButton(self.tr("All back to the preset"))
        close = QPushButton(self.tr("Close"))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(20, 18, 20, 16)
        rows.setSpacing(12)
        rows.addLayout(make_row(make_label(self.tr("Keys as in"), "muted"), self.presets, None, self.filter))
        rows.addWidget(self.tree, 1)
        rows.addWidget(self._make_bench())
        rows.addLayout(make_row(self.all_back, None, close))
        close.clicked.connect(self.accept)
        self.all_back.clicked.connect(lambda: keymap.choose_preset(keymap.preset))
        self.filter.textChanged.connect(self._filter)
        self._fill()
        keymap.on_changed(self._fill)
        self.finished.connect(lambda _result: keymap.forget(self._fill))
        self.tree.setCurrentItem(self._groups[0][1][0])
        self.resize(640, 620)
        self.filter.setFocus()

    # --- building -----------------------------------------------------------------------------------------

    def _make_presets(self) -> Choice:
        box = Choice(self._theme)
        box.setAccessibleName(self.tr("Keys as in"))
        for name in PRESETS:
            box.addItem(TITLES[name], name)
        widest_px = max(map(box.fontMetrics().horizontalAdvance, TITLES.values()))
        box.setMinimumWidth(widest_px + ROUND_TEXT_PX)
        box.setCurrentIndex(box.findData(self._keymap.preset))
        box.activated.connect(lambda index: self._keymap.choose_preset(box.itemData(index)))
        return box

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName("keyTree")
        tree.setAccessibleName(self.tr("Commands and their keys"))
        tree.setHeaderLabels([self.tr("Command"), self.tr("Keys")])
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        tree.header().setStretchLastSection(False)
        tree.setColumnWidth(1, 220)
        tree.setRootIsDecorated(False)
        tree.setItemsExpandable(False)
        tree.setIndentation(14)
        for menu in MENUS:
            top = QTreeWidgetItem([QCoreApplication.translate("Menu", menu)])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = top.font(0)
            font.setBold(True)
            top.setFont(0, font)
            tree.addTopLevelItem(top)
            items: list[QTreeWidgetItem] = []
            self._groups.append((top, items))
            for command in COMMANDS:
                if command.menu.split("/")[0] == menu:
                    title = name_of(command)
                    if command.id.startswith("class_"):
                        title = f"{title}: {command.id.removeprefix('class_')}"
                    item = QTreeWidgetItem([title])
                    item.setData(0, COMMAND_ID, command.id)
                    top.addChild(item)
                    items.append(item)
        tree.expandAll()
        tree.currentItemChanged.connect(lambda _now, _before: self._show_bench())
        tree.itemActivated.connect(lambda _item, _column: self.field.setFocus())
        return tree

    def _make_bench(self) -> QFrame:
        """Where the key of the chosen command is changed."""
        bench = QFrame()
        bench.setObjectName("choice")
        self.what = make_label("", "")
        self.field = KeyField()
        self.take = QPushButton(self.tr("Use this key"))
        self.also = QPushButton(self.tr("Use it too"))
        self.none = QPushButton(self.tr("No key"))
        self.back = QPushButton(self.tr("Back"))
        self.back.setToolTip(self.tr("The keys that this command has in the preset"))
        self.told = make_label("", "muted", wraps=True)
        rows = QVBoxLayout(bench)
        rows.setContentsMargins(14, 12, 14, 12)
        rows.addWidget(self.what)
        rows.addLayout(make_row(self.field, self.take, self.also, None, self.none, self.back))
        rows.addWidget(self.told)
        self.field.heard.connect(self._on_heard)
        self.take.clicked.connect(lambda: self._assign(also=False))
        self.also.clicked.connect(lambda: self._assign(also=True))
        self.none.clicked.connect(lambda: self._change(()))
        self.back.clicked.connect(lambda: self._change(None))
        return bench

    # --- showing ------------------------------------------------------------------------------------------

    @property
    def command_id(self) -> str:
        """The command whose key is being changed; empty for a heading."""
        item = self.tree.currentItem()
        return (item.data(0, COMMAND_ID) or "") if item is not None else ""

    def _items(self) -> list[QTreeWidgetItem]:
        return [item for _top, items in self._groups for item in items]

    def _fill(self) -> None:
        own = self._keymap.own
        for item in self._items():
            command_id = item.data(0, COMMAND_ID)
            keys = "    ".join(map(write_key, self._keymap[command_id]))
            item.setText(1, keys)
            font = item.font(1)
            font.setBold(command_id in own)
            item.setFont(1, font)
            item.setToolTip(1, self.tr("Changed by you") if command_id in own else "")
        self.presets.setCurrentIndex(self.presets.findData(self._keymap.preset))
        self.all_back.setEnabled(bool(own))
        self._show_bench()

    def _filter(self, text: str) -> None:
        key = read_key(text) if text else ""
        for top, items in self._groups:
            shown = 0
            for item in items:
                fits = find_match(text, item.text(0)) is not None
                fits = fits or (bool(key) and key in self._keymap[item.data(0, COMMAND_ID)])
                item.setHidden(not fits)
                shown += fits
            top.setHidden(not shown)

    def _show_bench(self) -> None:
        command_id = self.command_id
        for widget in (self.field, self.none, self.back):
            widget.setEnabled(bool(command_id))
        self.field.clear()
        if not command_id:
            self.what.setText(self.tr("Choose a command above."))
            self._on_heard("")
            return
        keys = self._keymap[command_id]
        item = self.tree.currentItem()
        title = item.text(0) if item is not None else ""
        shown = ", ".join(map(write_key, keys)) or self.tr("no key")
        self.what.setText(f"{title}: {shown}")
        self.none.setEnabled(bool(keys))
        self.back.setEnabled(keys != self._keymap.default_of(command_id))
        self._on_heard("")

    def _on_heard(self, key: str) -> None:
        """Say whose key that is before it is taken."""
        owner = self._keymap.find_owner(key) if key else None
        is_reserved = key in RESERVED
        free = bool(key) and not is_reserved and owner != self.command_id
        self.take.setEnabled(free)
        self.also.setEnabled(free and bool(self._keymap[self.command_id]))
        name, shown = "warning", QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
        if not key:
            name, text = "muted", self.tr("Click into the field and press a key.")
        elif is_reserved:
            text = self.tr("{0} is needed by the image itself: choose another key.").format(shown)
        elif owner == self.command_id:
            name, text = "muted", self.tr("{0} is its key already.").format(shown)
        elif owner is not None:
            title = title_of(BY_ID[owner])
            text = self.tr("{0} belongs to “{1}”, which will lose it.").format(shown, title)
        else:
            name, text = "muted", self.tr("{0} is free.").format(shown)
        self.told.setObjectName(name)
        self.told.setText(text)
        self.told.style().unpolish(self.told)
        self.told.style().polish(self.told)

    def _assign(self, *, also: bool) -> None:
        key = read_key(self.field.keySequence().toString())
        before = self._keymap[self.command_id] if also else ()
        self._change((*before, key))

    def _change(self, keys: tuple[str, ...] | None) -> None:
        """Give the chosen command these keys, or with None those of the preset.

        The keyboard goes back to the list: the button that was pressed is disabled now, and the next one
        that Qt would choose takes keys away.
        """
        self.tree.setFocus()
        if keys is None:
            self._keymap.reset(self.command_id)
        else:
            self._keymap.assign(self.command_id, keys)
