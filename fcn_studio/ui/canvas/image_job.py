"""Makes the halved copies of an image away from the window's thread; the newest image wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal

from fcn_studio.core.pixels import DeepValues
from fcn_studio.ui.canvas.pyramid import Pyramid, compute_all_levels, make_first_level


class ImageJob(QObject):
    """Turns pixels into a pyramid; `ready` brings it once it has all its levels.

    After the next `start` no answer for an earlier image comes any more. Without memory for the halved
    copies none comes: the image is then drawn from its full size, which is only less smooth.
    """

    ready = Signal(object)
    _answered = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._closed = False
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="canvas image")
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    def start(self, pixels: NDArray[np.uint8], deep: DeepValues | None = None) -> Pyramid:
        """Begin with another image; returns its full-size level, which is enough to show it."""
        self._number += 1
        first = make_first_level(pixels, deep)
        if not self._closed:
            self.pool.submit(self._compute, self._number, first)
        return first

    def stop(self) -> None:
        """There is no image any more."""
        self._number += 1

    def close(self) -> None:
        """Give up what runs and wait for its end (a few milliseconds)."""
        self._closed = True
        self._number += 1
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _compute(self, number: int, first: Pyramid) -> None:
        try:
            pyramid = compute_all_levels(first, lambda: number != self._number)
        except MemoryError:
            return
        if number == self._number:
            self._answered.emit(number, pyramid)

    def _on_answered(self, number: int, pyramid: Pyramid) -> None:
        if number == self._number and not self._closed:
            self.ready.emit(pyramid)
