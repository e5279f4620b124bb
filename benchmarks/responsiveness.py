"""Lateness of an 8 ms timer in the real window, off-screen, while the device thread has its hands full.

`python benchmarks/responsiveness.py [--seconds S] [--parts use,import,large] [--json FILE]`. Ticks are due
on a fixed grid and each counts for itself: a stall of 100 ms is twelve late ticks, not one. Phases: idle,
predicting without a pause, fine-tuning, the same while a hand paints with real mouse events, torch being
imported in a fresh process, and (`large`) whatever kept the window's thread for more than 4 ms at a large
image. "machine" is how long the window's thread waited for a processor: on a busy machine the figures are
the machine's. Ends with 1 when p99 exceeds 4 ms while predicting or fine-tuning, when a phase did no work, or
when torch is imported under the person's hands.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from _window_at_work import LIMIT_MS, MOVES_IN_STROKE, Asker, Hand, Row, Ticks, TimedApplication
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from fcn_studio.core.resources import resource_path
from fcn_studio.session.events import Phase
from fcn_studio.ui.app import App, make_application
from fcn_studio.ui.script import Condition, Script, ScriptRunner, wait_s

JUDGED = ("predicting", "fine-tuning")
PATIENCE_S = 240.0
PARTS = ("use", "import", "large")
LARGE_HW = ((3000, 4000), (10000, 10000))


class Part:
    """One process's share: a window on temporary places, a script, and the rows that it measures."""

    def __init__(self, app: App, seconds: float) -> None:
        self.app = app
        self.seconds = seconds
        self.ticks, self.hand, self.asker = Ticks(), Hand(app), Asker(app)
        self.rows: list[Row] = []

    def measure(self, name: str, until: Condition | None = None, *, paints: bool = False) -> Script:
        """One phase: a row with the lateness of its ticks, and of the hand's events where it paints."""
        if paints:
            self.hand.start()
        self.ticks.restart()
        yield until or wait_s(self.seconds)
        self.ticks.stop()
        row: Row = {"phase": name, **summarise(self.ticks.late_ms), "queued": summarise(self.ticks.queued_ms)}
        if paints:
            self.hand.stop()
            row["events"] = summarise(self.hand.event_ms)
        self.rows.append(row)

    def is_predicted(self) -> bool:
        document, status = self.app.session.document, self.app.session.prediction.status
        return document is not None and document.prediction is not None and status.phase is Phase.DONE

    def is_warm(self) -> bool:
        """All that is loaded behind the person's back is there."""
        loaded = "fcn_studio.training.fine_tune" in sys.modules
        return loaded and not self.app.idle.is_watching and self.app.session._workers.device.idle

    # --- the parts ----------------------------------------------------------------------------------------

    def use(self) -> Script:
        yield lambda: self.is_predicted() and self.is_warm()
        yield wait_s(0.5)
        yield from self.measure("idle")
        for name, paints in (("predicting", False), ("predicting and painting", True)):
            self.asker.start()
            yield from self.measure(name, paints=paints)
            self.asker.stop()
            self.rows[-1]["work"] = f"{self.asker.answers} predictions"
            yield lambda: self.app.session._workers.device.idle
        yield from self.measure("painting", paints=True)
        teaching = self.app.session.teaching
        for name, paints in (("fine-tuning", False), ("fine-tuning and painting", True)):
            if not teaching.is_running:
                teaching.start()
            yield lambda: teaching.status.step > 0 or not teaching.is_running
            before, time_is_up = teaching.status.step, wait_s(self.seconds)
            enough = partial(_both, time_is_up, lambda before=before: teaching.status.step >= before + 3)
            yield from self.measure(name, enough, paints=paints)
            steps = teaching.status.step - before
            self.rows[-1]["work"] = f"{steps} steps" if steps > 0 else f"nothing: {teaching.status.message}"
        teaching.stop()
        yield lambda: not teaching.is_running

    def importing(self) -> Script:
        """Fresh start: nothing heavy may begin while the hand moves; it begins when the hand rests."""
        yield self.is_predicted
        yield from self.measure("just started, painting", paints=True)
        self.rows[-1]["torch"] = "torch" in sys.modules
        rests = time.monotonic()
        yield lambda: "torch" in sys.modules
        began = time.monotonic() - rests
        yield from self.measure("importing torch, at rest", self.is_warm)
        self.rows[-1]["work"] = f"began {began:.2f} s after the hand rested"

    def large(self) -> Script:
        """Open, paint, undo, fill and accept on large images; what is slow is noted by the application."""
        application, session = QCoreApplication.instance(), self.app.session
        assert isinstance(application, TimedApplication)
        yield lambda: self.is_predicted() and self.is_warm()
        self.app.window.activateWindow()  # keys go to the active window alone
        yield self.app.window.isActiveWindow
        for entry in session.images.entries:
            megapixels = entry.name.split(".")[0]
            for stage, act, reached in self._deeds(entry.image_id):
                application.stage = f"{megapixels}: {stage}"
                self.ticks.restart()
                act()
                yield reached
                yield wait_s(0.4)
                self.ticks.stop()
                self.rows.append({"phase": application.stage, **summarise(self.ticks.late_ms)})
        application.stage = ""

    def _deeds(self, image_id: str) -> list[tuple[str, Callable[[], None], Condition]]:
        session, canvas, ctrl = self.app.session, self.app.window.canvas, Qt.KeyboardModifier.ControlModifier
        editing = session.editing

        def is_open() -> bool:
            shown = canvas.document
            return shown is not None and shown.image_id == image_id and self.is_predicted()

        def key(which: Qt.Key, modifier: Qt.KeyboardModifier = ctrl) -> Callable[[], None]:
            return lambda: QTest.keyClick(canvas, which, modifier)

        def painted() -> bool:
            if len(self.hand.event_ms) < 5 * MOVES_IN_STROKE:
                return False
            self.hand.stop()
            return True

        shift = ctrl | Qt.KeyboardModifier.ShiftModifier
        return [
            ("open", lambda: session.images.open(image_id), is_open),
            ("paint five strokes", self.hand.start, painted),
            ("undo", key(Qt.Key.Key_Z), lambda: editing.can_redo),
            ("redo", key(Qt.Key.Key_Z, shift), lambda: not editing.can_redo),
            ("fill", lambda: editing.request_fill(5, 5, 0), lambda: editing.undo_name.startswith("Fill")),
            ("accept all", editing.request_accept_all, lambda: editing.undo_name == "Accept all"),
            ("undo accept all", key(Qt.Key.Key_Z), lambda: editing.undo_name.startswith("Fill")),
            ("save", editing.save_now, lambda: session._workers.pool.idle),
        ]


