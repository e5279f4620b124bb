"""The curves of a fine-tuning: loss and validation mean IoU. Imports pyqtgraph, so it is imported late."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from fcn_studio.ui.panels.sections import make_row
from fcn_studio.ui.theme import Theme

HEIGHT_PX = 124
Points = Sequence[tuple[int, float]]


class TrainingPlot(QWidget):
    """Two curves over steps; nothing can be dragged in it, so the wheel scrolls the panel."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName(self.tr("Loss and validation mean IoU over steps"))
        self._plot = pyqtgraph.PlotWidget(parent=self, enableMenu=False)
        self._plot.setFixedHeight(HEIGHT_PX)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._loss = self._plot.plot([], [], antialias=True)
        self._score = self._plot.plot([], [], antialias=True, symbol="o", symbolSize=6)
        self._latest: tuple[float | None, float | None] = (None, None)
        self._loss_key, self._score_key = QLabel(), QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._plot)
        layout.addLayout(make_row(self._loss_key, self._score_key, None, spacing=14))
        theme.changed.connect(self._dress)
        self._dress()

    def show_curves(self, losses: Points, scores: Points, steps: int) -> None:
        """Draw (step, value) points; the axis reaches from 0 to `steps` from the start.

        `scores`: 0 to 1. The left axis is the mean IoU's, in percent; the loss is drawn to fill the same
        height, and its latest value is written below. Without a mean IoU the axis is the loss's.
        """
        highest = max([value for _, value in losses], default=1.0) or 1.0
        scale = 100 / highest if scores else 1.0
        self._loss.setData([step for step, _ in losses], [value * scale for _, value in losses])
        self._score.setData([step for step, _ in scores], [100 * value for _, value in scores])
        self._plot.setXRange(0, max(1, steps), padding=0.02)
        self._plot.setYRange(0, highest * scale, padding=0.04)
        self._latest = (losses[-1][1] if losses else None, scores[-1][1] if scores else None)
        self._show_keys()

    def dispose(self) -> None:
        """Take the plot apart; afterwards this widget only waits to be deleted."""
        self._theme.changed.disconnect(self._dress)
        self._plot.close()

    def _show_keys(self) -> None:
        """Colour, name and latest value of each curve."""
        tokens = self._theme.tokens
        loss, score = self._latest
        for label, color, words in (
            (self._loss_key, tokens.muted, loss is not None and f"{self.tr('loss')} {loss:.2f}"),
            (
                self._score_key,
                tokens.accent,
                score is not None and f"{self.tr('validation mIoU')} {100 * score:.1f}",
            ),
        ):
            label.setVisible(bool(words))
            label.setText(f'<span style="color:{color}">━ {words}</span>')

    def _dress(self) -> None:
        tokens = self._theme.tokens
        self._plot.setBackground(tokens.surface)
        for name in ("left", "bottom"):
            axis = self._plot.getAxis(name)
            axis.setPen(QPen(tokens.color("border")))
            axis.setTextPen(QPen(tokens.color("muted")))
            axis.setStyle(tickFont=self.font(), tickLength=-4)
        self._plot.getAxis("left").setWidth(34)
        self._loss.setPen(pyqtgraph.mkPen(tokens.muted, width=1.2))
        self._score.setPen(pyqtgraph.mkPen(tokens.accent, width=2))
        self._score.setSymbolBrush(tokens.accent)
        self._score.setSymbolPen(None)
        self._show_keys()
