"""What is seen while nothing is open: where to drop images, and the ways to open some."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QVBoxLayout, QWidget

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.prediction import ActionButton
from fcn_studio.ui.panels.sections import fit_text, make_label, make_row
from fcn_studio.ui.theme import Theme

CARD_PX, ROUND_CARD_PX = 36, 12  # margins at its sides, inside and outside


class WelcomePage(QWidget):
    """Fills the stage; `actions` are the commands offered, the first as the main one."""

    def __init__(self, theme: Theme, actions: list[QAction]) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName(self.tr("Nothing is open"))
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.texts = (
            make_label(self.tr("Drop images or a folder here"), "title"),
            make_label(self.tr("JPEG, PNG, WebP, BMP or TIFF. Your files are never changed."), "muted"),
        )
        first = ActionButton(actions[0], icon=make_icon(theme, "folder-open-outline", "on_accent"))
        first.setObjectName("primary")
        self.buttons = (first, *(ActionButton(action) for action in actions[1:]))
        card = QFrame()
        card.setObjectName("card")
        rows = QVBoxLayout(card)
        rows.setContentsMargins(CARD_PX, 28, CARD_PX, 28)
        rows.setSpacing(12)
        rows.addWidget(self._picture)
        for text in self.texts:
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            rows.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        rows.addSpacing(6)
        self._row = make_row(*self.buttons)
        rows.addLayout(self._row)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addLayout(make_row(None, card, None))
        layout.addStretch(1)
        theme.changed.connect(self._dress)
        self._dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow stage the texts wrap and the buttons stand one below the other."""
        super().resizeEvent(event)
        room = self.width() - 2 * (CARD_PX + ROUND_CARD_PX)
        wanted = sum(button.sizeHint().width() for button in self.buttons)
        wanted += self._row.spacing() * (len(self.buttons) - 1)
        down, along = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._row.setDirection(along if wanted <= room else down)
        for text in self.texts:
            fit_text(text, room)

    def _dress(self) -> None:
        icon = make_icon(self._theme, "image-plus", "muted")
        self._picture.setPixmap(icon.pixmap(QSize(52, 52), self.devicePixelRatioF()))
