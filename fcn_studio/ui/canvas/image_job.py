"""Makes an image ready for the screen away from the window's thread; the newest image wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal

from fcn_studio.ui.canvas.pyramid import Pyramid, compute_all_levels, make_first_level

AT_ONCE_PIXELS = 1_500_000  # up to here the first level takes under 3 ms: no need to wait for a thread


class ImageJob(QObject):
    """Turns pixels into a pyramid; `ready` brings the full-size level first, then the same with all levels.

    Of an image too large to be kept twice it brings all levels at once. `failed` carries a sentence. After
    the next `start` no answer for an earlier image comes any more.
    """

    ready = Signal(object)
    failed = Signal(str)
    _answered = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="canvas image")
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    def start(self, pixels: NDArray[np.uint8]) -> Pyramid | None:
        """Begin with another image; returns its full-size level at once where it is small."""
        self._number += 1
        number = self._number
        first = make_first_level(pixels) if pixels.shape[0] * pixels.shape[1] <= AT_ONCE_PIXELS else None
        if not self._closed:
            self._pool.submit(self._compute, number, pixels, first)
        return first

    def close(self) -> None:
        """Give up what runs and wait for its end (a few milliseconds)."""
        self._closed = True
        self._number += 1
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _compute(self, number: int, pixels: NDArray[np.uint8], first: Pyramid | None) -> None:
        def unwanted() -> bool:
            return number != self._number

        try:
            if first is None:
                first = make_first_level(pixels, unwanted)
                if first.levels[0] is not None:
                    self._answer(number, first)
            self._answer(number, compute_all_levels(first, unwanted))
        except MemoryError:
            self._answer(number, None)

    def _answer(self, number: int, pyramid: Pyramid | None) -> None:
        if number == self._number:
            self._answered.emit(number, pyramid)

    def _on_answered(self, number: int, pyramid: Pyramid | None) -> None:
        if number != self._number or self._closed:
            return
        if pyramid is None:
            self.failed.emit(
                self.tr("There is not enough memory to show it. Close other programs, then try again.")
            )
        else:
            self.ready.emit(pyramid)
