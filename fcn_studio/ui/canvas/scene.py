"""What the canvas shows of the session: the image, what lies over it, and what of it must be drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from fcn_studio.core.box import Box
from fcn_studio.core.edit import Edit
from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.canvas.colors import OverlayColors, make_overlay_colors
from fcn_studio.ui.canvas.compare import Comparison
from fcn_studio.ui.canvas.frame import Frame, Pane, Picture
from fcn_studio.ui.canvas.fresh import FreshMarks
from fcn_studio.ui.canvas.image_job import ImageJob
from fcn_studio.ui.canvas.looks import LOOKS, Look, changed_look, find_shown
from fcn_studio.ui.canvas.planes import OverlaySources, outline_margin_px
from fcn_studio.ui.canvas.pyramid import Pyramid
from fcn_studio.ui.canvas.thinned import Thinned, find_step
from fcn_studio.ui.canvas.tone import Display, Tone, channels_of
from fcn_studio.ui.canvas.transform import ViewTransform

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

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
        self._job = ImageJob(self)
        self._job.ready.connect(self._on_ready)
        self.frame = Frame(self._job.pool)
        self.document: Document | None = None  # the image on the screen
        self.transform = ViewTransform((1, 1), (1, 1))
        self.comparison = Comparison()
        self.display = Display()
        self.looks: dict[str, Look] = dict(LOOKS)  # changed by `change_look` only
        self._shown = find_shown(self.looks)
        self.image_shown = True
        self.marks_background = False
        self._pyramid: Pyramid | None = None
        self._tone: Tone | None = None
        self.marks = FreshMarks()
        self._thinned = Thinned()
        self._checkpoint_id: str | None = None
        self._colors: tuple[OverlayColors, OverlayColors] | None = None  # own prediction, the compared one
        self._drawn: Prediction | None = None
        self._drawn_pale = False
        self._connect()

    def _connect(self) -> None:
        events = self._session.events
        self._connections = (
            (events.image_opened, self._on_image_opened),
            (events.image_failed, self._on_image_failed),
            (events.labels_changed, self._on_labels_changed),
            (events.edit_applied, self._on_edit_applied),
            (events.history_changed, self._on_history_changed),
            (events.prediction_changed, self._on_prediction_changed),
            (events.comparison_changed, self._on_comparison_changed),
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
        self.frame.pool = None
        self._job.close()

    @property
    def editable(self) -> Document | None:
        """The image on the screen if it is the one that the session changes."""
        return self.document if self.document is self._session.document else None

    # --- another image ----------------------------------------------------------------------------------

    def _on_image_opened(self, document: Document) -> None:
        if document is self.document:
            return  # back before another one had come: all stays as it is seen
        self.document, self._pyramid = document, self._job.start(document.pixels, document.deep)
        self.marks.clear()
        self._thinned.clear()
        self._checkpoint_id = document.prediction.checkpoint_id if document.prediction else None
        self._colors = self._drawn = None
        self._make_tone()
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
            self.document = self._pyramid = self._tone = None
            self.marks.clear()
            self.mark_all_stale()

    # --- what changed -----------------------------------------------------------------------------------

    def _on_labels_changed(self, image_id: str, box: Box) -> None:
        if self.document is None or image_id != self.document.image_id:
            return
        if self.marks.has_running and not self._session.editing.in_stroke:  # it was cancelled
            box = box.union(self.marks.drop_running())
        self._thinned.mark(self.document.label_map, box)
        self._mark(box)

    def _on_edit_applied(self, image_id: str, edit: Edit) -> None:
        """What a fill, the wand or a region operation painted is as fresh as what a hand drew."""
        if self.document is not None and image_id == self.document.image_id:
            self.marks.mark_edit(self.document.shape_hw, edit)

    def _on_history_changed(self) -> None:
        document = self.editable
        if document is not None and not self._session.editing.in_stroke:
            box = self.marks.follow(document.history)
            if not box.is_empty:
                self._mark(box)

    def _on_prediction_changed(self, image_id: str) -> None:
        document = self.document
        if document is None or image_id != document.image_id:
            return
        checkpoint_id = document.prediction.checkpoint_id if document.prediction else None
        if checkpoint_id is not None and not document.prediction_is_stale:
            if self._checkpoint_id not in (None, checkpoint_id):
                self.marks.clear()  # a checkpoint that came after the strokes has had its say
            self._checkpoint_id = checkpoint_id
        before, self._drawn = self._drawn, document.prediction
        is_plain = not (self._drawn_pale or document.prediction_is_stale or self.looks["uncertainty"].visible)
        box = find_difference(before, document.prediction) if is_plain else None
        if box is None:
            self.mark_all_stale(new_colors=True)
        elif not box.is_empty:
            self._mark(box)

    def _on_comparison_changed(self, image_id: str) -> None:
        if self.document is not None and image_id == self.document.image_id:
            self.mark_all_stale(new_colors=True)

    def _on_classes_changed(self) -> None:
        if self.editable is not None:  # else they are the classes of an image that is still to come
            self.mark_all_stale(new_colors=True)

    def mark_fresh(self, box: Box, mask: NDArray[np.bool_]) -> None:
        """The pixels of `mask` (bool [h, w] of `box`) have just been painted by hand."""
        document = self.document
        if document is None:
            return
        done = () if self._session.editing.in_stroke else document.history.done
        self.marks.mark(document.shape_hw, box, mask, done[-1] if done else None)

    def mark_all_stale(self, *, new_colors: bool = False) -> None:
        """Everything must be drawn again, with colours looked up anew if asked for."""
        if new_colors:
            self._colors = None
        self.frame.mark_all_stale()
        self.stale.emit(self.frame.box)

    def _mark(self, image_box: Box) -> None:
        """Image pixels look different now, wherever they are seen."""
        margin, view_hw = outline_margin_px(self.frame.pixel_ratio), self.frame.box.shape_hw
        step = find_step(self.transform)
        if step > 1:
            image_box = image_box.grow(step // 2)  # from afar a pixel is seen in its neighbours' place
        boxes = [self.transform.box_to_view(image_box, margin)]
        if self.comparison.shift_px(view_hw):  # the other half is not always as wide
            there = self.comparison.other_transform(self.transform, view_hw).box_to_view(image_box, margin)
            boxes.append(there.intersect(self.comparison.boxes(view_hw)[1]))
        for box in boxes:
            if not box.is_empty:
                self.frame.mark_stale(box)
                self.stale.emit(box)

    # --- how it is shown --------------------------------------------------------------------------------

    def change_look(self, layer: str, **changes: Any) -> None:
        """Draw a layer in another way; see `looks.Look`. Raises KeyError for a layer that there is not."""
        before = self.looks[layer]
        self.looks[layer] = changed_look(before, **changes)
        if self.looks[layer] != before:
            self._shown = find_shown(self.looks)
            self.mark_all_stale(new_colors=True)

    def show_image(self, is_shown: bool) -> None:
        """Whether the image itself is drawn under its layers."""
        if self.image_shown != is_shown:
            self.image_shown = is_shown
            self.mark_all_stale()

    def mark_background(self, is_marked: bool) -> None:
        """Whether what is predicted as background gets dots, and so differs from what is not predicted."""
        if self.marks_background != is_marked:
            self.marks_background = is_marked
            self.mark_all_stale(new_colors=True)

    def set_display(self, display: Display) -> None:
        """Contrast and the like of the image, now and for the images to come."""
        if self.display != display:
            self.display = display
            self._make_tone()
            self.mark_all_stale()

    @property
    def channels(self) -> int:
        """How many channels of the image there are to look at."""
        return channels_of(self._pyramid)

    def _make_tone(self) -> None:
        pyramid = self._pyramid
        self._tone = None if pyramid is None or self.display.is_neutral else Tone(self.display, pyramid)

    def set_grid_shown(self, is_shown: bool) -> None:
        """Lines between single pixels when they are seen from near."""
        if self.frame.grid_shown != is_shown:
            self.frame.grid_shown = is_shown
            self.mark_all_stale()

    def set_comparison(self, comparison: Comparison) -> None:
        """Show two predictions; moving the line costs what lies between its two places."""
        before, self.comparison = self.comparison, comparison
        if before.mode is not comparison.mode:
            self.mark_all_stale()
            return
        old, new = (each.split_px(self.frame.box.shape_hw) for each in (before, comparison))
        box = Box(0, min(old, new), self.frame.box.y1, max(old, new))
        if not box.is_empty:
            self.frame.mark_stale(box)
            self.stale.emit(box.grow(outline_margin_px(self.frame.pixel_ratio)))

    def set_transform(self, transform: ViewTransform) -> None:
        """Where the image lies; a push by whole pixels costs only the strips that come into view."""
        before, self.transform = self.transform, transform
        dy, dx = transform.offset_y - before.offset_y, transform.offset_x - before.offset_x
        same = (before.scale, before.image_hw, before.view_hw) == (
            transform.scale, transform.image_hw, transform.view_hw,
        )  # fmt: skip
        is_whole = abs(dy - round(dy)) < 1e-6 and abs(dx - round(dx)) < 1e-6
        if same and is_whole and self.comparison.boxes(self.frame.box.shape_hw)[1].is_empty:
            self.frame.scroll(round(dy), round(dx))
            self.stale.emit(self.frame.box)
        else:
            self.mark_all_stale()

    # --- drawing ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the frame up to date."""
        view_hw = self.frame.box.shape_hw
        own, other = self.comparison.boxes(view_hw)
        panes = [self._make_pane(own, self.transform, 0)]
        if not other.is_empty:
            panes.append(self._make_pane(other, self.comparison.other_transform(self.transform, view_hw), 1))
        self.frame.refresh(Picture(self._pyramid, self._tone, self.image_shown), panes)

    def draw_small(self, frame: Frame, transform: ViewTransform) -> None:
        """Compose what is stale in another frame, in which the image lies as `transform` says."""
        picture = Picture(self._pyramid, self._tone, self.image_shown)
        frame.refresh(picture, [self._make_pane(frame.box, transform, 0)])

    def _make_pane(self, box: Box, transform: ViewTransform, index: int) -> Pane:
        document = self.document
        if document is None:
            return Pane(box, transform, OverlaySources(None, None, None, None), self._overlay_colors()[index])
        label_map, prediction = document.label_map, (document.prediction, document.comparison)[index]
        sources = OverlaySources(
            labels=label_map.labels,
            provenance=label_map.provenance,
            fresh=self.marks.fresh,
            channels=prediction.channels if prediction is not None else None,
            confidence=prediction.confidence if prediction is not None else None,
            shown=self._shown,
        )
        sources, lies = self._thinned.thin(sources, transform, label_map, prediction)
        return Pane(box, transform, sources, self._overlay_colors()[index], lies)

    def _overlay_colors(self) -> tuple[OverlayColors, OverlayColors]:
        if self._colors is None:
            document, classes = self.document, self._session.classes.shown
            self._drawn_pale = document is not None and document.prediction_is_stale
            predictions = (document.prediction, document.comparison) if document is not None else (None, None)
            own, other = (
                make_overlay_colors(
                    classes,
                    classes.make_lut(prediction.class_keys if prediction is not None else ()),
                    self.looks,
                    is_stale=is_stale,
                    marks_background=self.marks_background,
                )
                for prediction, is_stale in zip(predictions, (self._drawn_pale, False), strict=True)
            )
            self._colors = own, other
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
    differs = before.channels != after.channels
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not rows.size:
        return Box(0, 0, 0, 0)
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
