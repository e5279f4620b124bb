"""What lower rooms ask of higher ones: a way back to the caller's thread, and a source of samples."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Dispatcher(Protocol):
    """Brings a call back to the thread that owns the state."""

    def post(self, call: Callable[[], None]) -> None:
        """Run `call` soon on the owner's thread; safe from any thread, never blocks."""


class DirectDispatcher:
    """Runs each call at once, on whichever thread posts it: for programs without a loop of their own."""

    def post(self, call: Callable[[], None]) -> None:
        call()


class QueueDispatcher:
    """Keeps calls until their owner takes them: the loop of the command line and of tests."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def post(self, call: Callable[[], None]) -> None:
        self._calls.put(call)

    def run_pending(self, timeout_s: float = 0.0) -> int:
        """Run what is there, waiting at most `timeout_s` for the first call; returns how many ran."""
        count = 0
        try:
            call = self._calls.get(timeout=timeout_s) if timeout_s > 0 else self._calls.get_nowait()
            while True:
                call()
                count += 1
                call = self._calls.get_nowait()
        except queue.Empty:
            return count

    def run_until(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Run calls until `reached()`; False when `timeout_s` passed before."""
        end = time.monotonic() + timeout_s
        while not reached():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.run_pending(min(left, 0.05))
        return True


@dataclass(frozen=True, eq=False)
class Sample:
    """One image to learn from.

    pixels: uint8 [H, W, 3] RGB. labels: uint8 [H, W] index into the source's class_keys, 255 = no label.
    provenance: uint8 [H, W] (see Provenance) or None where all labels weigh the same.
    held_out: bool [H, W], labelled pixels that only validation may look at; None = none.
    held_out_strokes: how many strokes of the brush those are.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    provenance: NDArray[np.uint8] | None = None
    held_out: NDArray[np.bool_] | None = None
    held_out_strokes: int = 0


class SampleSource(Protocol):
    """Where training and evaluation get their samples; frozen, and readable from any thread."""

    @property
    def class_keys(self) -> tuple[str, ...]: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    def names(self, split: str) -> tuple[str, ...]:
        """Names of the samples of "train", "val", "test" or "all"; empty where there is no such split.

        "unlabelled": some images without any label, on which a network should stay as it is.
        """

    def read(self, name: str) -> Sample:
        """One sample; raises ImageReadError or LabelReadError with a sentence."""
