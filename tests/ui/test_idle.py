"""Work for idle moments waits for quiet."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from fcn_studio.ui.idle import IdleWork
from tests.ui.window_kit import WAIT_MS


def test_idle_work_waits_for_quiet_and_runs_one_thing_at_a_time(qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    done: list[str] = []
    work = IdleWork(window)
    work.add(lambda: done.append("first"), lambda: done.append("second"))
    for _ in range(8):
        QTest.qWait(100)
        QTest.mouseMove(window)
        QTest.mouseClick(window, Qt.MouseButton.LeftButton)
    assert done == []
    qtbot.waitUntil(lambda: done == ["first"], timeout=WAIT_MS)
    QTest.mouseClick(window, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: done == ["first", "second"], timeout=WAIT_MS)
    assert not work.is_watching


def test_idle_work_does_not_look_at_every_event_of_a_stroke(qtbot) -> None:
    class Counting(IdleWork):
        looked = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            self.looked += event.type() == QEvent.Type.MouseMove
            return super().eventFilter(watched, event)

    window = QMainWindow()
    qtbot.addWidget(window)
    window.show()
    window.setMouseTracking(True)
    work = Counting(window)
    work.add(lambda: None)
    for step in range(100):
        QTest.mouseMove(window, QPoint(step, 20))
    assert 1 <= work.looked <= 3  # half a second may end meanwhile
    work.stop()
