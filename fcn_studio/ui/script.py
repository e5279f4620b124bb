"""Runs a generator of waits inside Qt's own loop: how the tour and the end-to-end tests use the window.

A script yields conditions (callables); it goes on when the condition holds. Nothing blocks, no events are
processed by hand: the window lives exactly as it does under a person's hands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Any

from PySide6.QtCore import QObject, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

Condition = Callable[[], bool]
Script = Generator[Condition, None, None]

POLL_MS = 5


class ScriptRunner(QObject):
    """Drives one script; `on_end` gets None or the error that ended it."""

    def __init__(
        self,
        script: Script,
        on_end: Callable[[BaseException | None], None],
        timeout_s: float,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._script = script
        self._on_end = on_end
        self._timeout_s = timeout_s
        self._waits_since = time.monotonic()
        self._condition: Condition = lambda: True
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        self._timer.start()

    def _on_tick(self) -> None:
        try:
            if not self._condition():
                if time.monotonic() - self._waits_since > self._timeout_s:
                    raise TimeoutError(f"waited {self._timeout_s:.0f} s in vain at {self._where()}")
                return
            self._condition = next(self._script)
            self._waits_since = time.monotonic()
        except StopIteration:
            self._end(None)
        except Exception as error:  # noqa: BLE001 - whatever ends the script is handed to its owner
            self._end(error)

    def _where(self) -> str:
        """The line of the innermost generator that waits, since stages are scripts of their own."""
        lines: list[str] = []
        generator: Any = self._script
        while isinstance(generator, GeneratorType) and generator.gi_frame is not None:
            lines.append(f"{generator.gi_code.co_name} line {generator.gi_frame.f_lineno}")
            generator = generator.gi_yieldfrom
        return lines[-1] if lines else "its end"

    def _end(self, error: BaseException | None) -> None:
        self._timer.stop()
        self._script.close()
        self._on_end(error)


def wait_s(seconds: float) -> Condition:
    """Holds once `seconds` have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def drag(
    widget: QWidget, points: list[QPointF], button: Qt.MouseButton = Qt.MouseButton.LeftButton
) -> Script:
    """A real mouse drag along `points` (widget coordinates): press, a move each 5 ms, release."""
    press_and_move(widget, points[:1], button)
    for point in points[1:]:
        QTest.mouseMove(widget, point.toPoint())
        yield wait_s(0)
    QTest.mouseRelease(widget, button, Qt.KeyboardModifier.NoModifier, points[-1].toPoint())
    yield wait_s(0)


def press_and_move(widget: QWidget, points: list[QPointF], button: Qt.MouseButton) -> None:
    """Press at the first point and move along the rest without letting go."""
    QTest.mousePress(widget, button, Qt.KeyboardModifier.NoModifier, points[0].toPoint())
    for point in points[1:]:
        QTest.mouseMove(widget, point.toPoint())
