"""What the canvas says where there is no image to show yet: nothing open, opening, failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetrics, QKeySequence, QPainter, QPalette, QPen

from fcn_studio.ui.icons import draw_glyph

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

OPENING_AFTER_MS = 200  # what opens faster needs no words
CARD_WIDTH_PX = 420
PADDING_PX = 28
ICON_PX = 44
CHIP_HEIGHT_PX = 30
FROM_BORDER_PX = 16
ERROR = QColor("#e5484d")
CENTRED = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter


class CanvasMessages(QObject):
    """Listens for images that open or fail; `changed` when other words must be drawn."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.opening = ""  # name of the image that takes a while
        self.failure = ""  # why the last image could not be opened
        self._coming = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(OPENING_AFTER_MS)
        self._timer.timeout.connect(self._on_takes_a_while)
        events = session.events
        self._connections = (
            (events.image_opening, self._on_image_opening),
            (events.image_opened, self._on_image_opened),
            (events.image_failed, self._on_image_failed),
        )
        for signal, slot in self._connections:
            signal.connect(slot)

    def close(self) -> None:
        """Hear nothing any more."""
        self._timer.stop()
        for signal, slot in self._connections:
            signal.disconnect(slot, missing_ok=True)

    def _on_image_opening(self, image_id: str) -> None:
        self._coming = image_id.rsplit("/", 1)[-1]
        self._timer.start()

    def _on_image_opened(self, _document: Document) -> None:
        self._say("", "")

    def _on_takes_a_while(self) -> None:
        self._say(self._coming, "")

    def _on_image_failed(self, _image_id: str, sentence: str) -> None:
        self._say("", sentence)

    def _say(self, opening: str, failure: str) -> None:
        self._timer.stop()
        if (opening, failure) != (self.opening, self.failure):
            self.opening, self.failure = opening, failure
            self.changed.emit()

    # --- drawing ------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, view: QRect, palette: QPalette, *, has_image: bool) -> None:
        """Draw what is to be said now; over an image only that another one is opening."""
        if has_image and not self.opening:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if has_image:
            _paint_chip(painter, view, palette, self._opening_text())
        elif self.failure:
            title = self.tr("This image could not be opened")
            _paint_card(painter, view, palette, "image-broken-variant", title, self.failure, ERROR)
        elif self._session.is_open:
            if self.opening:
                _paint_chip(painter, view, palette, self._opening_text())
        else:
            key = QKeySequence("Ctrl+O").toString(QKeySequence.SequenceFormat.NativeText)
            title = self.tr("Drop images here, or press {0}").format(key)
            text = self.tr("JPEG, PNG, WebP, BMP or TIFF. Your files are never changed.")
            accent = palette.color(QPalette.ColorRole.Link)
            _paint_card(painter, view, palette, "image-plus-outline", title, text, accent, dashed=True)
        painter.restore()

    def _opening_text(self) -> str:
        return self.tr("Opening {0} …").format(self.opening)


def _paint_card(
    painter: QPainter,
    view: QRect,
    palette: QPalette,
    icon: str,
    title: str,
    text: str,
    color: QColor,
    *,
    dashed: bool = False,
) -> None:
    """A card in the middle: an icon, a line of text and smaller words below it."""
    width = min(CARD_WIDTH_PX, view.width() - 2 * FROM_BORDER_PX)
    inner = width - 2 * PADDING_PX
    text_font = painter.font()
    title_font = QFont(text_font)
    title_font.setPixelSize(QFontInfo(text_font).pixelSize() + 3)
    title_font.setBold(True)
    room = QRect(0, 0, max(inner, 1), 10_000)
    title_h = QFontMetrics(title_font).boundingRect(room, CENTRED, title).height()
    text_h = QFontMetrics(text_font).boundingRect(room, CENTRED, text).height()
    card = QRect(0, 0, width, 2 * PADDING_PX + ICON_PX + 12 + title_h + 8 + text_h)
    card.moveCenter(view.center())
    role = QPalette.ColorRole
    painter.setPen(
        QPen(palette.color(role.PlaceholderText), 1.2, Qt.PenStyle.DashLine)
        if dashed
        else QPen(palette.color(role.Mid), 1)
    )
    painter.setBrush(Qt.BrushStyle.NoBrush if dashed else palette.color(role.Window))
    painter.drawRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
    top = card.y() + PADDING_PX
    draw_glyph(painter, icon, QRect(card.x(), top, width, ICON_PX), color)
    top += ICON_PX + 12
    for font, ink, height, words in (
        (title_font, palette.color(role.WindowText), title_h, title),
        (text_font, palette.color(role.PlaceholderText), text_h, text),
    ):
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(QRect(card.x() + PADDING_PX, top, inner, height), CENTRED, words)
        top += height + 8


def _paint_chip(painter: QPainter, view: QRect, palette: QPalette, text: str) -> None:
    """A small note at the lower left, out of the way."""
    room = view.width() - 2 * FROM_BORDER_PX
    width = max(1, min(painter.fontMetrics().horizontalAdvance(text) + 32, room))
    top = view.bottom() - FROM_BORDER_PX - CHIP_HEIGHT_PX
    rect = QRect(view.x() + FROM_BORDER_PX, top, width, CHIP_HEIGHT_PX)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
    painter.setBrush(palette.color(QPalette.ColorRole.Window))
    radius = CHIP_HEIGHT_PX / 2
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    inner = rect.adjusted(16, 0, -14, 0)
    words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width())
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
