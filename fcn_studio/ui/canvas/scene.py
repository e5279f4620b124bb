"""What the canvas shows of the session: the image, what lies over it, and what of it must be drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.canvas.colors import OverlayColors, make_overlay_colors
from fcn_studio.ui.canvas.frame import Frame
from fcn_studio.ui.canvas.image_job import ImageJob
from fcn_studio.ui.canvas.overlay import OverlaySources, outline_margin_px
from fcn_studio.ui.canvas.pyramid import Pyramid
from fcn_studio.ui.canvas.transform import ViewTransform

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

LAYERS = ("labels", "prediction")
COMPARED_PX = 2_000_000


class Scene(QObject):
    """Listens to the session and keeps the frame's stale boxes; the view draws what it says.

    `stale` carries the box of device pixels to repaint. `shown`: another image has replaced the one before.
    """

    stale = Signal(object)
    shown = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.frame = Frame()
        self.document: Document | None = None  # the image on the screen
        self.transform = ViewTransform((1, 1), (1, 1))
        self._pyramid: Pyramid | None = None
        self._fresh: NDArray[np.bool_] | None = None
        self._checkpoint_id: str | None = None
        self._colors: OverlayColors | None = None
        self._drawn: Prediction | None = None
        self._drawn_pale = False
        self._visible = dict.fromkeys(LAYERS, True)
        self._opacity = {"labels": 0.6, "prediction": 0.4}
        self._job = ImageJob(self)
        self._job.ready.connect(self._on_ready)
        self._connect()

    def _connect(self) -> None:
        events = self._session.events
        self._connections = (
            (events.image_opened, self._on_image_opened),
            (events.image_failed, self._on_image_failed),
            (events.labels_changed, self._on_labels_changed),
            (events.prediction_changed, self._on_prediction_changed),
            (events.classes_changed, self._on_classes_changed),
        )
        for signal, slot in self._connections:
            signal.connect(slot)
        if self._session.document is not None:
            self._on_image_opened(self._session.document)

    def close(self) -> None:
        """Hear nothing any more and end the work in the background."""
        for signal, slot in self._connections:
            signal.disconnect(slot, missing_ok=True)
        self._job.close()

    @property
    def editable(self) -> Document | None:
        """The image on the screen if it is the one that the session changes."""
        return self.document if self.document is self._session.document else None

    # --- another image ----------------------------------------------------------------------------------

    def _on_image_opened(self, document: Document) -> None:
        self.document, self._pyramid = document, self._job.start(document.pixels, document.deep)
        self._fresh = None
        self._checkpoint_id = document.prediction.checkpoint_id if document.prediction else None
        self._colors = None
        self._drawn = None
        self.shown.emit()
        self.mark_all_stale()

    def _on_ready(self, pyramid: Pyramid) -> None:
        """The same image with its halved levels."""
        self._pyramid = pyramid
        if self.transform.scale <= 0.5:
            self.mark_all_stale()

    def _on_image_failed(self, _image_id: str, _sentence: str) -> None:
        if self._session.document is None:  # the picture on the screen is of a project that is closed
            self._job.stop()
            self.document = self._pyramid = self._fresh = None
            self.mark_all_stale()

    # --- what changed -----------------------------------------------------------------------------------

    def _on_labels_changed(self, image_id: str, box: Box) -> None:
        if self.document is not None and image_id == self.document.image_id:
            self._mark(self.transform.box_to_view(box, outline_margin_px(self.frame.pixel_ratio)))

    def _on_prediction_changed(self, image_id: str) -> None:
        document = self.document
        if document is None or image_id != document.image_id:
            return
        checkpoint_id = document.prediction.checkpoint_id if document.prediction else None
        if checkpoint_id is not None and not document.prediction_is_stale:
            if self._checkpoint_id not in (None, checkpoint_id):
                self._fresh = None  # a checkpoint that came after the strokes has had its say
            self._checkpoint_id = checkpoint_id
        before, self._drawn = self._drawn, document.prediction
        is_pale = self._drawn_pale or document.prediction_is_stale
        box = None if is_pale else find_difference(before, document.prediction)
        if box is None:
            self.mark_all_stale(new_colors=True)
        elif not box.is_empty:
            self._mark(self.transform.box_to_view(box, outline_margin_px(self.frame.pixel_ratio)))

    def _on_classes_changed(self) -> None:
        if self.editable is not None:  # else they are the classes of an image that is still to come
            self.mark_all_stale(new_colors=True)

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        """The pixels of `mask` (bool [h, w] of `box`) have just been painted by hand."""
        if self.document is None:
            return
        if self._fresh is None:
            self._fresh = np.zeros(self.document.shape_hw, bool)
        self._fresh[box.slices] |= mask

    def mark_all_stale(self, *, new_colors: bool = False) -> None:
        """Everything must be drawn again, with colours looked up anew if asked for."""
        if new_colors:
            self._colors = None
        self.frame.mark_all_stale()
        self.stale.emit(self.frame.box)

    def _mark(self, box: Box) -> None:
        if not box.is_empty:
            self.frame.mark_stale(box)
            self.stale.emit(box)

    # --- how it is shown --------------------------------------------------------------------------------

    def is_visible(self, layer: str) -> bool:
        return self._visible[layer]

    def set_visible(self, layer: str, visible: bool) -> None:
        """Show or hide "labels" or "prediction"."""
        if self._visible[layer] != visible:
            self._visible[layer] = visible
            self.mark_all_stale()

    def set_opacity(self, layer: str, opacity: float) -> None:
        """How strongly "labels" or "prediction" are drawn, 0 to 1."""
        if self._opacity[layer] != opacity:
            self._opacity[layer] = min(max(float(opacity), 0.0), 1.0)
            self.mark_all_stale(new_colors=True)

    def set_transform(self, transform: ViewTransform) -> None:
        """Where the image lies; a push by whole pixels costs only the strips that come into view."""
        before, self.transform = self.transform, transform
        dy, dx = transform.offset_y - before.offset_y, transform.offset_x - before.offset_x
        same = (before.scale, before.image_hw, before.view_hw) == (
            transform.scale, transform.image_hw, transform.view_hw,
        )  # fmt: skip
        if same and abs(dy - round(dy)) < 1e-6 and abs(dx - round(dx)) < 1e-6:
            self.frame.scroll(round(dy), round(dx))
            self.stale.emit(self.frame.box)
        else:
            self.mark_all_stale()

    def refresh(self) -> None:
        """Bring the frame up to date."""
        self.draw_into(self.frame, self.transform)

    def draw_into(self, frame: Frame, transform: ViewTransform) -> None:
        """Compose what is stale in any frame, with the image lying in it as `transform` says."""
        frame.refresh(self._pyramid, transform, self._sources(), self._overlay_colors())

    def set_grid_shown(self, is_shown: bool) -> None:
        """Lines between single pixels when they are seen from near."""
        if self.frame.grid_shown != is_shown:
            self.frame.grid_shown = is_shown
            self.mark_all_stale()

    def _sources(self) -> OverlaySources:
        document = self.document
        if document is None:
            return OverlaySources(None, None, None, None)
        label_map, prediction = document.label_map, document.prediction
        with_labels = self._visible["labels"]
        return OverlaySources(
            labels=label_map.labels if with_labels else None,
            provenance=label_map.provenance if with_labels else None,
            fresh=self._fresh if with_labels else None,
            channels=prediction.channels if prediction is not None and self._visible["prediction"] else None,
        )

    def _overlay_colors(self) -> OverlayColors:
        if self._colors is None:
            prediction = self.document.prediction if self.document is not None else None
            classes: ClassTable = self._session.classes.shown
            self._drawn_pale = self.document is not None and self.document.prediction_is_stale
            self._colors = make_overlay_colors(
                classes,
                classes.make_lut(prediction.class_keys if prediction is not None else ()),
                label_opacity=self._opacity["labels"],
                prediction_opacity=self._opacity["prediction"],
                is_stale=self._drawn_pale,
            )
        return self._colors


def find_difference(before: Prediction | None, after: Prediction | None) -> Box | None:
    """Where two answers of one checkpoint look different, perhaps nowhere; None = draw all of it anew.

    Large images are not compared: that would take longer than drawing what is seen of them.
    """
    if before is None or after is None or before.shape_hw != after.shape_hw:
        return None
    if before.checkpoint_id != after.checkpoint_id or before.class_keys != after.class_keys:
        return None
    if after.channels.size > COMPARED_PX:
        return None
    rows, columns = np.nonzero(before.channels != after.channels)
    if not rows.size:
        return Box(0, 0, 0, 0)
    return Box(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
