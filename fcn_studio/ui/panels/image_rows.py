"""The image list's rows: a model over the session's images and the delegate that draws a row."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from fcn_studio.ui.icons import draw_glyph
from fcn_studio.ui.qimage import make_rgb_image
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.images import ImageEntry
    from fcn_studio.session.session import Session

Index = QModelIndex | QPersistentModelIndex
ID_ROLE = Qt.ItemDataRole.UserRole + 1
STATE_ROLE = Qt.ItemDataRole.UserRole + 2
THUMBNAIL_ROLE = Qt.ItemDataRole.UserRole + 3
THUMBNAILS_KEPT = 400
THUMBNAIL_HW = (56, 76)
ROW_PX = 68
STATE_GLYPHS = {
    "reviewed": ("check-circle", "success"),
    "in progress": ("circle-half-full", "warning"),
    "unlabelled": ("circle-outline", "muted"),
    "unreadable": ("alert-circle", "error"),
}
UNREADABLE = "unreadable"


class ImageRows(QAbstractListModel):
    """The session's images in their order; asks for a thumbnail when its row is first drawn."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._entries: list[ImageEntry] = []
        self._rows: dict[str, int] = {}
        self._thumbnails: OrderedDict[str, QPixmap | None] = OrderedDict()  # None: asked for
        self._failed: dict[str, str] = {}  # image id: why it could not be opened

    def reload(self) -> None:
        """Read the list anew, as after another folder was opened."""
        self.beginResetModel()
        self._entries = list(self._session.images.entries)
        self._rows = {entry.image_id: row for row, entry in enumerate(self._entries)}
        self._thumbnails.clear()
        self._failed.clear()
        self.endResetModel()

    def refresh_state(self, image_id: str) -> None:
        """Read the state of one image anew."""
        row = self._rows.get(image_id)
        if row is not None:
            state = self._session.images.state_of(image_id)
            self._entries[row] = replace(self._entries[row], state=state)
            self.dataChanged.emit(self.index(row), self.index(row))

    def show_failed(self, image_id: str, sentence: str) -> None:
        """Mark an image that could not be opened; the sentence, with its cure, is the row's tooltip."""
        self._failed[image_id] = sentence
        self._repaint(image_id)

    def show_opened(self, image_id: str) -> None:
        """An image was opened: if it could not be before, it is as good as the others now."""
        if self._failed.pop(image_id, None) is not None:
            self._thumbnails.pop(image_id, None)  # asked for anew
            self._repaint(image_id)

    def _repaint(self, image_id: str) -> None:
        if (row := self._rows.get(image_id)) is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def count_reviewed(self) -> int:
        """How many images need no more work."""
        return sum(entry.state.value == "reviewed" for entry in self._entries)

    def put_thumbnail(self, image_id: str, pixels: NDArray[np.uint8]) -> None:
        """A thumbnail arrived, uint8 [h, w, 3]."""
        row = self._rows.get(image_id)
        if row is None:
            return
        self._thumbnails[image_id] = QPixmap.fromImage(make_rgb_image(pixels))
        self._thumbnails.move_to_end(image_id)
        while len(self._thumbnails) > THUMBNAILS_KEPT:
            self._thumbnails.popitem(last=False)
        self.dataChanged.emit(self.index(row), self.index(row), [THUMBNAIL_ROLE])

    def row_of(self, image_id: str | None) -> int:
        """The row of an image; -1 where there is none."""
        return self._rows.get(image_id or "", -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._failed.get(entry.image_id, entry.image_id)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.name}, {self._state(entry)}"
        if role == ID_ROLE:
            return entry.image_id
        if role == STATE_ROLE:
            return self._state(entry)
        if role == THUMBNAIL_ROLE:
            return self._thumbnail(entry.image_id)
        return None

    def _state(self, entry: ImageEntry) -> str:
        return UNREADABLE if entry.image_id in self._failed else entry.state.value

    def _thumbnail(self, image_id: str) -> QPixmap | None:
        if image_id not in self._thumbnails:
            self._thumbnails[image_id] = None
            self._session.images.request_thumbnail(image_id)
        return self._thumbnails[image_id]


