"""The layers panel: what lies over the image, how strongly, filled or outlined, and whether at all."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QToolButton, QWidget

from fcn_studio.ui.canvas.colors import ORIGIN_COLORS
from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.canvas.looks import LOOKS, Look, Style
from fcn_studio.ui.command_actions import title_of, write_keys
from fcn_studio.ui.commands import BY_ID
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.class_row import make_swatch
from fcn_studio.ui.panels.compare_row import CompareRow
from fcn_studio.ui.panels.fold import FoldSection
from fcn_studio.ui.panels.sections import GAP, make_label, make_row, make_tool_button
from fcn_studio.ui.theme import Theme
from fcn_studio.ui.tools.base import translatable as _T

CHIP_WH_PX = 28, 20
EYE_PX = 22
STYLE_ICONS = {Style.BOTH: "square-opacity", Style.OUTLINE: "square-outline", Style.FILL: "square"}


@dataclass(frozen=True)
class Row:
    """One layer: its id, name and what it shows. `always`: seen while the panel is folded, too."""

    layer: str
    name: str
    about: str
    always: bool = False

    @property
    def command_id(self) -> str:
        return f"toggle_{self.layer}"


ROWS = (
    Row("labels", _T("Layers", "Labels"), _T("Layers", "What people said about the pixels"), True),
    Row("prediction", _T("Layers", "Prediction"), _T("Layers", "What the network says"), True),
    Row("uncertainty", _T("Layers", "Uncertainty"), _T("Layers", "Where the network is not sure"), True),
    Row("difference", _T("Layers", "Difference"), _T("Layers", "Where labels and network disagree")),
    Row("mask", _T("Layers", "Mask"), _T("Layers", "Labels, and the prediction where there are none")),
    Row("origin", _T("Layers", "Origin"), _T("Layers", "How each pixel came to its class")),
    Row("image", _T("Layers", "Image"), _T("Layers", "The photograph itself")),
)
ORIGIN_WORDS = (
    _T("Layers", "painted"), _T("Layers", "accepted"), _T("Layers", "imported"), _T("Layers", "predicted"),
    _T("Layers", "predicted as background"),
)  # fmt: skip


class LayersPanel(FoldSection):
    """One row a layer: eye, name, opacity, style, key."""

    toggled = Signal(str)  # layer
    opacity_changed = Signal(str, float)  # layer, 0 to 1
    style_wanted = Signal(str)  # layer: the next one

    def __init__(self, theme: Theme) -> None:
        translate = QCoreApplication.translate
        title, more, less = (
            translate("Layers", text) for text in ("Layers", "Show all layers", "Show fewer layers")
        )
        super().__init__(title, theme, more, less)
        self.eyes: dict[str, QToolButton] = {}
        self.sliders: dict[str, QSlider] = {}
        self.styles: dict[str, QToolButton] = {}
        self._lines: dict[str, QWidget] = {}
        self.rows.setSpacing(4)
        for row in ROWS:
            self._lines[row.layer] = self._make_line(row)
            self.rows.addWidget(self._lines[row.layer])
            if row.layer == "origin":
                self.legend = _make_legend()
                self.rows.addWidget(self.legend)
        self.compare = CompareRow(theme)
        self.rows.addWidget(self.compare)
        self.folded.connect(self._show_lines)
        for row in ROWS:
            self.show_layer(row.layer, LOOKS[row.layer].visible if row.layer in LOOKS else True)
        self._show_lines()

    def _make_line(self, row: Row) -> QWidget:
        name, about = (QCoreApplication.translate("Layers", text) for text in (row.name, row.about))
        line = QWidget()
        grid = QGridLayout(line)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setColumnMinimumWidth(1, self.fontMetrics().horizontalAdvance("Uncertainty") + 2)
        grid.setColumnStretch(2, 1)
        eye = make_tool_button(title_of(BY_ID[row.command_id]))
        eye.clicked.connect(lambda: self.toggled.emit(row.layer))
        label = make_label(name)
        label.setToolTip(about)
        chip = _KeyChip()
        write_keys(chip, "{0}", row.command_id)
        self.eyes[row.layer] = eye
        grid.addWidget(eye, 0, 0)
        grid.addWidget(label, 0, 1)
        if row.layer in LOOKS:
            grid.addWidget(self._make_slider(row.layer, name), 0, 2)
            grid.addWidget(self._make_style(row.layer, name), 0, 3)
        grid.addWidget(chip, 0, 4)
        return line

    def _make_slider(self, layer: str, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.setAccessibleName(self.tr("Opacity of {0}").format(name))
        slider.valueChanged.connect(lambda value: self._on_slid(layer, value))
        self.sliders[layer] = slider
        return slider

    def _make_style(self, layer: str, name: str) -> QToolButton:
        button = make_tool_button(self.tr("Fill or outline of {0}").format(name))
        button.clicked.connect(lambda: self.style_wanted.emit(layer))
        policy = button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the sliders end in one line
        button.setSizePolicy(policy)
        button.setVisible(len(LOOKS[layer].styles) > 1)
        self.styles[layer] = button
        return button

    # --- in step with the canvas ----------------------------------------------------------------------------

    def show_layer(self, layer: str, is_shown: bool) -> None:
        """Bring the eye in step with the canvas."""
        eye = self.eyes[layer]
        name = "eye-outline" if is_shown else "eye-off-outline"
        eye.setIcon(make_icon(self._theme, name, "text" if is_shown else "muted"))
        eye.setProperty("shown", is_shown)
        verb = self.tr("Hide") if is_shown else self.tr("Show")
        write_keys(eye, f"{verb} {self.tr('(tap {0}; hold it to peek)')}", f"toggle_{layer}")
        for control in (self.sliders.get(layer), self.styles.get(layer)):
            if control is not None:
                control.setEnabled(is_shown)
        self._show_lines()

    def show_look(self, layer: str, look: Look) -> None:
        """Bring slider and style in step."""
        self.sliders[layer].setValue(round(look.opacity * 100))
        style = self.styles[layer]
        style.setIcon(make_icon(self._theme, STYLE_ICONS[look.style], "muted"))
        words = {
            Style.BOTH: self.tr("Filled and outlined; click for outlines only"),
            Style.OUTLINE: self.tr("Outlined only; click for fills only"),
            Style.FILL: self.tr("Filled only; click for both"),
        }
        style.setToolTip(words[look.style])

    def show_compare(self, mode: CompareMode) -> None:
        """Bring the row of the other checkpoint in step."""
        self.compare.show_mode(mode)
        self._show_lines()

    def _show_lines(self, *_what: object) -> None:
        """Lesser layers are seen while the panel is open, or while they are shown on the canvas."""
        if not hasattr(self, "compare"):
            return
        for row in ROWS:
            is_odd = bool(self.eyes[row.layer].property("shown")) == (row.layer != "image")
            self._lines[row.layer].setVisible(self.is_open or row.always or is_odd)
        self.legend.setVisible(bool(self.eyes["origin"].property("shown")))
        self.compare.setVisible(self.is_open or self.compare.mode is not CompareMode.OFF)

    def _on_slid(self, layer: str, percent: int) -> None:
        self.sliders[layer].setToolTip(f"{percent} %")
        self.opacity_changed.emit(layer, percent / 100)


class _KeyChip(QLabel):
    """A key in a small frame; Shift is an arrow here, so that all chips are equally narrow."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("keyChip")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFixedSize(CHIP_WH_PX[0], CHIP_WH_PX[1])

    def setText(self, text: str) -> None:
        super().setText(text.replace("Shift+", "⇧"))
        self.setToolTip(text)


def _make_legend() -> QWidget:
    """What the colours of the origin layer mean."""
    legend = QWidget()
    grid = QGridLayout(legend)
    grid.setContentsMargins(EYE_PX + GAP, 0, 0, 2)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    for index, (color, words) in enumerate(zip(ORIGIN_COLORS.values(), ORIGIN_WORDS, strict=True)):
        swatch = make_label()
        swatch.setPixmap(make_swatch(color).pixmap(10, 10))
        item = make_row(
            swatch, make_label(QCoreApplication.translate("Layers", words), "small"), None, spacing=6
        )
        last = index == len(ORIGIN_WORDS) - 1
        grid.addLayout(item, index // 2, index % 2, 1, 2 if last else 1)
    return legend
