"""An outline that is not closed yet, as it is drawn; a long one costs no more a move than a short one."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF, QRegion

from fcn_studio.ui.canvas.cursor import DARK, LIGHT
from fcn_studio.ui.tools.base import Sketch

HANDLE_PX = 7.0
REACH_PX = math.ceil(HANDLE_PX)  # what line and handles take up beyond the points
DARK_PX, LIGHT_PX = 3.2, 1.5
PIECE_POINTS = 64  # a longer outline is drawn in pieces: those that are to be repainted
MOST_DASHED_PX = 8_000  # of one line
CLOSING_PX, MOST_CLOSING = 32.0, 16  # the side that closes it is repainted in this many small boxes


class _Piece(NamedTuple):
    """PIECE_POINTS sides of the outline; length: of all sides to its end, so that its dashes go on."""

    line: QPolygonF
    rect: QRect
    dashes: QPainterPath | None  # what is light of it, see `_make_dashes`
    length: float


class DrawnSketch:
    """An outline in logical pixels of the view. `to_view` gives the logical view point of an image point."""

    def __init__(self, sketch: Sketch, to_view: Callable[[float, float], QPointF]) -> None:
        self._to_view = to_view
        self._pieces: list[_Piece] = []  # of points that do not move any more
        self.points: list[QPointF] = []
        self._take(sketch, 0)

    def _take(self, sketch: Sketch, kept: int) -> None:
        """Another outline whose first `kept` points are the same.

        Pieces end before the last but one point, so that none changes when the last one goes elsewhere.
        """
        self._sketch = sketch
        self.points[kept:] = [self._to_view(*point) for point in sketch.points[kept:]]
        self._handles = [self._to_view(*point) for point in sketch.handles]
        while self._pieces and len(self.points) <= len(self._pieces) * PIECE_POINTS + 2:
            self._pieces.pop()
        while len(self.points) > (len(self._pieces) + 1) * PIECE_POINTS + 2:
            first = len(self._pieces) * PIECE_POINTS
            line = self.points[first : first + PIECE_POINTS + 1]
            length = self._length
            dashes = _make_dashes(line, length) if sketch.erases else None
            self._pieces.append(_Piece(QPolygonF(line), _rect_of(line), dashes, length + _measure(line)))

    @property
    def _length(self) -> float:
        return self._pieces[-1].length if self._pieces else 0.0

    @property
    def repaint_region(self) -> QRegion:
        """What has to be repainted when the outline comes or goes."""
        return QRegion(_rect_of(self.points))

    def grow(self, sketch: Sketch) -> QRegion | None:
        """Draw another outline from now on that differs at its end only; returns what to repaint.

        None where it differs otherwise, or is so short that it is as well drawn anew.
        """
        before, last = self._sketch.points, len(self._sketch.points) - 1
        if last < PIECE_POINTS or (sketch.is_closed, sketch.erases) != (
            self._sketch.is_closed, self._sketch.erases,
        ):  # fmt: skip
            return None
        if sketch.points[: last + 1] == before:
            kept = last + 1
        elif len(sketch.points) >= last and sketch.points[:last] == before[:last]:
            kept = last
        else:
            return None
        region, pieces = self._region_from(kept), len(self._pieces)
        self._take(sketch, kept)
        region += self._region_from(kept)
        if pieces == len(self._pieces):
            return region
        if not pieces or not self._pieces:  # cut now, or not any more: all of it looks a bit different
            return region + self.repaint_region
        return region + _rect_of([self.points[max(pieces, len(self._pieces)) * PIECE_POINTS]])

    def _region_from(self, number: int) -> QRegion:
        """Where the points from a number on are seen, with the sides to them and back to the first."""
        region = QRegion(_rect_of(self.points[max(0, number - 1) :]))
        if not self._sketch.is_closed:
            return region
        end, start = self.points[-1], self.points[0]
        way = start - end
        count = min(MOST_CLOSING, math.ceil(math.hypot(way.x(), way.y()) / CLOSING_PX))
        for step in range(count):
            region += _rect_of([end + way * (step / count), end + way * ((step + 1) / count)])
        return region

    # --- painting -----------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, color: QColor | None, region: QRegion) -> None:
        """Draw the outline dark, then light (dashed where it erases), and its handles, the first filled.

        region: what is repainted; the rest need not be drawn.
        """
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lines = [(piece.line, piece.dashes) for piece in self._pieces if region.intersects(piece.rect)]
        rest = self.points[len(self._pieces) * PIECE_POINTS :]
        for line in self._cut_rest(rest):
            dashes = _make_dashes(line, self._length) if self._sketch.erases else None
            lines.append((QPolygonF(line), dashes))
        painter.setPen(QPen(DARK, DARK_PX, c=Qt.PenCapStyle.FlatCap))
        for polygon, _ in lines:
            painter.drawLines(_sides_of(polygon))
        style = Qt.PenStyle.DashLine if self._sketch.erases else Qt.PenStyle.SolidLine
        painter.setPen(QPen(LIGHT, LIGHT_PX, style, Qt.PenCapStyle.FlatCap))
        for polygon, light in lines:
            if light is not None:
                painter.fillPath(light, LIGHT)
            elif self._sketch.erases:
                painter.drawPolyline(polygon)
            else:
                painter.drawLines(_sides_of(polygon))
        painter.setPen(QPen(DARK, 1.2))
        for number, place in enumerate(self._handles):
            side = HANDLE_PX + (2 if number == 0 else 0)
            painter.setBrush(color if number == 0 and color is not None else LIGHT)
            painter.drawRect(QRectF(place.x() - side / 2, place.y() - side / 2, side, side))
        painter.restore()

    def _cut_rest(self, rest: list[QPointF]) -> list[list[QPointF]]:
        """What is drawn besides the pieces."""
        if not self._sketch.is_closed:
            return [rest]
        first = self.points[0]
        return [rest, [rest[-1], first]] if self._pieces else [[*rest, first]]


def _sides_of(line: QPolygonF) -> list[QLineF]:
    """A line side by side: Qt takes a tenth of the time, and its bends are too small to show that."""
    return [QLineF(start, end) for start, end in pairwise(line.toList())]


def _make_dashes(points: list[QPointF], length: float) -> QPainterPath | None:
    """What a dashed line fills that begins `length` after the outline; None where there are too many dashes.

    Qt's own lie elsewhere when a part is repainted, but of a long line it makes only those that are seen.
    """
    if _measure(points) > MOST_DASHED_PX:
        return None
    path = QPainterPath()
    path.addPolygon(QPolygonF(points))
    stroker = QPainterPathStroker()
    stroker.setWidth(LIGHT_PX)
    stroker.setCapStyle(Qt.PenCapStyle.FlatCap)
    stroker.setDashPattern(Qt.PenStyle.DashLine)
    stroker.setDashOffset(length / LIGHT_PX)
    return stroker.createStroke(path)


def _measure(points: list[QPointF]) -> float:
    return sum(math.hypot(end.x() - start.x(), end.y() - start.y()) for start, end in pairwise(points))


def _rect_of(points: list[QPointF]) -> QRect:
    """The box that points take up with all that is drawn round them."""
    return QPolygonF(points).boundingRect().adjusted(-REACH_PX, -REACH_PX, REACH_PX, REACH_PX).toAlignedRect()
