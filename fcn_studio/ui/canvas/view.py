"""The canvas widget: shows the scene, and is told by the window's commands how to show it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QRegion
from PySide6.QtWidgets import QSizePolicy, QWidget

from fcn_studio.core.box import Box
from fcn_studio.ui.canvas.compare import CompareMode, Comparison
from fcn_studio.ui.canvas.divider import Divider
from fcn_studio.ui.canvas.looks import Style
from fcn_studio.ui.canvas.messages import CanvasMessages
from fcn_studio.ui.canvas.surroundings import Surroundings
from fcn_studio.ui.canvas.zoom_widget import ZoomWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from fcn_studio.session.session import Session


class CanvasView(ZoomWidget):
    """Image, labels, prediction and brush of the session's open image.

    `layer_changed`: a layer is shown or hidden now; `compare_changed`: a CompareMode. See `PointerWidget`
    for the other signals. Call `dispose` before the widget goes.
    """

    layer_changed = Signal(str, bool)
    compare_changed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._messages = CanvasMessages(session, self)
        self._wanted_view: dict[str, Any] = dict(session.settings["last_view"])
        self.divider = Divider(self)
        self.divider.share_wanted.connect(self._on_share_wanted)
        self.surroundings = Surroundings(self.scene, self)
        self.surroundings.minimap.place_wanted.connect(self.go_to)
        self.view_moved.connect(self.surroundings.follow)
        self.pointer_moved.connect(self.surroundings.point_at)
        self.scene.stale.connect(self._on_stale)
        self.scene.shown.connect(self._on_shown)
        self._messages.changed.connect(self.update)
        session.events.image_opening.connect(self._on_leaving)
        session.events.project_leaving.connect(self._on_leaving)
        session.events.class_chosen.connect(self._on_class_chosen)
        session.events.comparison_changed.connect(self._on_comparison_changed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Image"))
        if self.scene.document is not None:
            self._on_shown()

    def dispose(self) -> None:
        """Finish a stroke, hear nothing any more, and wait for the end of the work in the background."""
        self.drop_hand()
        events = self.session.events
        events.image_opening.disconnect(self._on_leaving, missing_ok=True)
        events.project_leaving.disconnect(self._on_leaving, missing_ok=True)
        events.class_chosen.disconnect(self._on_class_chosen, missing_ok=True)
        events.comparison_changed.disconnect(self._on_comparison_changed, missing_ok=True)
        self._messages.close()
        self.scene.close()

    # --- layers -------------------------------------------------------------------------------------------

    def layer_visible(self, layer: str) -> bool:
        return self.scene.image_shown if layer == "image" else self.scene.looks[layer].visible

    def set_layer_visible(self, layer: str, visible: bool) -> None:
        """Show or hide a layer of `looks.LOOKS`, or the "image" itself."""
        if self.layer_visible(layer) == visible:
            return
        if layer == "image":
            self.scene.show_image(visible)
        else:
            self.scene.change_look(layer, visible=visible)
        self.layer_changed.emit(layer, visible)

    def set_layer_opacity(self, layer: str, opacity: float) -> None:
        """How strongly a layer is drawn, 0 to 1."""
        self.scene.change_look(layer, opacity=opacity)

    def set_layer_style(self, layer: str, style: Style) -> None:
        """Fill, outline, or both."""
        self.scene.change_look(layer, style=style)

    def set_backdrop(self, color: QColor) -> None:
        """The colour round the image."""
        self.scene.frame.set_backdrop(color)
        self.update()

    # --- two predictions ----------------------------------------------------------------------------------

    def set_compare_mode(self, mode: CompareMode) -> None:
        """Show the prediction alone, or beside the one that the session compares with."""
        self._compare(Comparison(mode, self.scene.comparison.share))

    def _on_share_wanted(self, share: float) -> None:
        self._compare(self.scene.comparison.moved(share))

    def _compare(self, comparison: Comparison) -> None:
        before = self.scene.comparison
        self.scene.set_comparison(comparison)
        self._name_sides()
        self.divider.follow(comparison)
        if comparison.mode is not before.mode:
            self._take_size()
            self.compare_changed.emit(comparison.mode)
        self.update()

    def _name_sides(self) -> None:
        own = self.session.prediction.active
        self.divider.names = own.name if own is not None else "", self.session.comparing.name

    # --- what can be switched on and off round the image ---------------------------------------------------

    def set_minimap_shown(self, is_shown: bool) -> None:
        """The whole image in a corner, while only a part of it is seen."""
        self.surroundings.minimap_wanted = is_shown
        self.surroundings.follow()

    def set_rulers_shown(self, is_shown: bool) -> None:
        self.surroundings.rulers_wanted = is_shown
        self.surroundings.arrange(self.navigation.pixel_ratio)

    def restore_view(self, state: dict[str, Any]) -> None:
        """Go to a zoom and centre kept by `view_state`, now or when its image is shown."""
        self._wanted_view = dict(state)
        self._take_wanted_view()

    def _take_wanted_view(self) -> None:
        wanted, document = self._wanted_view, self.scene.document
        if document is not None and self.isVisible() and wanted.get("image") == document.image_id:
            self._wanted_view = {}
            self.take_view_state(wanted)

    # --- what the session says ----------------------------------------------------------------------------

    def _on_leaving(self, *_what: object) -> None:
        self.tools.current.finish()

    def _on_shown(self) -> None:
        self.tools.forget()
        document = self.scene.document
        if document is not None:
            self.fit_image(document.shape_hw)
            self._take_wanted_view()
        self.surroundings.arrange(self.navigation.pixel_ratio)

    def _on_comparison_changed(self, _image_id: str) -> None:
        self._name_sides()
        self.update()

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

    def paintEvent(self, event: QPaintEvent) -> None:
        self.scene.refresh()
        painter = QPainter(self)
        try:
            self._paint(painter, event.region())
        finally:
            painter.end()  # a painter that is left behind takes the program with it

    def _paint(self, painter: QPainter, region: QRegion) -> None:
        frame = self.scene.frame
        # Device pixel by device pixel, whatever the display's scale; Qt clips it to what is to be repainted.
        painter.save()
        painter.scale(1 / frame.pixel_ratio, 1 / frame.pixel_ratio)
        painter.drawImage(0, 0, frame.image)
        painter.restore()
        has_image = self.scene.document is not None
        self._messages.paint(painter, self.rect(), self.palette(), has_image=has_image)
        self.divider.paint_line(painter, self.rect(), self.palette())
        self.paint_hand(painter, region)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._take_size()

    def take_rare_event(self, kind: QEvent.Type, event: QEvent) -> bool:
        if kind == QEvent.Type.DevicePixelRatioChange:
            self._take_size()
        return super().take_rare_event(kind, event)

    def _take_size(self) -> None:
        """The view's size in device pixels changed: another frame, the same part of the image."""
        ratio = self.devicePixelRatioF()
        view_hw = math.ceil(self.height() * ratio), math.ceil(self.width() * ratio)
        self.navigation.pixel_ratio = ratio
        if self.scene.frame.box.shape_hw != view_hw or self.scene.frame.pixel_ratio != ratio:
            self.scene.frame.resize(view_hw, ratio)
        comparison = self.scene.comparison
        self.navigation.set_panes(comparison.own_hw(view_hw)[1], comparison.shift_px(view_hw))
        self.follow_size()
        self.divider.follow(comparison)
        self.scene.mark_all_stale()
        self.surroundings.arrange(ratio)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._take_wanted_view()
