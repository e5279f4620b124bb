"""The prediction panel: which checkpoint looks at the image, how fast, and what to do with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QIcon, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QPushButton, QSizePolicy

from fcn_studio.ui.panels.sections import Choice, ElidedLabel, Section, make_row
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

ID_ROLE = Qt.ItemDataRole.UserRole + 1
COUNTED = ("images", "seconds", "steps", "strokes")  # how the names of figures end that are no shares
MIOU_NAMES = {"held_out_miou": "held-out mIoU", "validation_miou": "val mIoU"}  # of a card, best known first


def describe_miou(figures: dict[str, float]) -> str:
    """The mean IoU of a checkpoint's card, in percent as the result of a fine-tuning says it: on how many
    held-out images or strokes, where the card says so, else on what. Empty where it was not measured."""
    name = next((name for name in MIOU_NAMES if name in figures), None)
    if name is None:
        return ""
    for noun in ("stroke", "image"):
        count = round(figures.get(name.replace("miou", f"{noun}s"), 0))
        if count:
            return f"{100 * figures[name]:.1f} mIoU on {count} {noun}{'' if count == 1 else 's'}"
    return f"{100 * figures[name]:.1f} {MIOU_NAMES[name]}"


class ActionButton(QPushButton):
    """A push button that does what a command's action does, and is enabled when it is.

    text, icon: instead of the action's own.
    """

    def __init__(self, action: QAction, text: str | None = None, icon: QIcon | None = None) -> None:
        super().__init__()
        self._action, self._text, self._icon = action, text, icon
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        text = self._text if self._text is not None else self._action.text()
        self.setAccessibleName(text)
        self.setText(f" {text}")  # the style sheet puts the icon too close to the text
        self.setIcon(self._icon or self._action.icon())
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())


class PredictionPanel(Section):
    """Lists checkpoints, shows the last answer's speed, offers "Accept all" and "Mark reviewed"."""

    def __init__(self, session: Session, theme: Theme, accept: QAction, review: QAction) -> None:
        super().__init__(self.tr("Prediction"))
        self._session = session
        self.checkpoints = Choice(theme)
        self.checkpoints.setAccessibleName(self.tr("Checkpoint"))
        self.checkpoints.setToolTip(self.tr("Predicts, and is the start of the next fine-tuning"))
        self.checkpoints.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.checkpoints.activated.connect(self._on_chosen)
        self.speed = ElidedLabel(name="muted")
        self.accept = ActionButton(accept, self.tr("Accept all"))
        self.review = ActionButton(review)
        self.rows.addWidget(self.checkpoints)
        self.rows.addWidget(self.speed)
        buttons = make_row(self.accept, self.review)
        buttons.setStretch(0, 1)
        buttons.setStretch(1, 1)
        self.rows.addLayout(buttons)
        session.events.checkpoints_changed.connect(self._on_checkpoints_changed)
        session.events.prediction_status_changed.connect(self._on_status_changed)
        self._on_checkpoints_changed()
        self._on_status_changed(session.prediction.status)

    def _on_checkpoints_changed(self) -> None:
        model = QStandardItemModel(self.checkpoints)
        active = 0
        for row, entry in enumerate(self._session.shelf.entries):
            model.appendRow(self._make_item(entry))
            active = row if entry.active else active
        self.checkpoints.setModel(model)
        self.checkpoints.setCurrentIndex(active)

    def _make_item(self, entry: Any) -> QStandardItem:
        """One row of the list; an unusable checkpoint says why and cannot be chosen."""
        parts = [entry.name]
        if not entry.usable:
            parts.append(self.tr("cannot be used"))
        elif describe_miou(entry.figures):
            parts.append(describe_miou(entry.figures))
        elif entry.parent:
            parts.append(self.tr("not measured yet"))
        item = QStandardItem("  ·  ".join(parts))
        item.setData(entry.id, ID_ROLE)
        item.setEnabled(entry.usable)
        item.setToolTip(entry.reason or _describe(entry))
        return item

    def _on_chosen(self, row: int) -> None:
        checkpoint_id = self.checkpoints.itemData(row, ID_ROLE)
        active = next((e.id for e in self._session.shelf.entries if e.active), None)
        if checkpoint_id != active:
            self._session.shelf.activate(checkpoint_id)

    def _on_status_changed(self, status: Any) -> None:
        self.speed.setText(self._describe_status(status))

    def _describe_status(self, status: Any) -> str:
        phase = status.phase.value
        if phase == "failed":
            return str(status.message)
        if phase in ("preparing", "running"):
            return str(status.message) or self.tr("looking at the image …")
        if status.milliseconds is None:
            return self.tr("no image seen yet")
        return self.tr("{0} ms an image  ·  {1}").format(round(status.milliseconds), status.engine)


def _describe(entry: Any) -> str:
    """Name and all figures of a card; shares (mean IoU, accuracy) in percent."""
    lines = [entry.name]
    for name, value in entry.figures.items():
        words = name.replace("_", " ").replace("iou", "IoU")
        is_share = name.rpartition("_")[2] not in COUNTED
        lines.append(f"{words}: {100 * value:.1f} %" if is_share else f"{words}: {value:g}")
    return "\n".join(lines)
