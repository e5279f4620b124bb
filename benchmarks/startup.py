"""Process start to a visible window, and to the first overlay, beside labelme and napari.

`python benchmarks/startup.py --labelme ENV --napari ENV` on a display (without one: under Xvfb), where ENV is
a virtual environment that has the peer installed. Every program opens the same photograph. A window counts as
visible when the X server says so, for all three alike: it is asked every 5 ms over one connection, which is
no burden to the programs. The first overlay is told by ours itself.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHOTO = HERE.parent / "resources" / "samples" / "chelsea.jpg"
LIMIT_S = 60.0
POLL_S = 0.005
SMALLEST_WH = (500, 400)

OVERLAY_DRIVER = """
import json, os, sys, time
ticks = os.sysconf("SC_CLK_TCK")
start = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / ticks
def since_start():
    return float(open("/proc/uptime").read().split()[0]) - start
from pathlib import Path
from fcn_studio.ui.app import run
from PySide6.QtCore import QTimer
def on_start(app):
    def report():
        app.window.canvas.repaint()
        print(json.dumps({"overlay_s": since_start(), "torch": "torch" in sys.modules}), flush=True)
        app.window.close()
    app.session.events.prediction_changed.connect(lambda _id: QTimer.singleShot(0, report), check_nargs=False)
sys.exit(run([Path(sys.argv[1])], on_start=on_start))
"""


class Attributes(ctypes.Structure):
    """XWindowAttributes of Xlib.h."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("x", "y", "width", "height", "border_width", "depth")),
        ("visual", ctypes.c_void_p),
        ("root", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("kind", "bit_gravity", "win_gravity", "backing_store")),
        *((name, ctypes.c_ulong) for name in ("backing_planes", "backing_pixel")),
        ("save_under", ctypes.c_int),
        ("colormap", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("map_installed", "map_state")),
        *((name, ctypes.c_long) for name in ("all_events", "your_events", "not_propagated")),
        ("override_redirect", ctypes.c_int),
        ("screen", ctypes.c_void_p),
    )


class Screen:
    """One connection to the X server, asked for the main windows that can be seen."""

    VIEWABLE = 2

    def __init__(self) -> None:
        name = ctypes.util.find_library("X11")
        if name is None or "DISPLAY" not in os.environ:
            raise SystemExit("This needs an X display: run it under `xvfb-run -a`.")
        self._x = ctypes.CDLL(name)
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = ctypes.c_ulong
        # A window may go between two questions, which must not end this program.
        self._ignore = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
        self._x.XSetErrorHandler(self._ignore)
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(None))
        if not self._display:
            raise SystemExit(f"The display {os.environ['DISPLAY']} does not answer.")
        self._root = self._x.XDefaultRootWindow(self._display)

    def main_windows(self) -> set[int]:
        """Visible windows of the size of a main window; splash screens and tooltips are smaller."""
        root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
        children = ctypes.POINTER(ctypes.c_ulong)()
        refs = (ctypes.byref(value) for value in (root, parent, children, count))
        self._x.XQueryTree(self._display, ctypes.c_ulong(self._root), *refs)
        found = {window for window in children[: count.value] if self._is_main(window)}
        if children:
            self._x.XFree(children)
        return found

    def _is_main(self, window: int) -> bool:
        seen = Attributes()
        if not self._x.XGetWindowAttributes(self._display, ctypes.c_ulong(window), ctypes.byref(seen)):
            return False
        return (
            seen.map_state == self.VIEWABLE and seen.width >= SMALLEST_WH[0] and seen.height >= SMALLEST_WH[1]
        )


def find_window_s(screen: Screen, command: list[str], environment: dict[str, str]) -> float:
    """Seconds from starting `command` until its main window is visible; the program is then ended."""
    before = screen.main_windows()
    start = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while time.monotonic() - start < LIMIT_S:
            if screen.main_windows() - before:
                return time.monotonic() - start
            if process.poll() is not None:
                raise SystemExit(f"{command} ended with {process.returncode} before a window was there")
            time.sleep(POLL_S)
        raise SystemExit(f"{command} showed no window within {LIMIT_S:.0f} s")
    finally:
        process.kill()
        process.wait()
        while screen.main_windows() - before:
            time.sleep(POLL_S)


def find_overlay_s(environment: dict[str, str]) -> dict[str, float]:
    """Seconds from process start to the first overlay painted, as the program itself counts them."""
    command = [sys.executable, "-c", OVERLAY_DRIVER, str(PHOTO)]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    return json.loads(ran.stdout.strip().splitlines()[-1])


def summarise(name: str, seconds: list[float], ours_s: float | None) -> float:
    median = statistics.median(seconds)
    ratio = f"   ours / {name} = {ours_s / median:.2f}" if ours_s else ""
    print(f"{name:28} median {median:.2f} s   min {min(seconds):.2f}   max {max(seconds):.2f}{ratio}")
    return median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelme", type=Path, help="virtual environment with labelme")
    parser.add_argument("--napari", type=Path, help="virtual environment with napari")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if "DISPLAY" not in os.environ and shutil.which("xvfb-run"):
        os.execvp("xvfb-run", ["xvfb-run", "-a", sys.executable, *sys.argv])
    screen = Screen()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        own = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
        environment = {**os.environ, **own, "HOME": str(home)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
        commands = {"FCN Studio": [sys.executable, "-m", "fcn_studio", str(PHOTO)]}
        if options.labelme:
            commands["labelme"] = [str(options.labelme / "bin" / "labelme"), str(PHOTO)]
        if options.napari:
            commands["napari"] = [str(options.napari / "bin" / "napari"), str(PHOTO)]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(options.runs + 1):  # the first round warms the caches and is not counted
            for name, command in commands.items():
                seconds = find_window_s(screen, command, environment)
                if run:
                    times[name].append(seconds)
        ours_s = summarise("FCN Studio, window", times.pop("FCN Studio"), None)
        for name, seconds_of_peer in times.items():
            summarise(f"{name}, window", seconds_of_peer, ours_s)
        find_overlay_s(environment)
        overlays = [find_overlay_s(environment) for _ in range(options.runs)]
        summarise("FCN Studio, first overlay", [run["overlay_s"] for run in overlays], None)
        print("torch imported before the first overlay:", any(run["torch"] for run in overlays))


if __name__ == "__main__":
    main()
