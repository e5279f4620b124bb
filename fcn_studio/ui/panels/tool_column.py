"""The column beside the canvas: one button a tool, made from the command table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

from fcn_studio.ui.panels.sections import make_line

ICON_PX = 20
GROUPS = (4, 4, 3)  # brushes, areas, what takes regions by itself


class ToolColumn(QWidget):
    """Buttons for the commands that the table places at "tools"."""

    def __init__(self, actions: Sequence[QAction]) -> None:
        super().__init__()
        self.setObjectName("toolColumn")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Tools"))
        self.buttons: dict[str, QToolButton] = {}
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 8, 6, 8)
        rows.setSpacing(4)
        left = list(actions)
        for count in GROUPS:
            if self.buttons:
                rows.addWidget(self._make_line())
            for action in left[:count]:
                rows.addWidget(self._make_button(action))
            left = left[count:]
        for action in left:
            rows.addWidget(self._make_button(action))
        rows.addStretch(1)

    def _make_line(self) -> QFrame:
        line = make_line()
        line.setFixedHeight(1)
        return line

    def _make_button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.buttons[action.objectName()] = button
        return button
