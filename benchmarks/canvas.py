"""What a hand feels: from a dab to the repainted screen, large brushes, full repaints, fill and undo, memory.

`python benchmarks/canvas.py [--quick] [--napari ENV] [--labelme ENV] [--json FILE]`, where ENV is a virtual
environment that has the peer installed. Ours is the real window, off-screen, driven by Qt's own mouse events;
a time ends when the canvas is painted. Every image size runs in a process of its own. Images are black files
without content on disk; what is measured does not look at their colours. `--quick`: ours only, at most 40 s.
Ends with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES_MP = (1, 10, 100, 400)
MAIN_MP, FILL_MP = 100, 12
VIEW_WH = (1600, 1000)
ZOOMS: tuple[float | None, ...] = (None, 0.1, 0.25, 0.5, 0.8, 1.0, 2.0, 8.0, 32.0)  # None: fitted
DABS, LARGE_DABS, REPAINTS, FILLS = 400, 60, 9, 5
BRUSH_PX, LARGE_BRUSH_PX = 30, 500
PATIENCE_S = 300.0
Row = dict[str, Any]

# name, what is judged, limit
BARS: tuple[tuple[str, str, float], ...] = (
    ("dab_ms", "median", 0.5),
    ("dab_ms", "p99", 3.0),
    ("large_dab_ms", "p99", 16.0),
    ("repaint_ms", "worst_median", 10.0),
    ("fill_ms", "median", 60.0),
    ("undo_ms", "median", 60.0),
    ("bytes_a_pixel", "value", 10.5),
    ("growth", "value", 2.0),  # a dab on 400 megapixels, times one on 1
)


def write_black_bmp(path: Path, megapixels: float) -> None:
    """A square 24-bit BMP of zeros; the file system stores nothing of them."""
    side = round(math.sqrt(megapixels * 1e6))
    row_bytes = (3 * side + 3) // 4 * 4
    size = 54 + row_bytes * side
    with path.open("wb") as file:
        file.write(struct.pack("<2sIHHI", b"BM", size & 0xFFFFFFFF, 0, 0, 54))
        file.write(struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, row_bytes * side, 0, 0, 0, 0))
        file.truncate(size)


def read_rss_bytes() -> int:
    """Memory of this process that is in use now (Linux)."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("Memory can only be measured on Linux.")


class Stopwatch:
    """Times by the wall and by the processor; on a busy machine the two part, and the bars mean nothing."""

    def __init__(self) -> None:
        self.wall_ms: list[float] = []
        self.cpu_ms: list[float] = []

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def stop(self) -> None:
        self.wall_ms.append((time.perf_counter() - self._wall) * 1000)
        self.cpu_ms.append((time.thread_time() - self._cpu) * 1000)

    def summarise(self, skipped: int = 0) -> Row:
        cpu = summarise(self.cpu_ms[skipped:])
        return {
            **summarise(self.wall_ms[skipped:]),
            "cpu_median": cpu["median"],
            "cpu_p99": cpu["p99"],
        }


def summarise(values_ms: list[float]) -> Row:
    ordered = sorted(values_ms)
    return {
        "median": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)],
        "max": ordered[-1],
        "count": len(ordered),
    }


# --- ours ----------------------------------------------------------------------------------------------


