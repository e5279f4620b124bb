"""The window at work, for `responsiveness.py`: what keeps it busy, and what notes how late it is."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fcn_studio.session.events import Phase, PredictionStatus
from fcn_studio.ui.app import App

TICK_MS = 8
LIMIT_MS = 4.0
MOVES_IN_STROKE = 40
Row = dict[str, Any]


class RunQueue:
    """How long the calling thread was ready to run while other programs had the processors (Linux)."""

    def __init__(self) -> None:
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._file = os.open(path, os.O_RDONLY) if os.path.exists(path) else None
        self._before_ms = 0.0

    def take_ms(self) -> float:
        """Milliseconds since the last call; 0 where the system does not tell."""
        if self._file is None:
            return 0.0
        now_ms = int(os.pread(self._file, 80, 0).split()[1]) / 1e6
        taken_ms, self._before_ms = now_ms - self._before_ms, now_ms
        return taken_ms


class Ticks(QObject):
    """The timer whose lateness is measured; `late_ms` has one value for each tick that was due."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.queued_ms: list[float] = []  # between two ticks: ready to run, but no processor was free
        self._queue = RunQueue()
        self._due = 0.0
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    def restart(self) -> None:
        """Forget what was measured and begin anew."""
        self.late_ms, self.queued_ms = [], []
        self._queue.take_ms()
        self._schedule()

    def stop(self) -> None:
        self._timer.stop()

    def _schedule(self) -> None:
        self._due = time.perf_counter() + TICK_MS / 1000
        self._timer.start()

    def _on_tick(self) -> None:
        late_ms = (time.perf_counter() - self._due) * 1000
        self.late_ms.append(max(0.0, late_ms))
        self.queued_ms.append(self._queue.take_ms())
        while late_ms > TICK_MS:  # the ticks that this one has swallowed
            late_ms -= TICK_MS
            self.late_ms.append(late_ms)
        self._schedule()


class Hand(QObject):
    """Paints without a pause: strokes of 40 moves, a move every 8 ms, each stroke in another class."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._moves = 0
        self.event_ms: list[float] = []  # what the window needed for each event, repaints included
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._on_time)

    def start(self) -> None:
        self.event_ms = []
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        if self._moves % MOVES_IN_STROKE:
            self._do(QTest.mouseRelease)
        self._moves = 0

    def _on_time(self) -> None:
        step = self._moves % MOVES_IN_STROKE
        began = time.perf_counter()
        if step == 0:
            self._choose_class()
            self._do(QTest.mousePress)
        elif step == MOVES_IN_STROKE - 1:
            self._do(QTest.mouseRelease)
        else:
            QTest.mouseMove(self._app.window.canvas, self._point())
        self.event_ms.append((time.perf_counter() - began) * 1000)
        self._moves += 1
        self._timer.start()

    def _choose_class(self) -> None:
        table = self._app.session.classes.table
        ids = [entry.id for entry in table][:3]
        self._app.session.classes.choose(ids[self._moves // MOVES_IN_STROKE % len(ids)])

    def _do(self, action: Callable[..., None]) -> None:
        none = Qt.KeyboardModifier.NoModifier
        action(self._app.window.canvas, Qt.MouseButton.LeftButton, none, self._point())

    def _point(self) -> QPoint:
        """A place on a slowly turning ellipse over the middle of the image."""
        canvas, turn = self._app.window.canvas, self._moves / 29
        y = 0.5 + 0.3 * math.sin(turn) * math.cos(turn / 31)
        x = 0.5 + 0.35 * math.cos(turn * 1.07)
        return QPoint(round(canvas.width() * x), round(canvas.height() * y))


class Asker:
    """Asks for the open image's prediction again as soon as the last answer has come."""

    def __init__(self, app: App) -> None:
        self._session = app.session
        self.answers = 0
        self._asks = False
        app.session.events.prediction_status_changed.connect(self._on_status)

    def start(self) -> None:
        self.answers, self._asks = 0, True
        self._ask()

    def stop(self) -> None:
        self._asks = False

    def _ask(self) -> None:
        if self._asks and self._session.document is not None:
            self._session.prediction.request(self._session.document, (), use_cache=False)

    def _on_status(self, status: PredictionStatus) -> None:
        if status.phase is Phase.DONE and self._asks:
            self.answers += 1
            QTimer.singleShot(0, self._ask)


class TimedApplication(QApplication):
    """Notes every event that needs more than 4 ms of the window's thread (its own work, without waiting)."""

    def __init__(self) -> None:
        super().__init__(["responsiveness"])
        self.stage = ""
        self.call = ""
        self.slow: list[Row] = []
        self._depth = 0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        kind, began, own_began = event.type(), time.perf_counter(), time.thread_time()
        self._depth += 1
        try:
            return super().notify(receiver, event)
        finally:
            self._depth -= 1
            own_ms = (time.thread_time() - own_began) * 1000
            if own_ms > LIMIT_MS and not self._depth and self.stage:
                what = self.call if kind is QEvent.Type.MetaCall and self.call else kind.name
                spent_ms = (time.perf_counter() - began) * 1000
                row = {"what": what, "where": _name_of(receiver), "ms": spent_ms, "own_ms": own_ms}
                self.slow.append({"stage": self.stage, **row})

    def name_calls(self, app: App) -> None:
        """Have answers from other threads named by the function that takes them."""
        post = app.dispatcher.post

        def named(call: Callable[[], None]) -> None:
            inner = [cell.cell_contents for cell in getattr(call, "__closure__", None) or ()]
            name = next((item.__qualname__ for item in inner if callable(item)), call.__qualname__)

            def run() -> None:
                self.call = name.replace(".<locals>", "").replace(".<lambda>", "")
                call()

            post(run)

        app.dispatcher.post = named  # type: ignore[method-assign]


def _name_of(receiver: QObject) -> str:
    """The class of an event's receiver; a timer goes by its owner's."""
    owner = receiver.parent() if isinstance(receiver, QTimer) else None
    return type(receiver if owner is None else owner).__name__