def _both(first: Condition, second: Condition) -> bool:
    return first() and second()


def summarise(values_ms: list[float]) -> Row:
    """Count, median, 99th percentile and maximum in ms."""
    if not values_ms:
        return {"ticks": 0, "p50": 0.0, "p99": 0.0, "max": 0.0}
    p50, p99 = np.percentile(values_ms, (50, 99))
    return {"ticks": len(values_ms), "p50": float(p50), "p99": float(p99), "max": max(values_ms)}


def run_part(name: str, seconds: float, folder: Path) -> Row:
    """Run one part in this process; its rows, and what was slow."""
    application = TimedApplication() if name == "large" else make_application()
    places = {"settings_path": folder / "s.json", "cache_dir": folder / "cache", "data_dir": folder / "data"}
    app = App(places=places, overrides={"theme": "dark", "hint_seen": True})
    app.window.resize(1440, 900)
    app.window.show()
    part = Part(app, seconds)
    script = {"use": part.use, "import": part.importing, "large": part.large}[name]()
    errors: list[BaseException | None] = []
    runner = ScriptRunner(script, lambda error: (errors.append(error), application.quit()), PATIENCE_S)
    if isinstance(application, TimedApplication):
        application.name_calls(app)
        make_large_images(folder / "large")
        app.open([folder / "large"])
        app.session.events.project_opened.connect(lambda: app.session.classes.use_own_classes(["a", "b"]))
    else:
        app.open(samples=True)
    runner.start()
    application.exec()
    ended = app.close()
    for widget in QApplication.topLevelWidgets():
        QWidget.close(widget)
    if errors[0] is not None:
        raise errors[0]
    slow = application.slow if isinstance(application, TimedApplication) else []
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"rows": part.rows, "slow": slow, "ended": ended, "peak_mb": peak_mb}


