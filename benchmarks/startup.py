"""Process start to a visible window, and to the first overlay, beside labelme and napari.

Run under a display (or Xvfb): `xvfb-run -a python benchmarks/startup.py --labelme ENV --napari ENV`, where
ENV is a virtual environment that has the peer installed. Every program opens the same photograph. A window
counts as visible when the X server says so (xdotool), for all three alike; the first overlay is told by ours
itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHOTO = HERE.parent / "resources" / "samples" / "chelsea.jpg"
LIMIT_S = 60.0

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


def find_window_s(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from starting `command` until one of its windows is visible; the program is then ended."""
    before = set(visible_windows())
    start = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while time.monotonic() - start < LIMIT_S:
            if set(visible_windows()) - before:
                return time.monotonic() - start
            if process.poll() is not None:
                raise SystemExit(f"{command} ended with {process.returncode} before a window was there")
        raise SystemExit(f"{command} showed no window within {LIMIT_S:.0f} s")
    finally:
        process.kill()
        process.wait()
        time.sleep(0.3)


def visible_windows() -> list[str]:
    """Ids of visible windows of a real size; tooltips and helper windows of toolkits are smaller."""
    search = ["xdotool", "search", "--onlyvisible", "--name", ".+"]
    found = subprocess.run(search, capture_output=True, text=True, check=False)
    return found.stdout.split()


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
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        own = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
        environment = {**os.environ, **own, "HOME": str(home)}
        commands = {"FCN Studio": [sys.executable, "-m", "fcn_studio", str(PHOTO)]}
        if options.labelme:
            commands["labelme"] = [str(options.labelme / "bin" / "labelme"), str(PHOTO)]
        if options.napari:
            commands["napari"] = [str(options.napari / "bin" / "napari"), str(PHOTO)]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(options.runs + 1):  # the first round warms the caches and is not counted
            for name, command in commands.items():
                seconds = find_window_s(command, environment)
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
