"""The bottom line: what is under the pointer, what the tool does, what is saved, what the device does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from fcn_studio.core.label_map import Provenance
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import ElidedLabel, make_label, make_row
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

DEVICE_PX = 320
PIXEL_EVERY_MS = 40
GAPS_PX = 120  # margins of the line and gaps between its parts
SAVED_SIGNS = {
    "nothing to save": ("", ""),
    "written": ("content-save-outline", "muted"),
    "on disk": ("content-save-check-outline", "success"),
    "in memory only": ("content-save-alert-outline", "warning"),
}


class StatusBar(QStatusBar):
    """Reads the session; the canvas's pointer, zoom and tool hint are handed in by the window."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._pointer: tuple[int, int] | None = None
        self._is_behind = False  # the pixel's words wait for the timer
        self._hint_text, self._zoom_text = "", ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PIXEL_EVERY_MS)
        self._timer.timeout.connect(self._on_time)
        self.setSizeGripEnabled(False)
        self.position, self.label, self.network = make_label(), make_label(), make_label("", "muted")
        self.hint = ElidedLabel(name="muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.zoom = make_label("", "muted")
        self.zoom.setToolTip(self.tr("Zoom"))
        self.saved_icon, self.saved = QLabel(), make_label("", "muted")
        self.device_icon, self.device = QLabel(), make_label("", "muted")
        line = QWidget()
        self._pixel = QWidget()
        self._pixel.setLayout(make_row(self.position, self.label, self.network, None, spacing=16))
        row = make_row(self._pixel, spacing=16)
        row.setContentsMargins(10, 5, 10, 5)
        row.addWidget(self.hint, 1)
        row.addWidget(self.zoom)
        row.addLayout(make_row(self.saved_icon, self.saved, spacing=6))
        row.addLayout(make_row(self.device_icon, self.device, spacing=6))
        line.setLayout(row)
        self.addWidget(line, 1)
        self._connect()
        self._dress()

    def _connect(self) -> None:
        events = self._session.events
        events.saved_changed.connect(self._on_saved_changed)
        events.activity_changed.connect(self._on_activity_changed)
        events.prediction_status_changed.connect(self._on_device_changed)
        events.training_changed.connect(self._on_device_changed)
        events.labels_changed.connect(self._on_labels_changed)
        events.prediction_changed.connect(self._on_pixel_changed)
        events.classes_changed.connect(self._on_pixel_changed)
        events.image_opened.connect(self._on_pixel_changed)
        events.image_opened.connect(self._show_view)
        events.project_opened.connect(self._show_view)
        self._activity = ""
        self._theme.changed.connect(self._dress)

    def _dress(self) -> None:
        self._on_saved_changed(self._session.editing.saved)
        self._on_device_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_room()

    def _keep_room(self) -> None:
        """A fixed width for the words on the pixel, so that the hint does not dance; none that it needs."""
        longest = "x 8888   y 8888   background, accepted   network: background, 0.88"
        room = self.fontMetrics().horizontalAdvance(longest)
        right = (self.zoom, self.saved_icon, self.saved, self.device_icon, self.device)
        taken = sum(each.sizeHint().width() for each in (self.hint, *right)) + GAPS_PX
        self._pixel.setMinimumWidth(room if self.width() >= room + taken else 0)

    # --- what the canvas says -------------------------------------------------------------------------------

    def show_pointer(self, pointer_yx: tuple[int, int] | None) -> None:
        """The image pixel under the pointer, or None."""
        self._pointer = pointer_yx
        # Nobody reads sixty positions a second, and a stroke must not wait for them.
        if self._session.editing.in_stroke and self._timer.isActive():
            self._is_behind = True
        else:
            self._on_pixel_changed()
            self._timer.start()

    def _on_time(self) -> None:
        if self._is_behind:
            self._on_pixel_changed()

    def show_zoom(self, scale: float) -> None:
        """Device pixels an image pixel."""
        self._zoom_text = f"{round(scale * 100)} %"
        self._show_view()

    def show_hint(self, text: str) -> None:
        """What the tool in hand does with the mouse."""
        self._hint_text = text
        self._show_view()

    def _show_view(self, *_what: object) -> None:
        """Zoom and hint say something only where there is an image."""
        is_open = self._session.document is not None
        self.zoom.setText(self._zoom_text if is_open else "")
        self.hint.setText(self._hint_text if is_open else "")
        self._keep_room()

    # --- what the session says ------------------------------------------------------------------------------

    def _on_labels_changed(self, *_what: object) -> None:
        if not self._session.editing.in_stroke:  # else the pointer moves, and tells
            self._on_pixel_changed()

    def _on_pixel_changed(self, *_what: object) -> None:
        self._is_behind = False
        document = self._session.document
        info = None
        if document is not None and self._pointer is not None:
            info = document.value_at(*self._pointer, self._session.classes.shown)
        if info is None or self._pointer is None:
            for label in (self.position, self.label, self.network):
                label.clear()
            return
        self.position.setText(f"x {self._pointer[1]}   y {self._pointer[0]}")
        self.label.setText(self._describe_label(info))
        self.network.setText(self._describe_network(info))

    def _describe_label(self, info: Any) -> str:
        if info.label_id is None:
            return self.tr("unlabelled")
        words = {
            Provenance.PAINTED: self.tr("painted"),
            Provenance.ACCEPTED: self.tr("accepted"),
            Provenance.IMPORTED: self.tr("imported"),
        }
        locked = info.label_id in self._session.editing.protection.locked
        parts = [
            self._name(info.label_id),
            words.get(info.provenance, ""),
            self.tr("locked") if locked else "",
        ]
        return ", ".join(filter(None, parts))

    def _describe_network(self, info: Any) -> str:
        if info.predicted_id is None:
            return ""
        return self.tr("network: {0}, {1}").format(self._name(info.predicted_id), f"{info.confidence:.2f}")

    def _name(self, class_id: int) -> str:
        entry = self._session.classes.shown.by_id(class_id)
        return entry.name if entry is not None else self.tr("class {0}").format(class_id)

    def _on_saved_changed(self, saved: Any) -> None:
        words = {
            "written": (
                self.tr("writing …"),
                self.tr("The strokes are on their way to the disk"),
            ),
            "on disk": (self.tr("all strokes on disk"), self.tr("Even a power cut loses nothing")),
            "in memory only": (
                self.tr("in memory only"),
                self.tr("The disk refused; it is tried again. Make room, or choose another place in “File”."),
            ),
        }
        text, tip = words.get(saved.value, ("", ""))
        sign, token = SAVED_SIGNS[saved.value]
        self._show_sign(self.saved_icon, sign, token)
        self.saved.setText(text)
        self.saved.setToolTip(tip)
        self.saved.setObjectName("warning" if token == "warning" else "muted")
        self.saved.style().unpolish(self.saved)
        self.saved.style().polish(self.saved)
        self._keep_room()

    def _on_activity_changed(self, activity: str) -> None:
        self._activity = activity
        self._on_device_changed()

    def _on_device_changed(self, *_what: object) -> None:
        device = self._session.prediction.device_text
        activity = self._activity or self.tr("idle")
        status = self._session.teaching.status
        if status.phase.value == "running":
            activity = self.tr("training, step {0}").format(status.step)
        self._show_sign(self.device_icon, "chip", "accent" if self._activity else "muted")
        text = f"{device}  ·  {activity}" if device else activity
        self.device.setText(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, DEVICE_PX))
        about = self.tr("Where networks run, and what they do (menu “Network”)")
        self.device.setToolTip(f"{text}\n{about}")
        self._keep_room()

    def _show_sign(self, label: QLabel, sign: str, token: str) -> None:
        label.setVisible(bool(sign))
        if sign:
            size = QSize(16, 16)
            label.setPixmap(make_icon(self._theme, sign, token).pixmap(size, self.devicePixelRatioF()))