def make_large_images(folder: Path) -> None:
    """JPEGs of 12 and 100 megapixels, made of a sample photograph."""
    from PIL import Image

    folder.mkdir()
    with Image.open(resource_path("samples", "chelsea.jpg")) as photo:
        for height, width in LARGE_HW:
            large = photo.resize((width, height), Image.Resampling.BILINEAR)
            large.save(folder / f"{height * width // 10**6:03d}MP.jpg", quality=85)


# --- the parent process -------------------------------------------------------------------------------------


def spawn(name: str, seconds: float) -> Row:
    """Run a part in a fresh process."""
    command = [sys.executable, __file__, "--child", name, "--seconds", str(seconds)]
    with tempfile.TemporaryDirectory(prefix="fcn-studio-bench-") as folder:
        ran = subprocess.run([*command, "--folder", folder], stdout=subprocess.PIPE, text=True, check=True)
    found: Row = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def print_rows(rows: list[Row]) -> None:
    print(
        f"{'lateness of an 8 ms timer, ms':34}{'ticks':>7}{'p50':>8}{'p99':>8}{'max':>8}{'machine p99':>12}"
    )
    for row in rows:
        line = f"{row['phase']:34}{row['ticks']:7}{row['p50']:8.2f}{row['p99']:8.2f}{row['max']:8.1f}"
        line += f"{row['queued']['p99']:12.1f}" if "queued" in row else ""
        if "events" in row:
            events = row["events"]
            line += f"   a mouse event took p50 {events['p50']:.2f}, p99 {events['p99']:.2f} ms"
        print(line + (f"   {row['work']}" if "work" in row else ""))


def print_slow(slow: list[Row]) -> None:
    """What took the window's thread more than 4 ms, the longest of each kind."""
    worst: dict[tuple[str, str, str], Row] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in sorted(slow, key=lambda row: row["own_ms"]):
        key = (row["stage"], row["what"], row["where"])
        worst[key] = row
        counts[key] += 1
    for key, row in sorted(worst.items(), key=lambda item: -item[1]["own_ms"]):
        stage, what, where = key
        times = f"{row['own_ms']:8.1f} ms of its own, {row['ms']:.1f} in all"
        print(f"{times:40}{counts[key]:4} x   {stage:26}{what} ({where})")


def judge(rows: list[Row]) -> list[str]:
    """What is not as it should be."""
    complaints = []
    for row in rows:
        if row["phase"] in JUDGED and row["p99"] > LIMIT_MS:
            complaints.append(f"{row['phase']}: p99 {row['p99']:.1f} ms, at most {LIMIT_MS:.0f} wanted")
        if row.get("work", "").startswith(("nothing", "0 ")):
            complaints.append(f"{row['phase']}: {row['work']}")
        if row.get("torch"):
            complaints.append("torch was imported while the person painted")
    return complaints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a phase")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(run_part(options.child, options.seconds, options.folder)), flush=True)
        return
    found = {name: spawn(name, options.seconds) for name in options.parts.split(",")}
    rows = [row for part in found.values() for row in part["rows"]]
    print_rows(rows)
    print_slow([slow for part in found.values() for slow in part["slow"]])
    complaints = judge(rows)
    if options.json:
        options.json.write_text(json.dumps({"parts": found, "complaints": complaints}, indent=1))
    print(json.dumps({"rows": rows, "complaints": complaints}))
    if complaints:
        raise SystemExit("\n".join(complaints))


if __name__ == "__main__":
    main()
