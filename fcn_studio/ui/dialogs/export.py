"""Export masks: what to write and where."""

from __future__ import annotations

import os.path
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from fcn_studio.ui.dialogs.files import ask_folder
from fcn_studio.ui.panels.sections import make_label, make_row


class ExportDialog(QDialog):
    """Asks for the kind of mask and the folder; `chosen` carries both when the person agrees."""

    chosen = Signal(object, str)  # folder: Path, what: "labels", "prediction" or "composite"

    def __init__(self, parent: QWidget, folder: Path) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export masks"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.kinds: dict[str, QRadioButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(6)
        layout.addWidget(make_label(self.tr("What to write for each image"), "title"))
        for what, name, about in self._kinds():
            self.kinds[what] = QRadioButton(name)
            layout.addSpacing(4)
            layout.addWidget(self.kinds[what])
            text = make_label(about, "muted", wraps=True)
            text.setContentsMargins(24, 0, 0, 0)
            layout.addWidget(text)
        self.kinds["composite"].setChecked(True)
        layout.addSpacing(12)
        layout.addWidget(make_label(self.tr("Folder")))
        self.folder = QLineEdit(str(folder))
        self.folder.setAccessibleName(self.tr("Folder to write to"))
        self.folder.textChanged.connect(lambda text: self.export.setEnabled(bool(text.strip())))
        choose = QPushButton(self.tr("Choose…"))
        choose.clicked.connect(self._on_choose)
        row = make_row(self.folder, choose)
        row.setStretch(0, 1)
        layout.addLayout(row)
        more = self.tr(
            "Indexed PNGs of class numbers with the classes’ colours, and areas.csv with pixels per class."
        )
        layout.addWidget(make_label(more, "muted", wraps=True))
        layout.addSpacing(10)
        layout.addLayout(self._make_buttons())
        self.setMinimumWidth(480)

    def _kinds(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("composite", self.tr("Masks"), self.tr("Your label where there is one, else the prediction.")),
            (
                "labels",
                self.tr("Labels only"),
                self.tr("What you said; 255 where you said nothing."),
            ),
            (
                "prediction",
                self.tr("Prediction only"),
                self.tr("What the network says, uncorrected."),
            ),
        )

    def _make_buttons(self) -> QHBoxLayout:
        cancel = QPushButton(self.tr("Cancel"))
        self.export = QPushButton(self.tr("Export"))
        self.export.setObjectName("primary")
        self.export.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.export.clicked.connect(self._on_export)
        return make_row(None, cancel, self.export)

    def _on_choose(self) -> None:
        start = Path(self.folder.text())
        while not start.exists() and start != start.parent:
            start = start.parent
        ask_folder(self, self.tr("Export to"), start, lambda path: self.folder.setText(str(path)))

    def _on_export(self) -> None:
        what = next(name for name, button in self.kinds.items() if button.isChecked())
        self.chosen.emit(Path(os.path.expanduser(self.folder.text().strip())), what)
        self.accept()
