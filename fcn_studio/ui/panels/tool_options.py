"""What the tool in hand can be told: size, tip, pressure, tolerances; only what it knows is shown."""

from __future__ import annotations

import math
from typing import Protocol

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLabel, QSlider, QToolButton, QWidget

from fcn_studio.ui.command_actions import write_keys
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import make_label, make_row
from fcn_studio.ui.theme import Theme
from fcn_studio.ui.tools.base import Tool
from fcn_studio.ui.tools.options import LARGEST_PX, NUMBERS, ToolOptions

SLIDER_STEPS = 100
ICON_PX = 20


def size_of_step(step: int) -> int:
    """Brush diameter in pixels at a slider's step: fine for small brushes, coarse for large ones."""
    share = step / SLIDER_STEPS
    return max(1, round(1 + (LARGEST_PX - 1) * share * share))


def step_of_size(size_px: float) -> int:
    """The slider's step for a brush diameter; the inverse of `size_of_step`, rounded."""
    share = max(0.0, min(1.0, (size_px - 1) / (LARGEST_PX - 1)))
    return round(SLIDER_STEPS * math.sqrt(share))


class ToolHolder(Protocol):
    """The canvas as this bar sees it."""

    @property
    def options(self) -> ToolOptions: ...

    @property
    def tool(self) -> Tool: ...


class ToolOptionBar(QWidget):
    """Call `follow` with the canvas, then `show_tool` whenever another tool is taken in hand."""

    size_changed = Signal(int)  # of the tool in hand, image pixels

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._holder: ToolHolder | None = None
        self.slider, self.size_text = self._make_slider(self.tr("Size of the brush"), 112), make_label()
        tip = self.tr("Size of the brush in pixels of the image  ({0} {1})")
        write_keys(self.slider, tip, "brush_smaller", "brush_bigger")
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.valueChanged.connect(self._on_slid)
        self.square = self._make_toggle("square-outline", self.tr("Square tip"))
        self.pressure = self._make_toggle("pen", self.tr("Size follows the pen’s pressure"))
        self.contiguous = self._make_toggle(
            "link-variant", self.tr("Only pixels connected with the clicked one")
        )
        self.edge, self.edge_text = (
            self._make_slider(self.tr("How strong an edge stops the brush"), 84),
            make_label(),
        )
        self.tolerance = self._make_slider(self.tr("How far colours may differ"), 112)
        self.tolerance_text = make_label()
        self._parts: dict[str, QWidget] = {
            "size": self._group(self.tr("Size"), self.slider, self.size_text, "888 px"),
            "square": self.square,
            "pressure": self.pressure,
            "edge": self._group(self.tr("Edge"), self.edge, self.edge_text, "888"),
            "tolerance": self._group(self.tr("Tolerance"), self.tolerance, self.tolerance_text, "888"),
            "contiguous": self.contiguous,
        }
        self.setLayout(make_row(*self._parts.values(), spacing=6))
        for name, slider in (("edge", self.edge), ("tolerance", self.tolerance)):
            slider.setRange(*NUMBERS[name][1:])
            slider.valueChanged.connect(lambda value, name=name: self._set_number(name, value))
        self.square.toggled.connect(self._on_square_toggled)
        self.pressure.toggled.connect(lambda on: self._set_flag("pressure", on))
        self.contiguous.toggled.connect(lambda on: self._set_flag("contiguous", on))

    # --- building -----------------------------------------------------------------------------------------

    def _make_slider(self, name: str, width_px: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setFixedWidth(width_px)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        return slider

    def _make_toggle(self, icon: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setCheckable(True)
        button.setIcon(make_icon(self._theme, icon, on_token="on_accent"))
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _group(self, title: str, slider: QSlider, value: QLabel, widest: str) -> QWidget:
        value.setMinimumWidth(self.fontMetrics().horizontalAdvance(widest) + 8)
        place = QWidget()
        place.setLayout(make_row(make_label(title, "muted"), slider, value, spacing=6))
        return place

    # --- showing ------------------------------------------------------------------------------------------

    def follow(self, holder: ToolHolder) -> None:
        """Show and change the options of this canvas."""
        self._holder = holder
        holder.options.changed.connect(lambda _name: self.show_tool())
        self.show_tool()

    def show_tool(self) -> None:
        """Show what the tool in hand can be told, as it is."""
        if self._holder is None:
            return
        tool, options = self._holder.tool, self._holder.options
        for name, part in self._parts.items():
            part.setVisible(name in tool.option_names)
        size_px = options.size_of(tool.id)
        if size_of_step(self.slider.value()) != size_px:
            _put(self.slider, step_of_size(size_px))
        self.size_text.setText(f"{size_px} px")
        for name, slider, text in (
            ("edge", self.edge, self.edge_text), ("tolerance", self.tolerance, self.tolerance_text),
        ):  # fmt: skip
            _put(slider, options.number(name))
            text.setText(str(options.number(name)))
        self.square.setChecked(options.is_square(tool.id))
        self.pressure.setChecked(options.flag("pressure"))
        self.contiguous.setChecked(options.flag("contiguous"))

    # --- what the person does -------------------------------------------------------------------------------

    def _on_slid(self, step: int) -> None:
        self.size_changed.emit(size_of_step(step))

    def _on_square_toggled(self, square: bool) -> None:
        if self._holder is not None:
            self._holder.options.set_square(self._holder.tool.id, square)

    def _set_number(self, name: str, value: int) -> None:
        if self._holder is not None:
            self._holder.options.set_number(name, value)

    def _set_flag(self, name: str, value: bool) -> None:
        if self._holder is not None:
            self._holder.options.set_flag(name, value)


def _put(slider: QSlider, value: int) -> None:
    """Move a slider without it taking that for a person's hand."""
    slider.blockSignals(True)
    slider.setValue(value)
    slider.blockSignals(False)
