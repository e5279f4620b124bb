"""The canvas's commands for zoom and place, and keeping both until the next start."""

from __future__ import annotations

import math
from typing import Any

from fcn_studio.ui.canvas.navigation import FIT_MARGIN_PX
from fcn_studio.ui.canvas.pointer_widget import PointerWidget
from fcn_studio.ui.canvas.transform import ViewTransform


class ZoomWidget(PointerWidget):
    """Adds what menus and buttons do to the view; gestures are the pointer widget's."""

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

    def go_to(self, y: float, x: float) -> None:
        """Image point (y, x) into the middle of the view, as near as the limits allow."""
        self.navigation.is_fitted = False
        self.move_to(self.scene.transform.centred_on(y, x, self.scene.transform.scale))

    def fit_image(self, image_hw: tuple[int, int]) -> None:
        """The whole of an image of this size, which may be another one than before."""
        margin_px = FIT_MARGIN_PX * self.navigation.pixel_ratio
        whole = ViewTransform(image_hw, self.own_view_hw, margin_px)
        self.move_to(self.navigation.fitted(whole))

    def follow_size(self) -> None:
        """The room for the image changed: the same part of it in the middle, or still all of it."""
        before = self.scene.transform
        if self.navigation.is_fitted:
            self.fit_image(before.image_hw)
        else:
            self.move_to(before.resized(self.own_view_hw))

    @property
    def own_view_hw(self) -> tuple[int, int]:
        """Device pixels that the image is fitted into: half the view where two are side by side."""
        return self.scene.comparison.own_hw(self.scene.frame.box.shape_hw)

    # --- the next start -------------------------------------------------------------------------------------

    def view_state(self) -> dict[str, Any]:
        """Zoom and centre, for `restore_view` at the next start."""
        transform, document = self.scene.transform, self.scene.document
        if document is None:
            return {}
        y, x = transform.to_image(transform.view_hw[0] / 2, transform.view_hw[1] / 2)
        fitted = self.navigation.is_fitted
        return {"image": document.image_id, "scale": transform.scale, "y": y, "x": x, "fitted": fitted}

    def take_view_state(self, state: dict[str, Any]) -> None:
        """Go to a zoom and centre kept by `view_state`; a spoilt one changes nothing."""
        try:
            y, x, scale = (float(state[name]) for name in ("y", "x", "scale"))
        except (KeyError, TypeError, ValueError):
            return  # a settings file that somebody has edited
        if not state.get("fitted") and all(map(math.isfinite, (y, x, scale))) and scale > 0:
            self.navigation.is_fitted = False
            self.move_to(self.scene.transform.centred_on(y, x, scale))
