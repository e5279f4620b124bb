"""What is seen while nothing is open: where to drop images, and the ways to open some."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.prediction import ActionButton
from fcn_studio.ui.panels.sections import make_label, make_row
from fcn_studio.ui.theme import Theme


class WelcomePage(QWidget):
    """Fills the stage; `actions` are the commands offered, the first as the main one."""

    def __init__(self, theme: Theme, actions: list[QAction]) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName(self.tr("Nothing is open"))
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = make_label(self.tr("Drop images or a folder here"), "title")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = make_label(self.tr("JPEG, PNG, WebP, BMP or TIFF. Your files are never changed."), "muted")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = [ActionButton(actions[0], icon=make_icon(theme, "folder-open-outline", "on_accent"))]
        buttons += [ActionButton(action) for action in actions[1:]]
        buttons[0].setObjectName("primary")
        card = QFrame()
        card.setObjectName("card")
        rows = QVBoxLayout(card)
        rows.setContentsMargins(36, 28, 36, 28)
        rows.setSpacing(12)
        for widget in (self._picture, title, text):
            rows.addWidget(widget)
        rows.addSpacing(6)
        rows.addLayout(make_row(*buttons))
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addLayout(make_row(None, card, None))
        layout.addStretch(1)
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        icon = make_icon(self._theme, "image-plus", "muted")
        self._picture.setPixmap(icon.pixmap(QSize(52, 52), self.devicePixelRatioF()))