class Hand:
    """The real window over one image, with labels and a prediction, and a hand that paints in it."""

    def __init__(self, folder: Path, megapixels: float) -> None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        from PySide6.QtCore import QEvent

        from fcn_studio.ui.app import App, make_application

        self.application, self.update_request = make_application(), QEvent.Type.UpdateRequest
        home = folder / "home"
        places = {"settings_path": home / "s.json", "cache_dir": home / "c", "data_dir": home / "d"}
        self.app = App(places=places, overrides={"hint_seen": True})
        self.app.session._workers.device.close(10.0)  # no network: it is the canvas that is measured
        self.window, self.canvas, self.session = self.app.window, self.app.window.canvas, self.app.session
        self.window.resize(VIEW_WH[0] + 560, VIEW_WH[1] + 120)
        self.window.show()
        self.window.activateWindow()
        self.settle(0.3)
        self.empty_bytes = read_rss_bytes()
        photos = folder / "photos"
        photos.mkdir()
        write_black_bmp(photos / "black.bmp", megapixels)
        self.app.open([photos])
        self.wait(lambda: self.canvas.document is not None)
        self.session.classes.use_own_classes(["cat", "dog"])
        self.wait(lambda: self.has_all_levels)
        self.wait(lambda: self.session._workers.pool.idle)  # the list decodes it once more, for its thumbnail
        self._put_prediction()
        self._put_labels()
        self.canvas.setFixedSize(*VIEW_WH)
        self.settle(0.3)

    @property
    def has_all_levels(self) -> bool:
        pyramid = self.canvas.scene._pyramid
        return pyramid is not None and max(pyramid.levels[-1].shape) <= 256

    def _put_prediction(self) -> None:
        import numpy as np

        from fcn_studio.core.prediction import Prediction

        document = self.session.document
        channels = np.zeros(document.shape_hw, np.uint8)
        for y in range(0, channels.shape[0], 700):
            channels[y : y + 350] = 1 + y // 700 % 2
        confidence = np.full(document.shape_hw, 200, np.uint8)
        keys = self.session.classes.table.keys
        document.prediction = Prediction(channels, confidence, keys, "none", True, 0.0, "none")
        self.session.events.prediction_changed.emit(document.image_id)

    def _put_labels(self) -> None:
        labels, provenance = self.session.document.label_map.writable()
        provenance[:] = 0
        side = labels.shape[0]
        for x in range(0, side, 900):
            labels[:, x : x + 300], provenance[:, x : x + 300] = 1 + x // 900 % 2, 1 + x // 900 % 3
        self.canvas.scene.mark_all_stale()

    # --- time ---------------------------------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.application.processEvents()
            time.sleep(0.002)

    def wait(self, reached: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not reached():
            if time.monotonic() > end:
                raise SystemExit("waited in vain")
            self.application.processEvents()
            time.sleep(0.0005)

    def paint_now(self) -> None:
        """Have painted what waits to be painted, as the event loop would next."""
        self.application.sendPostedEvents(self.window, self.update_request)

    def send(self, event: Any) -> None:
        self.application.sendEvent(self.canvas, event)

    def make_event(self, kind: Any, x: float, y: float) -> Any:
        from PySide6.QtCore import QPointF, Qt
        from PySide6.QtGui import QMouseEvent

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        moves = kind == QMouseEvent.Type.MouseMove
        position = QPointF(x, y)
        return QMouseEvent(
            kind, position, self.canvas.mapToGlobal(position), none if moves else left,
            none if kind == QMouseEvent.Type.MouseButtonRelease else left, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip

    # --- what is measured -----------------------------------------------------------------------------------

    def measure_dabs(self, brush_px: int, count: int, scale: float = 1.0) -> Row:
        """Milliseconds from a move of the mouse to the painted canvas, in one drag over the view."""
        from PySide6.QtGui import QMouseEvent

        canvas = self.canvas
        canvas.choose_tool("brush")
        canvas.set_brush_size(brush_px)
        height, width = self.session.document.shape_hw
        canvas.move_to(canvas.scene.transform.centred_on(height / 2, width / 2, scale))
        self.settle(0.2)
        places = list(_walk(count + 5))
        self.send(self.make_event(QMouseEvent.Type.MouseButtonPress, *places[0]))
        watch = Stopwatch()
        for x, y in places[1:]:
            event = self.make_event(QMouseEvent.Type.MouseMove, x, y)
            watch.start()
            self.send(event)
            self.paint_now()
            watch.stop()
        self.send(self.make_event(QMouseEvent.Type.MouseButtonRelease, *places[-1]))
        self.settle(0.1)
        return watch.summarise(skipped=5)

    def measure_repaints(self) -> Row:
        """Milliseconds of a full repaint at each zoom; the worst median counts."""
        canvas = self.canvas
        height, width = self.session.document.shape_hw
        medians, cpu_medians = {}, {}
        for scale in ZOOMS:
            if scale is None:
                canvas.zoom_fit()
            else:
                canvas.move_to(canvas.scene.transform.centred_on(height / 2, width / 2, scale))
            self.settle(0.05)
            watch = Stopwatch()
            for _ in range(REPAINTS):
                canvas.scene.mark_all_stale()
                watch.start()
                self.paint_now()
                watch.stop()
            found = watch.summarise()
            name = "fit" if scale is None else f"{scale:g}"
            medians[name], cpu_medians[name] = found["median"], found["cpu_median"]
        return {"worst_median": max(medians.values()), "by_zoom": medians, "cpu_by_zoom": cpu_medians}

    def measure_fill(self) -> tuple[Row, Row]:
        """Milliseconds from asking for a fill of the whole image, and for its undo, to the painted canvas."""
        canvas, session = self.canvas, self.session
        label_map = session.document.label_map
        labels, provenance = label_map.writable()
        labels[:], provenance[:] = 255, 0
        session.document.prediction = None
        session.events.prediction_changed.emit(session.document.image_id)
        canvas.zoom_fit()
        fills, undos = [], []
        for number in range(FILLS):
            self.settle(0.2)
            before = label_map.revision
            began = time.perf_counter()
            session.editing.request_fill(5, 5, 1 + number % 2)
            self.wait(lambda before=before: label_map.revision != before)
            self.paint_now()
            fills.append((time.perf_counter() - began) * 1000)
            self.settle(0.2)
            before = label_map.revision
            began = time.perf_counter()
            session.editing.undo()
            self.wait(lambda before=before: label_map.revision != before)
            self.paint_now()
            undos.append((time.perf_counter() - began) * 1000)
        return summarise(fills), summarise(undos)

    def measure_memory(self) -> float:
        """Bytes a pixel above the empty window, with labels, provenance, prediction and confidence."""
        height, width = self.session.document.shape_hw
        return (read_rss_bytes() - self.empty_bytes) / (height * width)


def _walk(count: int) -> Iterator[tuple[float, float]]:
    """Places of the mouse on a spiral round the middle of the view, some 15 px apart."""
    for index in range(count):
        turn = math.sqrt(index) * 1.1
        radius = 30 + 22 * turn / (2 * math.pi) * 2
        yield VIEW_WH[0] / 2 + radius * math.cos(turn), VIEW_WH[1] / 2 + radius * math.sin(turn)


def run_part(name: str, megapixels: float, folder: Path) -> Row:
    """One part, in this process."""
    hand = Hand(folder, megapixels)
    row: Row = {"megapixels": megapixels}
    if name == "fill":
        row["fill_ms"], row["undo_ms"] = hand.measure_fill()
    else:
        row["bytes_a_pixel"] = {"value": hand.measure_memory()}
        row["dab_ms"] = hand.measure_dabs(BRUSH_PX, DABS)
        if megapixels == MAIN_MP:
            row["large_dab_ms"] = hand.measure_dabs(LARGE_BRUSH_PX, LARGE_DABS)
            row["repaint_ms"] = hand.measure_repaints()
    return row


def spawn(name: str, megapixels: float) -> Row:
    """One part in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--part", name, "--megapixels", f"{megapixels:g}", folder]
        path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if ran.returncode:
            raise SystemExit(f"{name} at {megapixels:g} megapixels failed:\n{ran.stderr[-2000:]}")
        return json.loads(ran.stdout.strip().splitlines()[-1])


# --- peers ---------------------------------------------------------------------------------------------


def measure_peers(napari: Path | None, labelme: Path | None) -> Row:
    from _canvas_peers import measure_labelme, measure_napari

    found: Row = {}
    if napari is not None:
        values = measure_napari(napari, round(math.sqrt(MAIN_MP * 1e6)), BRUSH_PX)
        found["napari, one dab"] = values and summarise(values)
    if labelme is not None:
        found["labelme, repaint by zoom"] = measure_labelme(labelme, round(math.sqrt(FILL_MP * 1e6)))
    return found


# --- judging -------------------------------------------------------------------------------------------


def collect(rows: list[Row]) -> Row:
    """The figures that are judged, from all parts."""
    by_size = {row["megapixels"]: row for row in rows if "dab_ms" in row}
    main = by_size[MAIN_MP]
    fill = next(row for row in rows if "fill_ms" in row)
    growth = by_size[SIZES_MP[-1]]["dab_ms"]["median"] / max(0.05, by_size[SIZES_MP[0]]["dab_ms"]["median"])
    return {**fill, **main, "growth": {"value": growth}}


def judge(figures: Row) -> list[tuple[str, float, float, bool]]:
    """Each bar: its name, what was measured, the limit, whether it is held."""
    judged = []
    for name, part, limit in BARS:
        value = figures[name][part]
        judged.append((f"{name} {part}" if part != "value" else name, value, limit, value <= limit))
    return judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ours only")
    parser.add_argument("--napari", type=Path, help="virtual environment with napari")
    parser.add_argument("--labelme", type=Path, help="virtual environment with labelme")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--part", choices=("dabs", "fill"), help=argparse.SUPPRESS)
    parser.add_argument("--megapixels", type=float, help=argparse.SUPPRESS)
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(run_part(options.part, options.megapixels, options.folder)), flush=True)
        os._exit(0)  # the end of a window, which writes all labels as PNG, is not measured
    rows = [spawn("dabs", megapixels) for megapixels in SIZES_MP]
    for row in rows:
        dab = row["dab_ms"]
        print(
            f"{row['megapixels']:5g} megapixels   one dab: median {dab['median']:.2f} ms   "
            f"p99 {dab['p99']:.2f}   processor {dab['cpu_median']:.2f}   "
            f"memory {row['bytes_a_pixel']['value']:.1f} bytes a pixel"
        )
    rows.append(spawn("fill", FILL_MP))
    figures = collect(rows)
    print("full repaint by zoom, ms:", {k: round(v, 1) for k, v in figures["repaint_ms"]["by_zoom"].items()})
    print("of that, processor:   ", {k: round(v, 1) for k, v in figures["repaint_ms"]["cpu_by_zoom"].items()})
    judged = judge(figures)
    for name, value, limit, is_held in judged:
        print(f"{'held  ' if is_held else 'MISSED'}  {name:24} {value:8.2f}   at most {limit:g}")
    peers = {} if options.quick else measure_peers(options.napari, options.labelme)
    for name, value in peers.items():
        print(f"{name}: {value}")
    if options.json:
        options.json.write_text(json.dumps({"ours": rows, "peers": peers}, indent=1))
    sys.exit(0 if all(is_held for *_, is_held in judged) else 1)


if __name__ == "__main__":
    main()
