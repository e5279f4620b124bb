"""Choosing images and folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from fcn_studio.io.images import IMAGE_SUFFIXES


def _tr(text: str) -> str:
    return QCoreApplication.translate("Files", text)


def _make(parent: QWidget, title: str, start: Path | None) -> QFileDialog:
    dialog = QFileDialog(parent, title, str(start or Path.home()))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog


def ask_images(
    parent: QWidget, start: Path | None, on_chosen: Callable[[Sequence[Path]], None]
) -> QFileDialog:
    """Ask for one or more image files."""
    dialog = _make(parent, _tr("Open images"), start)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(IMAGE_SUFFIXES))
    dialog.setNameFilters([f"{_tr('Images')} ({patterns})", f"{_tr('All files')} (*)"])
    dialog.filesSelected.connect(lambda names: on_chosen([Path(name) for name in names]))
    dialog.open()
    return dialog


def ask_folder(
    parent: QWidget, title: str, start: Path | None, on_chosen: Callable[[Path], None]
) -> QFileDialog:
    """Ask for a folder that exists."""
    dialog = _make(parent, title, start)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.filesSelected.connect(lambda names: on_chosen(Path(names[0])) if names else None)
    dialog.open()
    return dialog
