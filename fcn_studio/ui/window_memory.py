"""What a window remembers until the next start: size, place, docks, tool, brush, zoom."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from fcn_studio.core.settings import Settings

FIRST_SIZE = QSize(1440, 900)
SMALLEST_SIZE = QSize(880, 560)
STATE_VERSION = 1


def restore_window(window: QMainWindow, settings: Settings) -> None:
    """Size, place and docks as they were; at the first start a good part of the screen."""
    if not window.restoreGeometry(_from_text(settings["window_geometry"])):
        room = QGuiApplication.primaryScreen().availableGeometry()
        size = FIRST_SIZE.boundedTo(QSize(round(room.width() * 0.94), round(room.height() * 0.94)))
        window.resize(size)
        middle = QRect(room.topLeft(), size)
        middle.moveCenter(room.center())
        window.move(middle.topLeft())
    window.restoreState(_from_text(settings["window_state"]), STATE_VERSION)


def keep_window(window: QMainWindow, settings: Settings) -> None:
    """Put size, place and docks into the settings."""
    settings["window_geometry"] = _to_text(window.saveGeometry())
    settings["window_state"] = _to_text(window.saveState(STATE_VERSION))


def _to_text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "ignore"))
