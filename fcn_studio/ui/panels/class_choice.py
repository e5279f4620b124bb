"""Whose classes? The question of a folder that has none yet, answered in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QPushButton, QVBoxLayout, QWidget

from fcn_studio.ui.panels.sections import GAP, make_label, make_row

BACKGROUND = "background"


class _NameField(QLineEdit):
    """Enter adds a name and stays; a field that is left keeps its text."""

    entered = Signal(str)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Comma) and self.text().strip():
            self.entered.emit(self.text().strip())
        else:
            super().keyPressEvent(event)


class ClassChoice(QFrame):
    """*Use the model's classes* or *My own classes*; the second opens a small list to type names into."""

    model_classes_wanted = Signal()
    own_classes_wanted = Signal(list)
    typing_changed = Signal(bool)  # whether names are being typed

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("choice")
        self.setAccessibleName(self.tr("Choose classes"))
        self._question = self._make_question()
        self._typing = self._make_typing()
        pages = QVBoxLayout(self)
        pages.setContentsMargins(0, 0, 0, 0)
        pages.addWidget(self._question)
        pages.addWidget(self._typing)
        self.ask()

    def _make_question(self) -> QWidget:
        page = QWidget()
        text = self.tr("A preview of what the model sees. Which classes do you want to paint?")
        self.use_model = QPushButton(self.tr("Use the model’s classes"))
        self.use_model.setObjectName("primary")
        self.use_own = QPushButton(self.tr("My own classes"))
        self.use_model.clicked.connect(self.model_classes_wanted)
        self.use_own.clicked.connect(self.type_names)
        _fill(page, make_label(text, "", wraps=True), self.use_model, self.use_own)
        return page

    def _make_typing(self) -> QWidget:
        page = QWidget()
        self.names = QListWidget()
        self.names.setAccessibleName(self.tr("Your classes"))
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # long names: dots
        self.names.setToolTip(self.tr("Double click or Delete takes a name away"))
        self.names.itemDoubleClicked.connect(lambda _item: self._remove_chosen())
        self.field = _NameField()
        self.field.setPlaceholderText(self.tr("Name of a class, Enter adds it"))
        self.field.setAccessibleName(self.tr("Name of a class of your own"))
        self.field.entered.connect(self._add)
        self.field.textChanged.connect(self._show_ready)
        self.problem = make_label("", "warning", wraps=True)
        self.problem.hide()
        self.back = QPushButton(self.tr("Back"))
        self.done = QPushButton(self.tr("Done"))
        self.done.setObjectName("primary")
        self.back.clicked.connect(self.ask)
        self.done.clicked.connect(self._on_done)
        rows = _fill(page, make_label(self.tr("Your classes")), self.names, self.field, self.problem)
        rows.addLayout(make_row(self.back, self.done))
        return page

    def ask(self) -> None:
        """Show the two buttons."""
        self._question.show()
        self._typing.hide()
        self.typing_changed.emit(False)

    def type_names(self) -> None:
        """Show the list to type names into; background is there from the start."""
        self.names.clear()
        self.names.addItem(BACKGROUND)
        self.names.item(0).setFlags(Qt.ItemFlag.NoItemFlags)
        self.show_problem("")
        self._question.hide()
        self._typing.show()
        self.typing_changed.emit(True)
        self._fit()
        self._show_ready()
        self.field.setFocus()

    def highlight(self, is_asked: bool) -> None:
        """Draw the eye here, after a stroke that could not be painted."""
        self.setProperty("asked", is_asked)
        self.style().unpolish(self)
        self.style().polish(self)
        if is_asked and self._question.isVisible():
            self.use_model.setFocus()

    def show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def typed_names(self) -> Sequence[str]:
        """All names in the list and the one still in the field."""
        names = [self.names.item(row).text() for row in range(self.names.count())]
        rest = self.field.text().strip()
        return [*names, rest] if rest else names

    def _add(self, name: str) -> None:
        taken = [self.names.item(row).text().casefold() for row in range(self.names.count())]
        if name.casefold() in taken:
            self.show_problem(self.tr("“{0}” is in the list already.").format(name))
            return
        self.show_problem("")
        self.names.addItem(name)
        self.names.item(self.names.count() - 1).setToolTip(name)
        self.names.scrollToBottom()
        self.field.clear()
        self._fit()
        self._show_ready()

    def _remove_chosen(self) -> None:
        for item in self.names.selectedItems():
            self.names.takeItem(self.names.row(item))
        self._fit()
        self._show_ready()

    def _show_ready(self) -> None:
        self.done.setEnabled(len(self.typed_names()) > 1)

    def _on_done(self) -> None:
        self.own_classes_wanted.emit(list(self.typed_names()))

    def _fit(self) -> None:
        """Make the list as high as its names, six at most."""
        rows = min(max(self.names.count(), 2), 6)
        self.names.setFixedHeight(rows * max(self.names.sizeHintForRow(0), 18) + 12)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.names.hasFocus():
            self._remove_chosen()
        elif event.key() == Qt.Key.Key_Escape:
            self.ask()
        else:
            super().keyPressEvent(event)


def _fill(page: QWidget, *widgets: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(page)
    layout.setContentsMargins(12, 12, 12, 12)
    layout.setSpacing(GAP)
    for widget in widgets:
        layout.addWidget(widget)
    return layout
