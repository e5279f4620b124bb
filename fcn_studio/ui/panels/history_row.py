"""How one edit is drawn in the history panel: icon, name, its class's colour; the present one is marked."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from fcn_studio.core.palette import Color
from fcn_studio.ui.icons import draw_glyph
from fcn_studio.ui.theme import Theme, mix

ROW_PX = 26
ICON_PX = 15
DOT_PX = 9
PAD_PX = 8


@dataclass(frozen=True)
class StepText:
    """What one row says."""

    text: str
    icon: str
    color: Color | None
    is_now: bool
    is_undone: bool


class HistoryRow(QStyledItemDelegate):
    """Draws the `StepText` in the item's user role."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        step: StepText = index.data(Qt.ItemDataRole.UserRole)
        tokens = self._theme.tokens
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        ink = QColor(mix(tokens.surface, tokens.muted, 0.6)) if step.is_undone else tokens.color("text")
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if step.is_now or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(tokens.color("raised" if step.is_now else "field"))
            painter.drawRoundedRect(rect.adjusted(0, 1, -2, -1), 5, 5)
        if step.is_now:
            painter.fillRect(QRect(rect.x(), rect.y() + 6, 3, rect.height() - 12), tokens.color("accent"))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(tokens.color("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0, 1, -3, -2), 5, 5)
        icon = QRect(rect.x() + PAD_PX, rect.y() + (rect.height() - ICON_PX) // 2, ICON_PX, ICON_PX)
        draw_glyph(painter, step.icon, icon, tokens.color("accent") if step.is_now else ink)
        right = rect.right() - PAD_PX
        if step.color is not None:
            self._draw_dot(
                painter, QRect(right - DOT_PX, rect.center().y() - DOT_PX // 2, DOT_PX, DOT_PX), step
            )
            right -= DOT_PX + PAD_PX
        font: QFont = QFont(option.font)
        font.setBold(step.is_now)
        place = QRect(icon.right() + PAD_PX, rect.y(), right - icon.right() - PAD_PX, rect.height())
        text = QFontMetrics(font).elidedText(step.text, Qt.TextElideMode.ElideRight, place.width())
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()

    def _draw_dot(self, painter: QPainter, place: QRect, step: StepText) -> None:
        assert step.color is not None
        color = QColor(*step.color)
        color.setAlphaF(0.45 if step.is_undone else 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(place)