class ImageFilter(QSortFilterProxyModel):
    """Rows whose path or state contains all words that were typed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_text(self, text: str) -> None:
        self._words = _as_compared(text).split()
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        index = self.sourceModel().index(source_row, 0, source_parent)
        text = _as_compared(f"{index.data(ID_ROLE)} {index.data(STATE_ROLE)}")
        return all(word in text for word in self._words)


def _as_compared(text: str) -> str:
    """Without capitals, and ü as one sign: in names of files from a Mac it is u with dots behind it."""
    return unicodedata.normalize("NFC", text).casefold()


class ImageDelegate(QStyledItemDelegate):
    """Draws a row: thumbnail with round corners, name, state with its sign."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(120, max(ROW_PX, 2 * option.fontMetrics.height() + 24))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = self._theme.tokens
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen or hovered:
            path = QPainterPath()
            path.addRoundedRect(option.rect.adjusted(0, 1, 0, -1), 6, 6)
            painter.fillPath(path, tokens.color("raised" if chosen else "field"))
        if option.state & QStyle.StateFlag.State_HasFocus:  # the keyboard is here
            painter.setPen(tokens.color("accent"))
            painter.drawRoundedRect(option.rect.adjusted(0, 1, -1, -2), 6, 6)
        thumbnail = self._thumbnail_rect(option.rect)
        self._draw_thumbnail(painter, thumbnail, index.data(THUMBNAIL_ROLE))
        if index.data(STATE_ROLE) == UNREADABLE and index.data(THUMBNAIL_ROLE) is None:
            middle = thumbnail.center()
            sign = QRect(middle.x() - 11, middle.y() - 11, 24, 24)
            draw_glyph(painter, "image-broken-variant", sign, tokens.color("muted"))
        text = QRect(option.rect)
        text.setLeft(thumbnail.right() + 10)
        text.setRight(option.rect.right() - 2)
        self._draw_name(painter, text, option.font, str(index.data()), chosen)
        self._draw_state(painter, text, option.font, str(index.data(STATE_ROLE)))
        painter.restore()

    def _thumbnail_rect(self, row: QRect) -> QRect:
        height, width = THUMBNAIL_HW
        return QRect(row.left() + 6, row.center().y() - height // 2 + 1, width, height)

    def _draw_thumbnail(self, painter: QPainter, rect: QRect, pixmap: QPixmap | None) -> None:
        path = QPainterPath()
        path.addRoundedRect(rect, 5, 5)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(rect, self._theme.tokens.color("field"))
        if pixmap is not None and not pixmap.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(rect, pixmap, _middle_part(pixmap.size(), rect.size()))
        painter.restore()

    def _draw_name(self, painter: QPainter, rect: QRect, font: QFont, name: str, chosen: bool) -> None:
        own = QFont(font)
        own.setBold(chosen)
        painter.setFont(own)
        painter.setPen(self._theme.tokens.color("text"))
        text = fit_name(name, QFontMetrics(own), rect.width())
        upper = QRect(rect.left(), rect.top(), rect.width(), rect.height() // 2 - 2)
        painter.drawText(upper, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, text)

    def _draw_state(self, painter: QPainter, rect: QRect, font: QFont, state: str) -> None:
        sign, token = STATE_GLYPHS.get(state, STATE_GLYPHS["unlabelled"])
        lower = QRect(rect.left(), rect.center().y() + 3, rect.width(), rect.height() // 2 - 4)
        line_px = QFontMetrics(font).height()
        draw_glyph(
            painter, sign, QRect(lower.left(), lower.top() + (line_px - 14) // 2, 14, 14),
            self._theme.tokens.color(token),
        )  # fmt: skip
        painter.setFont(font)
        painter.setPen(self._theme.tokens.color("muted"))
        words = QFontMetrics(font).elidedText(self.tr(state), Qt.TextElideMode.ElideRight, lower.width() - 18)
        painter.drawText(
            lower.adjusted(18, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, words
        )


def fit_name(name: str, metrics: QFontMetrics, width_px: int) -> str:
    """A file name in so much room: without its suffix, and only then without its middle."""
    if metrics.horizontalAdvance(name) <= width_px:
        return name
    return metrics.elidedText(PurePath(name).stem, Qt.TextElideMode.ElideMiddle, width_px)


def _middle_part(size: QSize, target: QSize) -> QRect:
    """The largest part of a picture, round its middle, that has the target's proportions."""
    scale = min(size.width() / target.width(), size.height() / target.height())
    width, height = max(1, round(target.width() * scale)), max(1, round(target.height() * scale))
    return QRect((size.width() - width) // 2, (size.height() - height) // 2, width, height)
