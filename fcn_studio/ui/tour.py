"""The tour: the real window, driven by real input events through its main job on the samples.

Stages: look, next image, paint a class the network does not give there, undo, redo, teach, see what was
learnt, accept and review, results. Each ends with a screenshot; figures go to `summary.json`.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtTest import QTest
from scipy import ndimage

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.io.atomic import write_atomic
from fcn_studio.io.export import compute_areas
from fcn_studio.io.label_png import read_label_png
from fcn_studio.project import ImageState
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Phase, Saved
from fcn_studio.ui.app import App, find_places, make_application
from fcn_studio.ui.script import Condition, Script, ScriptRunner, drag, wait_s

WINDOW_HW = (900, 1440)
PATIENCE_S = 300.0
TAUGHT_IMAGE, TAUGHT_CLASS = "coffee.jpg", "cup"
BRUSH_PX = 30
FAR_PX = 50
# Drags over the cup on the photograph, as (x, y) in image pixels: rim, sides and belly.
STROKES = (
    ((205, 95), (245, 60), (300, 48), (355, 60)),
    ((190, 130), (195, 170), (210, 205)),
    ((392, 110), (396, 150), (385, 195)),
    ((225, 225), (265, 250), (320, 252)),
    ((340, 245), (370, 220), (385, 200)),
    ((240, 120), (300, 95), (345, 125)),
)
Agreement = dict[str, float]


class Tour:
    """One run of the tour; `summary` is complete when the script has ended."""

    def __init__(self, app: App, out: Path, seconds_before_window: float) -> None:
        self._app = app
        self._out = out
        self._started = time.monotonic() - seconds_before_window
        self._stage_began = time.monotonic()
        self._strokes: NDArray[np.bool_] | None = None
        self._seen: dict[str, NDArray[np.uint8]] = {}  # predictions of other images before teaching
        self._notices: list[Notice] = []
        self.summary: dict[str, Any] = {"stages": [], "images": [], "first_overlay_seconds": None}
        app.session.events.prediction_changed.connect(self._on_prediction)
        app.session.events.notice.connect(self._notices.append)

    def _on_prediction(self, _image_id: str) -> None:
        if self.summary["first_overlay_seconds"] is None:
            self.summary["first_overlay_seconds"] = round(time.monotonic() - self._started, 3)

    # --- the script ---------------------------------------------------------------------------------------

    def script(self) -> Script:
        """All stages, in order."""
        yield from self._look()
        yield from self._next_image()
        yield from self._paint()
        yield from self._undo_and_redo()
        yield from self._teach()
        yield from self._accept()
        yield from self._results()

    def _look(self) -> Script:
        yield self._is_predicted()
        self._app.window.activateWindow()  # keys go to the active window alone
        yield self._app.window.isActiveWindow
        yield self._end_stage("look")

    def _next_image(self) -> Script:
        images = self._app.session.images
        while self._document().image_id != TAUGHT_IMAGE:
            before = self._document().image_id
            self._seen[before] = self._shown_prediction()
            QTest.keyClick(self._app.window.canvas, Qt.Key.Key_D)
            yield lambda before=before: self._document().image_id != before  # type: ignore[misc]
            if images.entries[-1].image_id == self._document().image_id != TAUGHT_IMAGE:
                raise FcnStudioError(f"The samples lack {TAUGHT_IMAGE}: install FCN Studio again.")
            yield self._is_predicted()
        yield self._is_predicted()
        yield self._end_stage("next image")

    def _paint(self) -> Script:
        session, canvas = self._app.session, self._app.window.canvas
        entry = session.classes.table.by_key(TAUGHT_CLASS)
        if entry is None or entry.shortcut is None:
            raise FcnStudioError(f"The samples lack the class {TAUGHT_CLASS}: install FCN Studio again.")
        QTest.keyClick(canvas, Qt.Key.Key_B)
        QTest.keyClick(canvas, Qt.Key(ord(entry.shortcut)))
        canvas.set_brush_size(BRUSH_PX)
        before = self._document().label_map.labels.copy()
        for stroke in STROKES:
            yield from drag(canvas, [self._to_widget(x, y) for x, y in stroke])
        yield lambda: session.editing.saved is Saved.ON_DISK
        labels = self._document().label_map.labels
        self._strokes = (labels == entry.id) & (before != entry.id)
        self.summary["correction"] = {"pixels": int(self._strokes.sum())}
        yield self._end_stage("paint")

    def _undo_and_redo(self) -> Script:
        canvas, document = self._app.window.canvas, self._document()
        painted = document.label_map.labels.copy()
        modifier = Qt.KeyboardModifier
        for _ in STROKES:
            QTest.keyClick(canvas, Qt.Key.Key_Z, modifier.ControlModifier)
        yield wait_s(0.05)
        restored = bool((document.label_map.labels == UNLABELLED).all())
        yield self._end_stage("undo")
        for _ in STROKES:
            QTest.keyClick(canvas, Qt.Key.Key_Z, modifier.ControlModifier | modifier.ShiftModifier)
        yield lambda: self._app.session.editing.saved is Saved.ON_DISK
        restored = restored and bool((document.label_map.labels == painted).all())
        frames = self._app.session.editing.journal_frames
        self.summary["correction"].update(undo_restores=restored, journal_frames=frames)
        yield self._end_stage("redo")

    def _teach(self) -> Script:
        session, window = self._app.session, self._app.window
        before = self._shown_prediction()
        began = time.monotonic()
        QTest.keyClick(window.canvas, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        yield lambda: session.teaching.status.step >= 5 or not session.teaching.is_running
        yield self._end_stage("teach")
        yield lambda: not session.teaching.is_running
        seconds, status = time.monotonic() - began, session.teaching.status
        if status.phase is not Phase.DONE:
            raise FcnStudioError(f"The fine-tuning ended badly: {status.message}")
        yield self._is_predicted()
        after = self._shown_prediction()
        self.summary["fine_tune"] = {
            "steps": status.step,
            "seconds": round(seconds, 2),
            "result": status.message,
            **self._compare(before, after),
        }
        yield self._end_stage("learnt")

    def _accept(self) -> Script:
        session, canvas = self._app.session, self._app.window.canvas
        image_id = self._document().image_id
        QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        yield lambda: session.editing.undo_name == "Accept all"
        QTest.keyClick(canvas, Qt.Key.Key_R)
        yield lambda: session.images.state_of(image_id) is ImageState.REVIEWED
        yield self._end_stage("accept and review")

    def _results(self) -> Script:
        session = self._app.session
        QTest.keyClick(self._app.window.canvas, Qt.Key.Key_A)
        yield lambda: self._document().image_id != TAUGHT_IMAGE
        yield self._is_predicted()
        masks = self._out / "masks"
        self._notices.clear()
        session.export.request(masks, "composite")
        yield lambda: bool(self._notices)
        if self._notices[-1].level is not Level.SUCCESS:
            raise FcnStudioError(self._notices[-1].text)
        self._list_masks(masks)
        yield self._end_stage("results")

    # --- looking ------------------------------------------------------------------------------------------

    def _document(self) -> Document:
        document = self._app.session.document
        if document is None:
            raise FcnStudioError("The tour's image was closed.")
        return document

    def _is_predicted(self) -> Condition:
        """Holds once the open image shows an exact prediction of the active checkpoint."""
        session = self._app.session

        def reached() -> bool:
            document = session.document
            return (
                document is not None
                and document.prediction is not None
                and not document.prediction_is_stale
                and session.prediction.status.phase is Phase.DONE
            )

        return reached

    def _to_widget(self, x: float, y: float) -> QPointF:
        canvas = self._app.window.canvas
        view_y, view_x = canvas.scene.transform.to_view(y, x)
        ratio = canvas.devicePixelRatioF()
        return QPointF(view_x / ratio, view_y / ratio)

    def _shown_prediction(self) -> NDArray[np.uint8]:
        prediction = self._document().prediction
        if prediction is None:
            raise FcnStudioError("There is no prediction to compare.")
        return self._document().make_prediction_lut(self._app.session.classes.table)[prediction.channels]

    def _compare(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Agreement:
        """Shares of the painted pixels that are predicted as painted, and of far pixels that stayed."""
        strokes = self._strokes
        entry = self._app.session.classes.table.by_key(TAUGHT_CLASS)
        assert strokes is not None
        assert entry is not None
        far = ndimage.distance_transform_edt(~strokes) > FAR_PX
        return {
            "agreement_before": round(float((before[strokes] == entry.id).mean()), 4),
            "agreement_after": round(float((after[strokes] == entry.id).mean()), 4),
            "agreement_elsewhere": round(float((before[far] == after[far]).mean()), 4),
        }

    def _list_masks(self, folder: Path) -> None:
        classes = self._app.session.classes.table
        stayed: list[float] = []
        for entry in self._app.session.images.entries:
            path = (folder / entry.image_id).with_suffix(".png")
            mask, _ = read_label_png(path)
            if entry.image_id in self._seen:
                stayed.append(float((self._seen[entry.image_id] == mask).mean()))
            shares = {area.class_name: round(area.share, 4) for area in compute_areas("", mask, classes)}
            row = {"image": entry.image_id, "mask": path.relative_to(self._out).as_posix(), "classes": shares}
            self.summary["images"].append(row)
        self.summary["fine_tune"]["agreement_other_images"] = round(float(np.mean(stayed)), 4)

    def _end_stage(self, name: str) -> Condition:
        """Take the stage's screenshot; the next stage begins at the next tick."""
        number = len(self.summary["stages"]) + 1
        path = self._out / f"{number:02d}-{name.replace(' ', '-')}.png"
        self._app.window.grab().save(str(path))
        seconds = round(time.monotonic() - self._stage_began, 3)
        self._stage_began = time.monotonic()
        self.summary["stages"].append({"name": name, "seconds": seconds, "screenshot": path.name})
        return wait_s(0)


