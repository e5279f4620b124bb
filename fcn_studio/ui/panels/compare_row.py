"""The row that puts another checkpoint's prediction beside the active one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.command_actions import write_keys
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import Choice, make_label, make_row, make_tool_button
from fcn_studio.ui.theme import Theme

MODES = {
    CompareMode.SWIPE: ("compare", "compare_swipe"),
    CompareMode.SIDE_BY_SIDE: ("view-split-vertical", "compare_side_by_side"),
}


class CompareRow(QWidget):
    """Which checkpoint to compare with, and how; says what the person wants and changes nothing itself."""

    mode_wanted = Signal(object)  # CompareMode; the one that is on already means off
    checkpoint_wanted = Signal(str)  # its id

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.mode = CompareMode.OFF
        self._theme = theme
        self._ids: list[str] = []
        self.checkpoints = Choice(theme)
        self.checkpoints.setAccessibleName(self.tr("Checkpoint to compare with"))
        self.checkpoints.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.checkpoints.activated.connect(lambda row: self.checkpoint_wanted.emit(self._ids[row]))
        self.buttons: dict[CompareMode, QToolButton] = {}
        names = {
            CompareMode.SWIPE: self.tr("Swipe between both predictions ({0})"),
            CompareMode.SIDE_BY_SIDE: self.tr("Both predictions side by side ({0})"),
        }
        row = make_row(make_label(self.tr("Compare")), self.checkpoints)
        row.setStretch(1, 1)
        for mode, (icon, command_id) in MODES.items():
            button = make_tool_button("", checkable=True)
            button.setIcon(make_icon(theme, icon, "text", on_token="accent"))
            write_keys(button, names[mode], command_id)
            button.setAccessibleName(button.toolTip())
            button.clicked.connect(lambda _checked, wanted=mode: self.mode_wanted.emit(wanted))
            self.buttons[mode] = button
            row.addWidget(button)
        row.setContentsMargins(0, 4, 0, 0)
        self.setLayout(row)
        self.show_candidates((), None)

    def show_candidates(self, entries: Sequence[Any], chosen_id: str | None) -> None:
        """The checkpoints (id and name) that there are beside the active one."""
        self._ids = [entry.id for entry in entries]
        self.checkpoints.clear()
        self.checkpoints.addItems([entry.name for entry in entries] or [self.tr("no other checkpoint yet")])
        if chosen_id in self._ids:
            self.checkpoints.setCurrentIndex(self._ids.index(chosen_id))
        tip = self.tr("The active checkpoint is compared with this one")
        cure = self.tr("Fine-tune first: then there are two checkpoints to compare")
        self.checkpoints.setToolTip(tip if self._ids else cure)
        for control in (self.checkpoints, *self.buttons.values()):
            control.setEnabled(bool(self._ids))

    def show_mode(self, mode: CompareMode) -> None:
        """Press the button of the mode that is on."""
        self.mode = mode
        for wanted, button in self.buttons.items():
            button.setChecked(wanted is mode)
