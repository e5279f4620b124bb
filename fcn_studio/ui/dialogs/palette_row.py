"""How one command is drawn in the palette: icon, name with letters found, menu, keys or what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from fcn_studio.ui.icons import draw_glyph
from fcn_studio.ui.theme import Theme, mix

ROW_PX = 34
ICON_PX = 18
PAD_PX = 10
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class RowText:
    """What a row says. `reason`: what is missing while the command cannot be used."""

    command_id: str
    text: str
    path: str
    keys: str
    reason: str
    icon: str
    places: tuple[int, ...]
    is_enabled: bool
    is_on: bool

    @property
    def spoken(self) -> str:
        """The row as a screen reader says it."""
        return ", ".join(filter(None, (self.text, self.path, self.keys, self.reason)))


class PaletteRow(QStyledItemDelegate):
    """Draws a `RowText` that lies in the item's user role."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(200, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: RowText = index.data(Qt.ItemDataRole.UserRole)
        tokens = self._theme.tokens
        rect: QRect = option.rect
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        faint = mix(tokens.surface, tokens.muted, 0.75)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.color("raised"))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
            painter.fillRect(QRect(rect.x() + 1, rect.y() + 8, 3, rect.height() - 16), tokens.color("accent"))
        ink = tokens.color("text") if row.is_enabled else QColor(faint)
        icon = QRect(rect.x() + PAD_PX, rect.y() + (rect.height() - ICON_PX) // 2, ICON_PX, ICON_PX)
        glyph = "check" if row.is_on else row.icon
        if glyph:
            draw_glyph(painter, glyph, icon, tokens.color("accent") if row.is_on else ink)
        font: QFont = option.font
        right = self._draw_right(painter, rect.adjusted(0, 0, -PAD_PX, 0), row, font)
        left = icon.right() + PAD_PX
        middle = QRect(left, rect.y(), max(0, right - left - PAD_PX), rect.height())
        used = self._draw_text(painter, middle, row, font, ink)
        rest = middle.adjusted(used + PAD_PX, 0, 0, 0)
        if rest.width() > 60:
            painter.setFont(font)
            painter.setPen(QColor(faint))
            path = QFontMetrics(font).elidedText(row.path, Qt.TextElideMode.ElideRight, rest.width())
            painter.drawText(rest, int(Qt.AlignmentFlag.AlignVCenter), path)
        painter.restore()

    def _draw_right(self, painter: QPainter, rect: QRect, row: RowText, font: QFont) -> int:
        """Keys, or what is missing, at the right end; returns where it begins."""
        text = row.keys if row.is_enabled else row.reason or row.keys
        metrics = QFontMetrics(font)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(rect.width() * 0.55))
        painter.setFont(font)
        painter.setPen(self._theme.tokens.color("muted"))
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text)
        return rect.right() - metrics.horizontalAdvance(text)

    def _draw_text(self, painter: QPainter, rect: QRect, row: RowText, font: QFont, ink: QColor) -> int:
        """The name, letters that were asked for in bold; returns how wide it is."""
        bold = QFont(font)
        bold.setBold(True)
        x = rect.x()
        for place, letter in enumerate(row.text):
            is_found = place in row.places
            used = bold if is_found else font
            width = QFontMetrics(used).horizontalAdvance(letter)
            if x + width > rect.right():
                break
            painter.setFont(used)
            painter.setPen(self._theme.tokens.color("accent") if is_found and row.is_enabled else ink)
            place_of_letter = QRect(x, rect.y(), width + 2, rect.height())
            painter.drawText(place_of_letter, int(Qt.AlignmentFlag.AlignVCenter), letter)
            x += width
        return x - rect.x()
