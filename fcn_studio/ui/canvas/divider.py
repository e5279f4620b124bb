"""The line between two predictions: a knob to drag when swiping, and whose prediction is on which side."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

from fcn_studio.ui.canvas.compare import CompareMode, Comparison

KNOB_PX = 34
CHIP_HEIGHT_PX = 24
FROM_TOP_PX = 12
FROM_LINE_PX = 10
KEY_STEP = 0.02
DARK, LIGHT = QColor(0, 0, 0, 150), QColor(255, 255, 255, 230)


class Divider(QWidget):
    """The knob; `share_wanted` carries where the line should be, a share of the canvas's width."""

    share_wanted = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self._comparison = Comparison()
        self.names = "", ""
        self.setFixedSize(QSize(KNOB_PX, KNOB_PX))
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(self.tr("Line between two predictions"))
        self.setToolTip(self.tr("Drag to compare the two predictions"))
        self.hide()

    def follow(self, comparison: Comparison) -> None:
        """Stand where the line is."""
        self._comparison = comparison
        view = self._view.rect()
        self.move(round(view.width() * comparison.share) - KNOB_PX // 2, (view.height() - KNOB_PX) // 2)
        self.setVisible(comparison.mode is CompareMode.SWIPE)

    # --- mouse and keys -------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            x = self.mapTo(self._view, event.position()).x()
            self.share_wanted.emit(x / max(1, self._view.width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -KEY_STEP, Qt.Key.Key_Right: KEY_STEP}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.share_wanted.emit(self._comparison.share + step)

    # --- painting -------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, radius = QPointF(KNOB_PX / 2, KNOB_PX / 2), KNOB_PX / 2 - 3
        painter.setPen(QPen(DARK, 1.5))
        painter.setBrush(LIGHT)
        painter.drawEllipse(middle, radius, radius)
        painter.setPen(QPen(QColor(30, 30, 30), 2, c=Qt.PenCapStyle.RoundCap))
        for side in (-1, 1):
            tip = middle + QPointF(7.5 * side, 0)
            for wing in (-4, 4):
                painter.drawLine(QLineF(tip, tip + QPointF(-4 * side, wing)))
        painter.end()

    def paint_line(self, painter: QPainter, view: QRect, palette: QPalette) -> None:
        """Line and names, on the canvas itself."""
        mode = self._comparison.mode
        if mode is CompareMode.OFF:
            return
        share = self._comparison.share if mode is CompareMode.SWIPE else 0.5
        x = round(view.width() * share)
        painter.fillRect(QRectF(x - 1.5, 0, 3, view.height()), DARK)
        painter.fillRect(QRectF(x - 0.5, 0, 1, view.height()), LIGHT)
        own, other = self.names
        self._paint_chip(painter, palette, own, QRect(0, 0, x, view.height()), Qt.AlignmentFlag.AlignRight)
        rest = QRect(x, 0, view.width() - x, view.height())
        self._paint_chip(painter, palette, other, rest, Qt.AlignmentFlag.AlignLeft)

    def _paint_chip(
        self, painter: QPainter, palette: QPalette, text: str, room: QRect, side: Qt.AlignmentFlag
    ) -> None:
        widest = room.width() - 2 * FROM_LINE_PX
        if widest < 60 or not text:
            return
        metrics = painter.fontMetrics()
        words = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, widest - 20)
        width = metrics.horizontalAdvance(words) + 20
        is_right = side == Qt.AlignmentFlag.AlignRight
        x = room.right() - FROM_LINE_PX - width if is_right else room.left() + FROM_LINE_PX
        chip = QRectF(x, FROM_TOP_PX, width, CHIP_HEIGHT_PX)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(chip, CHIP_HEIGHT_PX / 2, CHIP_HEIGHT_PX / 2)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()
