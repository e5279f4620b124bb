"""What lies over the borders of the canvas: minimap and rulers; shown when wanted and when there is room."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QWidget

from fcn_studio.ui.canvas.minimap import Minimap
from fcn_studio.ui.canvas.rulers import RULER_PX, Ruler
from fcn_studio.ui.canvas.scene import Scene

FROM_CORNER_PX = 14
ROOM_PX = 420, 320  # a smaller canvas needs all its room for the image


class Surroundings(QObject):
    """Places minimap and rulers on `view` and keeps them in step with the scene."""

    def __init__(self, scene: Scene, view: QWidget) -> None:
        super().__init__(view)
        self._scene, self._view = scene, view
        self.minimap = Minimap(scene, view)
        orientations = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self.rulers = [Ruler(scene, orientation, view) for orientation in orientations]
        self.minimap_wanted = True
        self.rulers_wanted = False

    def arrange(self, pixel_ratio: float) -> None:
        """Another image, another size of the view, or another wish."""
        size = self._view.size()
        for ruler, rect in zip(
            self.rulers, ((0, 0, size.width(), RULER_PX), (0, RULER_PX, RULER_PX, size.height() - RULER_PX)),
            strict=True,
        ):  # fmt: skip
            ruler.pixel_ratio = pixel_ratio
            ruler.setGeometry(*rect)
            ruler.setVisible(self.rulers_wanted and self._scene.document is not None)
        self.minimap.fit(pixel_ratio)
        corner = self._view.rect().bottomRight()
        gap = FROM_CORNER_PX - 1
        self.minimap.move(
            corner.x() - self.minimap.width() - gap, corner.y() - self.minimap.height() - gap
        )  # fmt: skip
        self.follow()

    def follow(self) -> None:
        """The image lies elsewhere in the view."""
        transform = self._scene.transform
        seen = transform.box_to_image(transform.view_box)
        is_partial = seen.shape_hw != transform.image_hw and self._scene.document is not None
        has_room = self._view.width() >= ROOM_PX[0] and self._view.height() >= ROOM_PX[1]
        self.minimap.setVisible(self.minimap_wanted and is_partial and has_room)
        for widget in (self.minimap, *self.rulers):
            widget.update()

    def point_at(self, pointed_yx: tuple[int, int] | None) -> None:
        """The pointer is over this pixel of the image, or over none."""
        for ruler in self.rulers:
            ruler.point_at(pointed_yx)

    def give_way(self, position: QPointF) -> None:
        """A stroke comes near: what is painted must be seen. `follow` brings the minimap back."""
        if self.minimap.isVisible() and self.minimap.geometry().contains(position.toPoint()):
            self.minimap.hide()
