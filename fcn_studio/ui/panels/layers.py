"""The layers panel: how strongly labels and prediction are drawn, and whether they are drawn at all."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QToolButton

from fcn_studio.ui.command_actions import title_of, write_keys
from fcn_studio.ui.commands import BY_ID
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import GAP, Section, make_key_chip, make_label, make_tool_button
from fcn_studio.ui.theme import Theme

COMMAND_OF = {"labels": "toggle_labels", "prediction": "toggle_prediction"}


class LayersPanel(Section):
    """One row a layer: eye, name, opacity, key."""

    toggled = Signal(str)  # layer: "labels" or "prediction"
    opacity_changed = Signal(str, float)  # layer, 0 to 1

    def __init__(self, theme: Theme) -> None:
        super().__init__(self.tr("Layers"))
        self._theme = theme
        self.eyes: dict[str, QToolButton] = {}
        self.sliders: dict[str, QSlider] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        self.rows.addLayout(grid)
        for row, (layer, name) in enumerate(
            (("labels", self.tr("Labels")), ("prediction", self.tr("Prediction")))
        ):
            self._add_row(grid, row, layer, name)

    def _add_row(self, grid: QGridLayout, row: int, layer: str, name: str) -> None:
        command_id = COMMAND_OF[layer]
        eye = make_tool_button(title_of(BY_ID[command_id]))
        eye.clicked.connect(lambda: self.toggled.emit(layer))
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.setAccessibleName(self.tr("Opacity of {0}").format(name))
        slider.valueChanged.connect(lambda value: self._on_slid(layer, value))
        self.eyes[layer], self.sliders[layer] = eye, slider
        grid.addWidget(eye, row, 0)
        grid.addWidget(make_label(name), row, 1)
        grid.addWidget(slider, row, 2)
        chip = make_key_chip("")
        write_keys(chip, "{0}", command_id)
        grid.addWidget(chip, row, 3)
        self.show_layer(layer, True)

    def show_layer(self, layer: str, is_shown: bool) -> None:
        """Bring the eye in step with the canvas."""
        eye = self.eyes[layer]
        name = "eye-outline" if is_shown else "eye-off-outline"
        eye.setIcon(make_icon(self._theme, name, "text" if is_shown else "muted"))
        verb = self.tr("Hide") if is_shown else self.tr("Show")
        write_keys(eye, f"{verb} {self.tr('(tap {0}; hold it to peek)')}", COMMAND_OF[layer])
        self.sliders[layer].setEnabled(is_shown)

    def show_opacity(self, layer: str, opacity: float) -> None:
        """Bring the slider in step; `opacity` 0 to 1."""
        self.sliders[layer].setValue(round(opacity * 100))

    def _on_slid(self, layer: str, percent: int) -> None:
        self.sliders[layer].setToolTip(f"{percent} %")
        self.opacity_changed.emit(layer, percent / 100)
