"""Strokes at pointer-up: how soon they are written and on disk, and whether a killed process loses any.

`python benchmarks/durability.py [--strokes N] [--kills K] [--json FILE]` (500 and 20; 10000 and 100 for the
long run). A child paints through the real Session and tells each stroke whose pointer-up has returned; it is
killed (SIGKILL) at a random moment, often in mid-stroke, and the next child goes on where it was. After each
kill the image is opened again: all strokes that were told must be there, pixel by pixel, and undo one by one.
Then a real disk of a few megabytes (tmpfs, which needs root; left out otherwise) fills up in the middle:
painting goes on in memory, and once there is room everything must be on the disk.
Ends with 1 when one is lost. "written" survives a killed process, "on disk" a power cut.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fcn_studio.core.box import Box
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.core.raster import make_capsule
from fcn_studio.core.settings import Settings
from fcn_studio.session.events import Saved
from fcn_studio.session.session import Session

IMAGE_HW = (1000, 1500)
BRUSH_PX = 30
PIECES = 6
CLASSES = 3
PATIENCE_S = 60.0
KILL_WITHIN_S = 0.02  # after a stroke was told: in the middle of the next ones
UNDOS = 20
DISK_BYTES = 24 << 20  # small enough to fill, large enough for the image and some hundred strokes
REFUSED_STROKES = 100
Pieces = list[tuple[Box, np.ndarray]]


def make_stroke(number: int) -> tuple[int, Pieces]:
    """Class id and pieces of stroke `number`; the same in every process."""
    source = random.Random(number)
    points = [(source.uniform(0, IMAGE_HW[0]), source.uniform(0, IMAGE_HW[1]))]
    for _ in range(PIECES):
        y, x = points[-1]
        points.append((y + source.uniform(-60, 60), x + source.uniform(-60, 60)))
    return number % CLASSES, [make_capsule(a, b, BRUSH_PX, IMAGE_HW) for a, b in pairwise(points)]


def open_session(folder: Path) -> tuple[Session, QueueDispatcher]:
    """A session with the one image open; no network answers."""
    dispatcher = QueueDispatcher()
    session = Session(
        dispatcher,
        Settings(),
        settings_path=None,
        cache_dir=folder / "cache",
        data_dir=folder / "data",
    )
    session._workers.device.close(5.0)  # what is measured here is the disk
    session.open([folder / "photos"])
    if not dispatcher.run_until(lambda: session.document is not None, PATIENCE_S):
        raise TimeoutError("the image did not open")
    if session.classes.is_preview:
        session.classes.use_own_classes([f"class {number}" for number in range(1, CLASSES)])
    return session, dispatcher


def paint(session: Session, number: int) -> float:
    """Paint a stroke; returns the milliseconds that pointer-up took."""
    class_id, pieces = make_stroke(number)
    session.editing.begin_stroke(f"stroke {number}")
    for box, mask in pieces:
        session.editing.paint(box, mask, class_id)
    began = time.perf_counter()
    session.editing.finish_stroke()
    return (time.perf_counter() - began) * 1000


def run_child(folder: Path, first: int, last: int) -> None:
    """Paint strokes first to last; a line to stdout for each whose pointer-up has returned."""
    session, dispatcher = open_session(folder)
    for number in range(first, last):
        paint(session, number)
        print(number, flush=True)
        dispatcher.run_pending()
    session.close()
    print("end", flush=True)


def measure_times(folder: Path, strokes: int) -> dict[str, dict[str, float]]:
    """Milliseconds from pointer-up until it returned (written), and until the disk has the stroke."""
    session, dispatcher = open_session(folder)
    written, on_disk = [], []
    for number in range(strokes):
        written.append(paint(session, number))
        began = time.perf_counter()
        if session.editing.saved is Saved.IN_MEMORY:
            raise SystemExit("the disk refuses: nothing to measure here")
        if not dispatcher.run_until(lambda: session.editing.saved is Saved.ON_DISK, PATIENCE_S):
            raise TimeoutError("a stroke did not reach the disk")
        on_disk.append(written[-1] + (time.perf_counter() - began) * 1000)
    session.close()
    return {"written": summarise(written), "on disk": summarise(on_disk)}


def summarise(values_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(values_ms, (50, 99))
    return {"p50": float(p50), "p99": float(p99), "max": max(values_ms)}


def paint_and_kill(folder: Path, first: int, last: int, kill_after_s: float | None) -> int:
    """Let a child paint; kill it `kill_after_s` after it has told its last stroke but one (None: let it end).

    Returns the number after the last stroke that it has told.
    """
    goal = last if kill_after_s is None else last + 10**6  # what is killed always had more to paint
    command = [sys.executable, __file__, "--child", str(folder), str(first), str(goal)]
    told = first
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().isdigit():
                told = int(line) + 1
            if kill_after_s is not None and told >= last:
                time.sleep(kill_after_s)
                process.kill()
                kill_after_s = None
    return told


class Truth:
    """The labels after the first n strokes, painted without any of the program's edits and files."""

    def __init__(self) -> None:
        self._count = 0
        self._labels = np.full(IMAGE_HW, 255, np.uint8)

    def labels_after(self, strokes: int) -> list[np.ndarray]:
        """uint8 [H, W] after `strokes` - UNDOS strokes (0 at least), and so on until after `strokes`."""
        self._paint_until(max(self._count, strokes - UNDOS))
        if strokes < self._count:
            raise ValueError("asked for labels of long ago")
        steps = [self._labels.copy()]
        for number in range(self._count, strokes):
            steps.append(_painted(steps[-1].copy(), number))
        return steps

    def _paint_until(self, strokes: int) -> None:
        for number in range(self._count, strokes):
            _painted(self._labels, number)
        self._count = strokes


