"""The class panel: what can be painted, how much of the image it covers, and whose classes these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QSizePolicy

from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.class_choice import ClassChoice
from fcn_studio.ui.panels.class_colors import ColorWarning
from fcn_studio.ui.panels.class_list import ClassList
from fcn_studio.ui.panels.class_row import NameEditor
from fcn_studio.ui.panels.sections import Section, make_label, make_tool_button
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

SHARES_AFTER_MS = 150
SHARES_SAMPLE_PX = 60_000


def compute_shares(document: Document, classes: ClassTable) -> dict[int, float]:
    """Share of each class id in the mask (label, else prediction in terms of `classes`), 0 to 1.

    Of large images every n-th row and column is counted, so that this takes about a millisecond.
    """
    labels = document.label_map.labels
    step = max(1, int((labels.size / SHARES_SAMPLE_PX) ** 0.5))
    mask = labels[::step, ::step]
    if document.prediction is not None:
        seen = document.make_prediction_lut(classes)[document.prediction.channels[::step, ::step]]
        mask = np.where(mask != UNLABELLED, mask, seen)
    counts = np.bincount(mask.ravel(), minlength=256)[:UNLABELLED]
    return {int(i): float(counts[i]) / mask.size for i in np.flatnonzero(counts)}


class ClassesPanel(Section):
    """Shows the session's classes and sends it what the person wants of them."""

    answered = Signal()  # a question of the panel was answered here; the keyboard is free for the canvas

    def __init__(self, session: Session, theme: Theme) -> None:
        self.add_button = make_tool_button("Add a class")
        super().__init__(self.tr("Classes"), self.add_button)
        self._session = session
        self.add_button.setIcon(make_icon(theme, "plus"))
        self.choice = ClassChoice()
        self.list = ClassList(theme)
        self.new_name = NameEditor()
        self.new_name.setPlaceholderText(self.tr("Name of the new class"))
        self.new_name.setAccessibleName(self.tr("Name of the new class"))
        self.new_name.hide()
        self.problem = make_label("", "warning", wraps=True)
        self.problem.hide()
        self.colors = ColorWarning(session, theme)
        for widget in (self.choice, self.list, self.new_name, self.problem, self.colors):
            self.rows.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SHARES_AFTER_MS)
        self._timer.timeout.connect(self._show_shares)
        self._connect()
        self._on_classes_changed()

    def _connect(self) -> None:
        classes, events = self._session.classes, self._session.events
        self.add_button.clicked.connect(self.ask_new_class)
        self.new_name.taken.connect(lambda name: self._try(classes.add, name))
        self.new_name.left.connect(self._on_name_left)
        self.choice.model_classes_wanted.connect(self._on_model_classes)
        self.choice.own_classes_wanted.connect(self._on_own_classes)
        self.choice.typing_changed.connect(lambda is_typing: self.list.setVisible(not is_typing))
        self.list.chosen.connect(self._on_row_chosen)
        self.list.renamed.connect(lambda class_id, name: self._try(classes.rename, class_id, name))
        self.list.visibility_wanted.connect(classes.set_visible)
        self.list.color_wanted.connect(self._ask_color)
        self.list.unlocking_wanted.connect(lambda class_id: classes.set_locked(class_id, False))
        events.classes_changed.connect(self._on_classes_changed)
        events.class_chosen.connect(self._on_class_chosen)
        events.image_opened.connect(self._on_mask_changed)
        events.labels_changed.connect(self._on_mask_changed)
        events.prediction_changed.connect(self._on_mask_changed)

    def ask_whose_classes(self) -> None:
        """The first stroke found no classes: ask here."""
        if self._session.classes.is_preview:
            self.choice.highlight(True)

    def ask_new_class(self) -> None:
        """Let the person type a name; in a preview this starts a list of their own."""
        if self._session.classes.is_preview:
            self.choice.type_names()
            return
        self._show_problem("")
        self.new_name.show()
        self.new_name.ask("")

    # --- what the session says ----------------------------------------------------------------------------

    def _on_classes_changed(self) -> None:
        classes = self._session.classes
        self.choice.setVisible(classes.is_preview and self._session.is_open)
        if not classes.is_preview:
            self.choice.highlight(False)
            self.choice.ask()
        self.add_button.setEnabled(self._session.is_open)
        self.list.show_table(classes.shown, classes.is_preview)
        self.list.put_into_tab_order(self.choice.done)
        self.list.show_chosen(classes.chosen_id)
        self._timer.start()

    def _on_class_chosen(self, class_id: int) -> None:
        self.list.show_chosen(class_id)

    def _on_mask_changed(self, *_what: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show_shares(self) -> None:
        document = self._session.document
        shown = self._session.classes.shown
        self.list.show_shares(compute_shares(document, shown) if document is not None else {})

    # --- what the person wants ----------------------------------------------------------------------------

    def _on_row_chosen(self, class_id: int) -> None:
        if self._session.classes.is_preview:
            self.choice.highlight(True)
        else:
            self._session.classes.choose(class_id)

    def _on_name_left(self) -> None:
        if self.new_name.hasFocus():  # Enter or Escape, and not a click elsewhere
            self.answered.emit()
        self.new_name.hide()

    def _on_model_classes(self) -> None:
        self.answered.emit()
        self._try(self._session.classes.use_model_classes)

    def _on_own_classes(self, names: list[str]) -> None:
        try:
            self._session.classes.use_own_classes(names)
        except FcnStudioError as error:
            self.choice.show_problem(error.user_message)
        else:
            self.answered.emit()

    def _ask_color(self, class_id: int) -> None:
        entry = self._session.classes.shown.by_id(class_id)
        if entry is None:
            return
        dialog = QColorDialog(QColor(*entry.color), self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Colour of {0}").format(entry.name))
        dialog.colorSelected.connect(
            lambda color: self._session.classes.set_color(class_id, color.getRgb()[:3])
        )
        dialog.open()

    def _try(self, action: object, *values: object) -> None:
        try:
            action(*values)  # type: ignore[operator]
        except FcnStudioError as error:
            self._show_problem(error.user_message)
        else:
            self._show_problem("")

    def _show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
