"""The row above the canvas: open, tools with their options, undo, zoom; made from the command table."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QSlider, QToolButton, QWidget

from fcn_studio.ui.command_actions import CommandActions, write_keys
from fcn_studio.ui.panels.sections import ElidedLabel, make_label, make_row

ICON_PX = 20
SLIDER_STEPS = 100
LARGEST_PX = 500


def size_of_step(step: int) -> int:
    """Brush diameter in pixels at a slider's step: fine for small brushes, coarse for large ones."""
    share = step / SLIDER_STEPS
    return max(1, round(1 + (LARGEST_PX - 1) * share * share))


def step_of_size(size_px: float) -> int:
    """The slider's step for a brush diameter; the inverse of `size_of_step`, rounded."""
    share = max(0.0, min(1.0, (size_px - 1) / (LARGEST_PX - 1)))
    return round(SLIDER_STEPS * math.sqrt(share))


class ToolRow(QWidget):
    """Buttons for the commands that the table places here, and the brush's size."""

    size_changed = Signal(int)  # diameter in image pixels

    def __init__(self, actions: CommandActions) -> None:
        super().__init__()
        self.setObjectName("toolRow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Tools"))
        self.buttons: dict[str, QToolButton] = {}
        self.title = ElidedLabel(name="projectTitle")
        self.title.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.size_option = self._make_size()
        row = make_row(*self._make_buttons(actions.at("open")), self.title, spacing=4)
        row.setContentsMargins(8, 6, 8, 6)
        for button in self._make_buttons(actions.at("tools")):
            row.addWidget(button)
        row.addSpacing(18)
        row.addWidget(self.size_option)
        row.addStretch(1)
        for button in self._make_buttons(actions.at("right")):
            row.addWidget(button)
        self.setLayout(row)

    def _make_buttons(self, actions: list[QAction]) -> list[QToolButton]:
        made = []
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(ICON_PX, ICON_PX))
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.buttons[action.objectName()] = button
            made.append(button)
        return made

    def _make_size(self) -> QWidget:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setFixedWidth(128)
        self.slider.setAccessibleName(self.tr("Size of the brush"))
        tip = self.tr("Size of the brush in pixels of the image  ({0} {1})")
        write_keys(self.slider, tip, "brush_smaller", "brush_bigger")
        self.slider.valueChanged.connect(self._on_slid)
        self.size_text = make_label()
        self.size_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("888 px") + 8)
        place = QWidget()
        row = make_row(make_label(self.tr("Size"), "muted"), self.slider, self.size_text)
        place.setLayout(row)
        return place

    def show_title(self, title: str) -> None:
        """The project's name, as wide as it needs up to a limit."""
        self.title.setText(title)
        self.title.ensurePolished()
        self.title.setFixedWidth(min(220, self.title.fontMetrics().horizontalAdvance(title) + 14))

    def show_size(self, size_px: float) -> None:
        """Bring the slider in step with the brush."""
        self.slider.blockSignals(True)
        self.slider.setValue(step_of_size(size_px))
        self.slider.blockSignals(False)
        self.size_text.setText(f"{round(size_px)} px")

    def show_options(self, has_size: bool) -> None:
        """Show what the tool in hand can be told."""
        self.size_option.setVisible(has_size)

    def _on_slid(self, step: int) -> None:
        size_px = size_of_step(step)
        self.size_text.setText(f"{size_px} px")
        self.size_changed.emit(size_px)