def _painted(labels: np.ndarray, number: int) -> np.ndarray:
    class_id, pieces = make_stroke(number)
    for box, mask in pieces:
        labels[box.slices][mask] = class_id
    return labels


def count_strokes(folder: Path, told: int, truth: Truth) -> tuple[int, bool]:
    """How many strokes a new process finds, and whether they are whole and can be undone one by one.

    One more than told may be there: its pointer-up was done, but the kill came before it was told.
    """
    session, _dispatcher = open_session(folder)
    document = session.document
    assert document is not None
    labels = document.label_map.labels
    found, whole = told, True
    steps = truth.labels_after(told)
    if not np.array_equal(labels, steps[-1]):
        more = _painted(steps[-1].copy(), told)
        if not np.array_equal(labels, more):
            session.close()
            return -1, False
        steps.append(more)
        found = told + 1
    # A stroke over its own colour changes nothing and is no edit.
    steps = [steps[0], *(after for before, after in pairwise(steps) if not np.array_equal(before, after))]
    for earlier in reversed(steps[:-1]):
        session.editing.undo()
        whole = whole and np.array_equal(labels, earlier)
    for _ in steps[:-1]:
        session.editing.redo()
    whole = whole and np.array_equal(labels, steps[-1])
    session.close()
    return found, whole


def kill_often(folder: Path, strokes: int, kills: int) -> dict[str, Any]:
    """Paint about `strokes` strokes in `kills` processes that are killed and a last one that may end."""
    source, truth = random.Random(0), Truth()
    painted, broken = 0, 0
    goals = [*sorted(source.randrange(1, strokes) for _ in range(kills)), strokes]
    for number, goal in enumerate(goals, start=1):
        is_last = number > kills
        after_s = None if is_last else source.uniform(0, KILL_WITHIN_S)
        told = paint_and_kill(folder, painted, max(goal, painted + 1), after_s)
        found, whole = count_strokes(folder, told, truth)
        end = "closed" if is_last else f"kill {number}"
        print(f"{end}: {told} strokes told, {found if found >= 0 else 'others'} found", flush=True)
        broken += not whole
        if found < 0:
            return {"strokes": told, "kills": number, "lost or changed": told}
        painted = found
    return {"strokes": painted, "kills": kills, "lost or changed": broken}


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    """A file system of its own at `place`; None where none can be mounted."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    may = os.name == "posix" and os.geteuid() == 0 and shutil.which("mount") is not None
    if not may or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def paint_on_full_disk(folder: Path, strokes: int) -> dict[str, Any]:
    """Half of `strokes` with room, then on a full disk, then room again; counts what a new start lacks."""
    session, dispatcher = open_session(folder)
    for number in range(strokes // 2):
        paint(session, number)
    dispatcher.run_until(lambda: session.editing.saved is Saved.ON_DISK, PATIENCE_S)
    ballast = fill_up(folder)
    number = strokes // 2
    refused_ms: list[float] = []
    while len(refused_ms) < REFUSED_STROKES:
        took_ms = paint(session, number)
        number += 1
        dispatcher.run_pending()
        if session.editing.saved is Saved.IN_MEMORY:
            refused_ms.append(took_ms)
    ballast.unlink()
    began = time.perf_counter()
    session.editing.catch_up()
    caught_up = dispatcher.run_until(lambda: session.editing.saved is Saved.ON_DISK, PATIENCE_S)
    caught_up_ms = (time.perf_counter() - began) * 1000
    found, whole = count_strokes(folder, number, Truth())  # `session` is still open: as after a kill
    session.close()
    lost = 0 if caught_up and whole and found == number else number
    return {"strokes": number, "refused": len(refused_ms), "pointer-up while refused": summarise(refused_ms),
            "milliseconds until all was on disk": caught_up_ms, "lost or changed": lost}  # fmt: skip


def make_image(folder: Path) -> Path:
    from PIL import Image

    photos = folder / "photos"
    photos.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (*IMAGE_HW, 3), np.uint8)
    Image.fromarray(noise).save(photos / "noise.png")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(Path(options.child[0]), int(options.child[1]), int(options.child[2]))
        return
    with tempfile.TemporaryDirectory(prefix="fcn-studio-bench-") as folder:
        times = measure_times(make_image(Path(folder, "times")), options.strokes)
        killed = kill_often(make_image(Path(folder, "kills")), options.strokes, options.kills)
        with small_disk(Path(folder, "small")) as disk:
            full = paint_on_full_disk(make_image(disk), min(options.strokes, 500)) if disk else None
    print(f"{'from pointer-up, ms':20}{'p50':>9}{'p99':>9}{'max':>9}")
    for name, row in times.items():
        print(f"{name:20}{row['p50']:9.2f}{row['p99']:9.2f}{row['max']:9.1f}")
    print(", ".join(f"{value} {name}" for name, value in killed.items()))
    if full is None:
        print("full disk: left out, no small file system can be mounted here (that needs root)")
    else:
        print(f"full disk: {full['refused']} of {full['strokes']} refused, {full['lost or changed']} lost")
    result = {"milliseconds": times, **killed, "full disk": full}
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    if killed["lost or changed"] or (full is not None and full["lost or changed"]):
        raise SystemExit("strokes were lost")


if __name__ == "__main__":
    main()
