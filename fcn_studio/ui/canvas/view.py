"""The canvas widget: shows the scene, and is told by the window's commands how to show it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.messages import CanvasMessages
from fcn_studio.ui.canvas.navigation import FIT_MARGIN_PX
from fcn_studio.ui.canvas.pointer_widget import PointerWidget
from fcn_studio.ui.canvas.surroundings import Surroundings
from fcn_studio.ui.canvas.transform import ViewTransform

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from fcn_studio.session.session import Session


class CanvasView(PointerWidget):
    """Image, labels, prediction and brush of the session's open image.

    `layer_changed`: "labels" or "prediction" is shown or hidden now. See `PointerWidget` for the other
    signals. Call `dispose` before the widget goes.
    """

    layer_changed = Signal(str, bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._messages = CanvasMessages(session, self)
        self._wanted_view: dict[str, Any] = dict(session.settings["last_view"])
        self.scene.set_opacity("labels", session.settings["label_opacity"])
        self.scene.set_opacity("prediction", session.settings["prediction_opacity"])
        self.scene.set_grid_shown(session.settings["pixel_grid"])
        self.surroundings = Surroundings(self.scene, self)
        self.surroundings.minimap_wanted = session.settings["minimap"]
        self.surroundings.rulers_wanted = session.settings["rulers"]
        self.surroundings.minimap.place_wanted.connect(self._go_to)
        self.view_moved.connect(self.surroundings.follow)
        self.pointer_moved.connect(self.surroundings.point_at)
        self.scene.stale.connect(self._on_stale)
        self.scene.shown.connect(self._on_shown)
        self._messages.changed.connect(self.update)
        session.events.image_opening.connect(self._on_image_opening)
        session.events.class_chosen.connect(self._on_class_chosen)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Image"))
        if self.scene.document is not None:
            self._on_shown()

    def dispose(self) -> None:
        """Finish a stroke, hear nothing any more, and wait for the end of the work in the background."""
        self.tools.current.finish()
        events = self.session.events
        events.image_opening.disconnect(self._on_image_opening, missing_ok=True)
        events.class_chosen.disconnect(self._on_class_chosen, missing_ok=True)
        self._messages.close()
        self.scene.close()

    # --- layers -------------------------------------------------------------------------------------------

    def layer_visible(self, layer: str) -> bool:
        return self.scene.is_visible(layer)

    def set_layer_visible(self, layer: str, visible: bool) -> None:
        """Show or hide "labels" or "prediction"."""
        if self.scene.is_visible(layer) != visible:
            self.scene.set_visible(layer, visible)
            self.layer_changed.emit(layer, visible)

    def set_layer_opacity(self, layer: str, opacity: float) -> None:
        """How strongly "labels" or "prediction" are drawn, 0 to 1."""
        self.scene.set_opacity(layer, opacity)

    def set_backdrop(self, color: QColor) -> None:
        """The colour round the image."""
        self.scene.frame.set_backdrop(color)
        self.update()

    # --- what can be switched on and off round the image ---------------------------------------------------

    def set_grid_shown(self, is_shown: bool) -> None:
        """Lines between single pixels when they are seen from near."""
        self.scene.set_grid_shown(is_shown)

    def set_minimap_shown(self, is_shown: bool) -> None:
        """The whole image in a corner, while only a part of it is seen."""
        self.surroundings.minimap_wanted = is_shown
        self.surroundings.follow()

    def set_rulers_shown(self, is_shown: bool) -> None:
        self.surroundings.rulers_wanted = is_shown
        self.surroundings.arrange(self.navigation.pixel_ratio)

    # --- zoom ---------------------------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Device pixels an image pixel."""
        return self.scene.transform.scale

    def zoom_in(self) -> None:
        self._zoom_to(self.scene.transform.next_nice_scale(larger=True))

    def zoom_out(self) -> None:
        self._zoom_to(self.scene.transform.next_nice_scale(larger=False))

    def zoom_fit(self) -> None:
        """The whole image, and from now on also when the window changes its size."""
        self.move_to(self.navigation.fitted(self.scene.transform))

    def zoom_actual(self) -> None:
        """One image pixel a device pixel."""
        self._zoom_to(1.0)

    def _zoom_to(self, scale: float) -> None:
        at = self._pointer if self._pointed_yx is not None else None  # the pixel looked at, else the middle
        self.move_to(self.navigation.scaled(self.scene.transform, scale, at))

    def _go_to(self, y: float, x: float) -> None:
        self.navigation.is_fitted = False
        self.move_to(self.scene.transform.centred_on(y, x, self.scene.transform.scale))

    def view_state(self) -> dict[str, Any]:
        """Zoom and centre, for `restore_view` at the next start."""
        transform, document = self.scene.transform, self.scene.document
        if document is None:
            return {}
        y, x = transform.to_image(transform.view_hw[0] / 2, transform.view_hw[1] / 2)
        fitted = self.navigation.is_fitted
        return {"image": document.image_id, "scale": transform.scale, "y": y, "x": x, "fitted": fitted}

    def restore_view(self, state: dict[str, Any]) -> None:
        """Go to a zoom and centre kept by `view_state`, now or when its image is shown."""
        self._wanted_view = dict(state)
        self._take_wanted_view()

    def _take_wanted_view(self) -> None:
        wanted, document = self._wanted_view, self.scene.document
        if document is None or not self.isVisible() or wanted.get("image") != document.image_id:
            return
        self._wanted_view = {}
        try:
            y, x, scale = (float(wanted[name]) for name in ("y", "x", "scale"))
        except (KeyError, TypeError, ValueError):
            return  # a settings file that somebody has edited
        if not wanted.get("fitted") and all(map(math.isfinite, (y, x, scale))) and scale > 0:
            self.navigation.is_fitted = False
            self.move_to(self.scene.transform.centred_on(y, x, scale))

    # --- what the session says ----------------------------------------------------------------------------

    def _on_image_opening(self, _image_id: str) -> None:
        self.tools.current.finish()

    def _on_shown(self) -> None:
        self.tools.forget()
        self._messages.on_shown()
        document = self.scene.document
        if document is not None:
            self._fit(document.shape_hw)
            self._take_wanted_view()
        self.surroundings.arrange(self.navigation.pixel_ratio)

    def _fit(self, image_hw: tuple[int, int]) -> None:
        margin_px = FIT_MARGIN_PX * self.navigation.pixel_ratio
        whole = ViewTransform(image_hw, self.scene.frame.box.shape_hw, margin_px)
        self.move_to(self.navigation.fitted(whole))

    def _on_class_chosen(self, _class_id: int) -> None:
        if self._ring is not None:
            self.update(self._ring.repaint_rect)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.tools.current.is_busy:
            self.surroundings.give_way(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self.surroundings.follow()

    # --- painting -----------------------------------------------------------------------------------------

    def _on_stale(self, box: Box) -> None:
        ratio = self.navigation.pixel_ratio
        x0, y0 = math.floor(box.x0 / ratio), math.floor(box.y0 / ratio)
        self.update(QRect(x0, y0, math.ceil(box.x1 / ratio) - x0, math.ceil(box.y1 / ratio) - y0))

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.scene.refresh()
        frame = self.scene.frame
        painter = QPainter(self)
        # Device pixel by device pixel, whatever the display's scale; Qt clips it to what is to be repainted.
        painter.save()
        painter.scale(1 / frame.pixel_ratio, 1 / frame.pixel_ratio)
        painter.drawImage(0, 0, frame.image)
        painter.restore()
        has_image = self.scene.document is not None
        self._messages.paint(painter, self.rect(), self.palette(), has_image=has_image)
        if self._ring is not None:
            self._ring.paint(painter, self._brush_color())
        painter.end()

    def _brush_color(self) -> QColor | None:
        classes = self.session.classes
        entry = classes.table.by_id(classes.chosen_id) if classes.chosen_id is not None else None
        return QColor(*entry.color) if entry is not None and self.tool_id == "brush" else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._take_size()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._take_size()
        return super().event(event)

    def _take_size(self) -> None:
        """The view's size in device pixels changed: another frame, the same part of the image."""
        ratio = self.devicePixelRatioF()
        view_hw = math.ceil(self.height() * ratio), math.ceil(self.width() * ratio)
        before = self.scene.transform
        self.navigation.pixel_ratio = ratio
        self.scene.frame.resize(view_hw, ratio)
        if self.navigation.is_fitted:
            self._fit(before.image_hw)
        else:
            self.move_to(before.resized(view_hw))
        self.scene.mark_all_stale()
        self.surroundings.arrange(ratio)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._take_wanted_view()