def run_tour(out: Path, *, device: str = "auto", seconds_before: float = 0.0) -> dict[str, Any]:
    """Run the tour and write screenshots, masks and `summary.json` under `out`; returns the summary.

    `seconds_before`: how long the process had been running. Raises FcnStudioError naming the stage that
    failed. There must be no other QApplication at work.
    """
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    application = make_application()
    with tempfile.TemporaryDirectory(prefix="fcn-studio-tour-") as folder:
        places = {
            "settings_path": Path(folder) / "settings.json",
            "cache_dir": find_places()["cache_dir"],
            "data_dir": Path(folder),
        }
        app = App(places=places, overrides={"theme": "dark", "device": device, "hint_seen": True})
        app.window.resize(WINDOW_HW[1], WINDOW_HW[0])
        tour = Tour(app, out, seconds_before + time.monotonic() - began)
        errors: list[BaseException] = []
        runner = ScriptRunner(tour.script(), lambda error: _end(errors, error), PATIENCE_S, app.window)
        app.window.show()
        app.open(samples=True)
        runner.start()
        application.exec()
        ended = app.close()
    tour.summary["seconds"] = round(seconds_before + time.monotonic() - began, 2)
    write_atomic(out / "summary.json", json.dumps(tour.summary, indent=1, ensure_ascii=False).encode())
    if errors:
        done = len(tour.summary["stages"])
        raise FcnStudioError(f"The tour stopped after {done} stages: {errors[0]}") from errors[0]
    if not ended:
        raise FcnStudioError("The tour's window did not close in time.")
    return tour.summary


def _end(errors: list[BaseException], error: BaseException | None) -> None:
    if error is not None:
        errors.append(error)
    QCoreApplication.quit()
