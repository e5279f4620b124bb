"""The row above the canvas: open, what the tool in hand can be told, undo, zoom; from the command table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from fcn_studio.ui.command_actions import CommandActions
from fcn_studio.ui.panels.sections import ElidedLabel, make_row
from fcn_studio.ui.panels.tool_menus import GuardButton, RegionButton
from fcn_studio.ui.panels.tool_options import ToolHolder, ToolOptionBar
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

ICON_PX = 20
WIDEST_TITLE_PX = 200


class ToolRow(QWidget):
    """Buttons for the commands that the table places at "open" and "right"; the tool's options between."""

    size_changed = Signal(int)  # diameter in image pixels

    def __init__(self, session: Session, theme: Theme, actions: CommandActions) -> None:
        super().__init__()
        self.setObjectName("toolRow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Options of the tool"))
        self.buttons: dict[str, QToolButton] = {}
        self.title = ElidedLabel(name="projectTitle")
        self.title.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.options = ToolOptionBar(theme)
        self.options.size_changed.connect(self.size_changed)
        self.guard = GuardButton(session, theme, actions)
        self.regions = RegionButton(theme, actions)
        row = make_row(*self._make_buttons(actions.at("open")), self.title, spacing=4)
        row.setContentsMargins(8, 6, 8, 6)
        row.addSpacing(10)
        row.addWidget(self.options)
        row.addSpacing(6)
        row.addWidget(self.guard)
        row.addWidget(self.regions)
        row.addStretch(1)
        for button in self._make_buttons(actions.at("right")):
            row.addWidget(button)
        self.setLayout(row)

    def _make_buttons(self, actions: list[QAction]) -> list[QToolButton]:
        made = []
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(ICON_PX, ICON_PX))
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.buttons[action.objectName()] = button
            made.append(button)
        return made

    def follow(self, holder: ToolHolder) -> None:
        """Show and change the options of this canvas."""
        self.options.follow(holder)
        self.regions.follow(holder.options)

    def dispose(self) -> None:
        """Hear nothing any more."""
        self.guard.dispose()

    def show_title(self, title: str) -> None:
        """The project's name, as wide as it needs up to a limit."""
        self.title.setText(title)
        self.title.ensurePolished()
        wanted = self.title.fontMetrics().horizontalAdvance(title) + 14
        self.title.setFixedWidth(min(WIDEST_TITLE_PX, wanted))

    def show_tool(self) -> None:
        """Another tool is in hand, or its options have changed."""
        self.options.show_tool()
