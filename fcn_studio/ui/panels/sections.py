"""The bricks of the side panels: headings, lines, rows, key chips, labels that end in an ellipsis."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from fcn_studio.ui.icons import draw_glyph
from fcn_studio.ui.theme import Theme

MARGIN = 14
GAP = 8
WIDEST_PX = 16777215  # Qt's own limit, for "no limit"


class ElidedLabel(QLabel):
    """One line of text that ends in an ellipsis where it does not fit; the tooltip has all of it."""

    def __init__(self, text: str = "", name: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        mode = Qt.TextElideMode.ElideRight
        text = self.fontMetrics().elidedText(self.text(), mode, self.contentsRect().width())
        self.style().drawItemText(
            painter, self.contentsRect(), int(self.alignment()), self.palette(), self.isEnabled(), text,
            self.foregroundRole(),
        )  # fmt: skip
        painter.end()


class LinkButton(QPushButton):
    """A button that looks like a link and ends in an ellipsis where its text does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("link")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()


class Choice(QComboBox):
    """A combo box with the theme's arrow; a text that does not fit is cut, and the tip has it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setView(QListView())  # the style's own list does not take the style sheet's colours

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.full_tip(), self)
            return True
        return super().event(event)

    def full_tip(self) -> str:
        """The tooltip, below the chosen text where that is cut."""
        text = self.currentText()
        is_cut = self.fontMetrics().horizontalAdvance(text) > self._room
        return f"{text}\n{self.toolTip()}".strip() if is_cut else self.toolTip()

    @property
    def _room(self) -> int:
        return self.width() - 44

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        mode = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(self.currentText(), mode, self._room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        arrow = QRect(self.width() - 24, (self.height() - 16) // 2, 16, 16)
        token = "muted" if self.isEnabled() else "border"
        draw_glyph(painter, "chevron-down", arrow, self._theme.tokens.color(token))
        painter.end()


def make_label(text: str = "", name: str = "", wraps: bool = False) -> QLabel:
    """A label; `name` is the style sheet's object name: heading, muted, small, warning, keyChip."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(wraps)
    return label


def fit_text(label: QLabel, widest_px: int) -> None:
    """One line where the text fits into `widest_px`, else as many as it needs at that width."""
    label.setWordWrap(False)
    label.setMinimumWidth(0)
    label.setMaximumWidth(WIDEST_PX)
    if label.sizeHint().width() > widest_px:
        label.setWordWrap(True)
        label.setFixedWidth(widest_px)


def make_heading(text: str) -> QLabel:
    """The heading of a panel's part; as high as a small button, so that headings side by side line up."""
    label = make_label(text.upper(), "heading")
    label.setMinimumHeight(24)
    return label


def make_key_chip(text: str) -> QLabel:
    """A key in a small frame, as wide for "S" as for "0"."""
    chip = make_label(text, "keyChip")
    chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
    chip.setFixedSize(20, 20)
    return chip


def make_row(*widgets: QWidget | None, spacing: int = GAP) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row


def make_line() -> QFrame:
    """A thin line between two sections."""
    line = QFrame()
    line.setObjectName("line")
    return line


def make_tool_button(name: str, tip: str = "", checkable: bool = False) -> QToolButton:
    """A small icon button; `name` is what a screen reader says."""
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(tip or name)
    button.setCheckable(checkable)
    button.setIconSize(QSize(16, 16))
    return button


class Section(QWidget):
    """A part of the right column: a heading with something at its right end, and rows below."""

    def __init__(self, title: str, corner: QWidget | None = None) -> None:
        super().__init__()
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(MARGIN, 10, MARGIN, 12)
        self.rows.setSpacing(GAP)
        self.heading = make_heading(title)
        header = make_row(self.heading, None)
        if corner is not None:
            header.addWidget(corner)
        self.rows.addLayout(header)
        self.setAccessibleName(title)
