"""What the end-to-end tests do in a window, in a process of its own: `window_scripts.py SCRIPT PATH...`.

Runs the program's own `run`; facts go to standard output, one line each, for the test that started it.
"""

from __future__ import annotations

import json
import sys
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtTest import QTest
from scipy import ndimage

from fcn_studio.core.box import Box
from fcn_studio.session import Phase
from fcn_studio.ui.app import App, run
from fcn_studio.ui.script import Script, ScriptRunner, drag, press_and_move, wait_s
from fcn_studio.ui.tour import BRUSH_PX, STROKES, TAUGHT_CLASS, TAUGHT_IMAGE

PATIENCE_S = 400.0
AROUND_PX = 6


def tell(kind: str, **facts: object) -> None:
    print(json.dumps({"kind": kind, **facts}), flush=True)


def crc(app: App) -> int:
    """A check sum of the open image's labels and where they come from."""
    label_map = app.session.document.label_map
    return zlib.crc32(label_map.labels.tobytes() + label_map.provenance.tobytes())


def is_predicted(app: App) -> Callable[[], bool]:
    session = app.session
    return lambda: (
        session.document is not None
        and session.document.prediction is not None
        and not session.document.prediction_is_stale
        and session.prediction.status.phase is Phase.DONE
    )


def to_widget(app: App, x: float, y: float) -> QPointF:
    canvas = app.window.canvas
    view_y, view_x = canvas.scene.transform.to_view(y, x)
    return QPointF(view_x, view_y) / canvas.devicePixelRatioF()


def show_taught_image(app: App) -> Script:
    """With the key D through all images, waiting for the overlay of each."""
    yield is_predicted(app)
    app.window.activateWindow()  # keys go to the active window alone
    yield app.window.isActiveWindow
    seen = [app.session.document.image_id]
    while seen[-1] != TAUGHT_IMAGE:
        QTest.keyClick(app.window.canvas, Qt.Key.Key_D)
        yield lambda: app.session.document.image_id != seen[-1]
        yield is_predicted(app)
        seen.append(app.session.document.image_id)
    tell("seen", images=seen)


def take_brush(app: App) -> None:
    entry = app.session.classes.table.by_key(TAUGHT_CLASS)
    QTest.keyClick(app.window.canvas, Qt.Key.Key_B)
    QTest.keyClick(app.window.canvas, Qt.Key(ord(entry.shortcut)))
    app.window.canvas.set_brush_size(BRUSH_PX)


def paint_until_killed(app: App) -> Script:
    yield from show_taught_image(app)
    take_brush(app)
    for stroke in STROKES:
        yield from drag(app.window.canvas, [to_widget(app, x, y) for x, y in stroke])
        tell("stroke", crc=crc(app))  # the release of the button has returned
    finished = crc(app)
    press_and_move(
        app.window.canvas,
        [to_widget(app, x, y) for x, y in ((20, 20), (60, 40), (90, 90))],
        Qt.MouseButton.LeftButton,
    )
    tell("mid-stroke", is_on_screen=crc(app) != finished)
    yield wait_s(PATIENCE_S)


def undo_and_teach(app: App) -> Script:
    canvas, session = app.window.canvas, app.session
    yield from show_taught_image(app)
    labels = session.document.label_map.labels
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    states = [crc(app)]
    for _ in STROKES:
        QTest.keyClick(canvas, Qt.Key.Key_Z, control)
        yield wait_s(0.02)
        states.append(crc(app))
    tell("undone", states=states, is_empty=bool((labels == 255).all()), can_undo=session.editing.can_undo)
    for _ in STROKES:
        QTest.keyClick(canvas, Qt.Key.Key_Z, control | shift)
        yield wait_s(0.02)
    tell("redone", crc=crc(app))
    painted = labels == session.classes.table.by_key(TAUGHT_CLASS).id
    around = ndimage.binary_dilation(painted, iterations=AROUND_PX) & ~painted
    tell("before", **agreement(app, painted, around))
    QTest.keyClick(canvas, Qt.Key.Key_T, control)
    yield lambda: session.teaching.is_running
    yield lambda: not session.teaching.is_running
    yield is_predicted(app)
    phase, text = session.teaching.status.phase, session.teaching.status.message
    tell("after", phase=phase.value, message=text, crc=crc(app), **agreement(app, painted, around))
    app.window.close()


def agreement(app: App, painted: np.ndarray, around: np.ndarray) -> dict[str, float]:
    """Shares of the pixels under and around the strokes that are predicted as painted."""
    predicted = app.session.document.make_prediction_lut(app.session.classes.table)[
        app.session.document.prediction.channels
    ]
    is_class = predicted == app.session.classes.table.by_key(TAUGHT_CLASS).id
    return {"under": float(is_class[painted].mean()), "around": float(is_class[around].mean())}


def close_while_loading(app: App) -> Script:
    app.window.close()
    yield wait_s(PATIENCE_S)


def close_while_predicting(app: App) -> Script:
    busy: list[str] = []
    app.session.events.activity_changed.connect(busy.append)
    yield lambda: any("predicting" in label for label in busy)
    app.window.close()


def start_teaching(app: App) -> Script:
    yield is_predicted(app)
    editing, class_id = app.session.editing, app.session.classes.table.by_key(TAUGHT_CLASS).id
    editing.begin_stroke("Paint")
    editing.paint(Box(50, 50, 90, 90), np.ones((40, 40), bool), class_id)
    editing.finish_stroke()
    app.session.teaching.start(device="cpu")


def close_while_torch_loads(app: App) -> Script:
    yield from start_teaching(app)
    yield wait_s(0.5)
    app.window.close()


def close_while_training(app: App) -> Script:
    yield from start_teaching(app)
    yield lambda: app.session.teaching.status.step >= 1
    tell("training", phase=app.session.teaching.status.phase.value)
    app.window.close()


SCRIPTS = {
    script.__name__: script
    for script in (
        paint_until_killed, undo_and_teach, close_while_loading, close_while_predicting,
        close_while_torch_loads, close_while_training,
    )
}  # fmt: skip


def main(name: str, paths: list[Path]) -> int:
    def on_end(error: BaseException | None) -> None:
        if error is not None:
            traceback.print_exception(error)
            QCoreApplication.exit(3)

    def on_start(app: App) -> None:
        ScriptRunner(SCRIPTS[name](app), on_end, PATIENCE_S, app.window).start()

    return run(paths, settings={"device": "cpu", "theme": "dark"}, on_start=on_start)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], [Path(argument) for argument in sys.argv[2:]]))
