"""What lies over a large image, for looking from afar: of each few pixels one, in memory of its own.

Such a view reads a byte here and the next one ten bytes on, and waits for memory most of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box
from fcn_studio.core.label_map import LabelMap
from fcn_studio.core.prediction import Prediction
from fcn_studio.ui.canvas.planes import Fresh, OverlaySources, Plane
from fcn_studio.ui.canvas.transform import ViewTransform

SMALLEST_STEP = 4  # with less they would take too much memory
LARGE_PX = 1 << 22  # smaller planes lie in a processor's cache anyway
NOWHERE = Box(0, 0, 0, 0)


@dataclass(eq=False)
class _Kept:
    """Thinned planes of one thing by name, and where they are out of date."""

    planes: dict[str, Plane] = field(default_factory=dict)
    changed: Box = NOWHERE


class Thinned:
    """Makes thinned planes when they are looked at, and keeps them as long as what they are of is there."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[LabelMap | Prediction, dict[int, _Kept]] = WeakKeyDictionary()

    def clear(self) -> None:
        """Another image: nobody tells of changes in the one before."""
        self._kept.clear()

    def mark(self, label_map: LabelMap, box: Box) -> None:
        """The labels of a box, or their provenance, are others now."""
        for kept in self._kept.get(label_map, {}).values():
            kept.changed = box.union(kept.changed)

    def thin(
        self,
        sources: OverlaySources,
        transform: ViewTransform,
        label_map: LabelMap,
        prediction: Prediction | None,
    ) -> tuple[OverlaySources, ViewTransform]:
        """Sources, which are of `label_map` and `prediction`, thinned, and where they then lie in the view.

        Both as they are, where the view is near or the image small.
        """
        step = find_step(transform)
        if step == 1:
            return sources, transform
        labels, provenance = self._fetch(label_map, step, "labels", "provenance")
        channels = self._fetch(prediction, step, "channels")[0] if prediction is not None else None
        confidence = _thin(sources.confidence, step) if sources.confidence is not None else None
        fresh = sources.fresh
        if fresh is not None:
            fresh = Fresh(_thin(fresh.painted, step), _thin_box(fresh.box, step))
        thinned = OverlaySources(labels, provenance, fresh, channels, confidence, sources.shown)
        return thinned, replace(transform, image_hw=labels.shape, scale=transform.scale * step)

    def _fetch(self, owner: LabelMap | Prediction, step: int, *names: str) -> list[Plane]:
        kept = self._kept.setdefault(owner, {}).setdefault(step, _Kept())
        there = _thin_box(kept.changed, step).slices
        for name in names:
            plane = _thin(getattr(owner, name), step)
            if name in kept.planes:
                kept.planes[name][there] = plane[there]
            else:
                kept.planes[name] = np.ascontiguousarray(plane)
        kept.changed = NOWHERE
        return [kept.planes[name] for name in names]


def find_step(transform: ViewTransform) -> int:
    """Of so many pixels one is looked at: a power of two that leaves one for each device pixel.

    1, which is all of them, where the view is near or the image small.
    """
    height, width = transform.image_hw
    if transform.scale * SMALLEST_STEP > 1.0 or height * width < LARGE_PX:
        return 1
    step = 1 << int(min(height, width, 1 / transform.scale)).bit_length() - 1
    return step if step >= SMALLEST_STEP else 1


def _thin(plane: NDArray[Any], step: int) -> NDArray[Any]:
    """The pixels that stay, those after the middle of each square, in the plane's own memory."""
    return plane[step // 2 :: step, step // 2 :: step]


def _thin_box(box: Box, step: int) -> Box:
    """Which of the pixels that stay lie in a box of the image."""
    y0, x0, y1, x1 = ((side + step // 2 - 1) // step for side in box)
    return Box(y0, x0, y1, x1)
