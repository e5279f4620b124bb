"""The display panel: contrast, brightness, gamma and channel of the image on the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from fcn_studio.ui.canvas.tone import HIGHEST_GAMMA, Display
from fcn_studio.ui.panels.fold import FoldSection
from fcn_studio.ui.panels.sections import GAP, Choice, make_label, make_row
from fcn_studio.ui.theme import Theme
from fcn_studio.ui.tools.base import translatable as _T

STEPS = 100  # of a slider, to either side


@dataclass(frozen=True)
class Knob:
    """One slider: the name of a `Display` value, and how slider steps become one and back."""

    name: str
    title: str
    is_gamma: bool = False

    def value_of(self, step: int) -> float:
        share = step / STEPS
        return round(HIGHEST_GAMMA**share, 3) if self.is_gamma else share

    def step_of(self, value: float) -> int:
        share = math.log(value, HIGHEST_GAMMA) if self.is_gamma else value
        return round(share * STEPS)

    def text_of(self, value: float) -> str:
        return f"{value:.2f}" if self.is_gamma else f"{round(value * 100):+d}" if value else "0"


KNOBS = (
    Knob("brightness", _T("Display", "Brightness")),
    Knob("contrast", _T("Display", "Contrast")),
    Knob("gamma", _T("Display", "Gamma"), is_gamma=True),
)


class DisplayPanel(FoldSection):
    """Sliders, the channel, stretching; all of it kept from image to image. `display_wanted`: a Display."""

    display_wanted = Signal(object)

    def __init__(self, theme: Theme) -> None:
        translate = QCoreApplication.translate
        title, more, less = (
            translate("Display", text)
            for text in ("Display", "Adjust how the image is shown", "Fold this away")
        )
        super().__init__(title, theme, more, less)
        self.heading.setToolTip(self.tr("Only what you see: labels and networks never change with it"))
        self._display = Display()
        self.sliders: dict[str, QSlider] = {}
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, knob in enumerate(KNOBS):
            self._add_knob(grid, row, knob)
        self.channels = Choice(theme)
        self.channels.setAccessibleName(self.tr("Channel"))
        self.channels.activated.connect(lambda row: self._want(channel=row - 1))
        self.stretch = QPushButton(self.tr("Stretch each image"))
        self.stretch.setCheckable(True)
        self.stretch.setToolTip(self.tr("Its darkest and brightest values become black and white"))
        self.stretch.toggled.connect(lambda is_on: self._want(stretch=is_on))
        self.reset = QPushButton(self.tr("Reset"))
        self.reset.setToolTip(self.tr("Show images as they are"))
        self.reset.clicked.connect(lambda: self.display_wanted.emit(Display()))
        grid.addWidget(make_label(self.tr("Channel")), len(KNOBS), 0)
        grid.addWidget(self.channels, len(KNOBS), 1, 1, 2)
        buttons = make_row(self.stretch, self.reset)
        buttons.setStretch(0, 1)
        self.body = QWidget()
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(grid)
        inner.addLayout(buttons)
        self.rows.addWidget(self.body)
        self.note = make_label(self.tr("The image is shown adjusted."), "small", wraps=True)
        self.rows.addWidget(self.note)
        self.folded.connect(lambda _is_open: self.show_display(self._display))
        self.show_channels(3, is_deep=False)
        self.show_display(self._display)

    def _add_knob(self, grid: QGridLayout, row: int, knob: Knob) -> None:
        title = QCoreApplication.translate("Display", knob.title)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(-STEPS, STEPS)
        slider.setPageStep(10)
        slider.setAccessibleName(title)
        slider.valueChanged.connect(lambda step: self._want(**{knob.name: knob.value_of(step)}))
        value = make_label("", "small")
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        value.setFixedWidth(self.fontMetrics().horizontalAdvance("+100"))
        self.sliders[knob.name], self._values[knob.name] = slider, value
        for column, widget in enumerate((make_label(title), slider, value)):
            grid.addWidget(widget, row, column)

    def _want(self, **values: float) -> None:
        wanted = self._display.changed(**values)
        if wanted != self._display:
            self.display_wanted.emit(wanted)

    # --- in step with the canvas ----------------------------------------------------------------------------

    def show_display(self, display: Display) -> None:
        """Bring all controls in step."""
        self._display = display
        for knob in KNOBS:
            value = getattr(display, knob.name)
            if abs(knob.value_of(self.sliders[knob.name].value()) - value) > 1e-3:
                self.sliders[knob.name].setValue(knob.step_of(value))
            self._values[knob.name].setText(knob.text_of(value))
        self.channels.setCurrentIndex(min(display.channel + 1, self.channels.count() - 1))
        self.stretch.setChecked(display.stretch)
        self.reset.setEnabled(not display.is_neutral)
        self.body.setVisible(self.is_open)
        self.note.setVisible(not self.is_open and not display.is_neutral)

    def show_channels(self, count: int, *, is_deep: bool) -> None:
        """What there is to choose from: `count` channels of the image, 8 bits or deeper."""
        named = [self.tr("red"), self.tr("green"), self.tr("blue")] if count == 3 else []
        names = named or [self.tr("channel {0}").format(index + 1) for index in range(count)]
        whole = self.tr("all") if count > 1 else self.tr("the only one")
        self.channels.clear()
        self.channels.addItems([whole, *(names if count > 1 else [])])
        self.channels.setEnabled(count > 1)
        depth = self.tr("The file's own values, deeper than 8 bits") if is_deep else ""
        self.channels.setToolTip(depth)
        self.channels.setCurrentIndex(max(0, min(self._display.channel + 1, count if count > 1 else 0)))
