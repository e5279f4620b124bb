"""`make setup`: an environment in which FCN Studio runs, is tested and linted. Standard library only.

Runs in the environment's own Python; from any other it makes `.venv` first. A stamp, written last, lets the
next call return at once; without it every step looks at what is there, so that an interrupted setup goes on.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before tomllib is missed
    sys.exit(f"setup: {sys.executable} is Python {sys.version.split()[0]}; FCN Studio needs 3.11 or newer.")

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / ".venv"
MUST_BE_FOUND = ("torch", "torchvision", "timm", "PySide6", "openvino", "fcn_studio", "pytest", "ruff")
MUST_IMPORT = "import torch, torchvision, numpy, scipy, PIL, openvino, PySide6.QtWidgets, pytest, fcn_studio"
ANEW = "FCN_STUDIO_SETUP_ANEW"  # set while .venv is made for the second time
LIBRARIES = {  # what Qt loads from the system, and the Debian package that holds it
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "fontconfig",
    # these only for a window under X11; small, and their absence is hard to understand later
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def stamp_path(given: bool) -> Path:
    return ROOT / ".setup-stamp" if given else OWN / "setup-stamp"


def make_key() -> str:
    """Changes when there may be something to do: other needs, another Python, another place."""
    project = read_project()
    needs = json.dumps([project["build-system"], project["project"]], sort_keys=True)
    parts = (needs, Path(__file__).read_text(encoding="utf-8"), sys.version, sys.executable, str(ROOT))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_ready(stamp: Path) -> bool:
    if not stamp.exists() or stamp.read_text() != make_key():
        return False
    if any(importlib.util.find_spec(name) is None for name in MUST_BE_FOUND):
        return False
    found = importlib.util.find_spec("fcn_studio")
    return bool(found and found.origin and Path(found.origin).is_relative_to(ROOT))


# --- the system ------------------------------------------------------------------------------------------


def find_missing_packages() -> list[str]:
    """Debian packages for what Qt needs and the system lacks; [] where it is not Linux."""
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    fonts = subprocess.run(["fc-list"], capture_output=True) if shutil.which("fc-list") else None
    if fonts is None:
        missing.append("fontconfig")
    if fonts is None or not fonts.stdout.strip():
        missing.append("fonts-dejavu-core")
    return sorted(set(missing))


def install_packages(names: list[str]) -> None:
    say("installing " + " ".join(names))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-y", "-q", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    finish_interrupted = ["dpkg", "--configure", "-a"]
    for command in (finish_interrupted, [*apt, "update"], [*apt, "install", *names]):
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            print(done.stdout)


def check_system() -> None:
    """Install what is missing where that is allowed, else say the one line to type and end."""
    if sys.platform != "linux" or os.environ.get("SKIP_SYSTEM_CHECK"):
        return
    missing = find_missing_packages()
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install_packages(missing)
        missing = find_missing_packages()
    if missing:
        say("the window needs libraries or fonts that are not here. Type this line, then run make again:")
        tool = "sudo apt-get install" if shutil.which("apt-get") else "install with your package manager:"
        print(f"    {tool} {' '.join(missing)}")
        sys.exit("setup: stopped (SKIP_SYSTEM_CHECK=1 goes on without).")


# --- the environment -------------------------------------------------------------------------------------


def make_own_environment() -> None:
    """A fresh .venv, in place of a broken one."""
    say(f"making .venv with Python {sys.version.split()[0]}")
    base = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([base, "-m", "venv", "--clear", str(OWN)]).returncode:
        sys.exit("setup: .venv could not be made (see above).")


def pip(*arguments: str) -> int:
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, *quiet]
    return subprocess.run(command, cwd=ROOT).returncode


def forget_half_installed() -> None:
    """pip writes RECORD last and takes a package without it for installed: make it install that again."""
    for info in Path(sysconfig.get_path("purelib")).glob("*.dist-info"):
        if not (info / "RECORD").exists():
            shutil.rmtree(info)


def version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def install() -> bool:
    """torch and torchvision in one step unless they are there, then the project; what is there is kept."""
    versions = {name: version_of(name) for name in ("torch", "torchvision")}
    if "+" in (versions["torch"] or "") and versions["torchvision"] is None:
        sys.exit(
            f"setup: torch {versions['torch']} is installed without torchvision. "
            "Install the torchvision that belongs to it from where you got torch, then run make again."
        )
    kept = [f"{name}=={version}" for name, version in versions.items() if version]
    if kept:
        say("keeping " + ", ".join(kept))
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(kept) + "\n")
        return install_within(constraints, torch_is_missing=None in versions.values())


def install_within(constraints: Path, *, torch_is_missing: bool) -> bool:
    pinned = ("--constraint", str(constraints))
    if torch_is_missing:
        say("installing torch and torchvision (on Linux with CUDA, about 5 GB: one to five minutes)")
        wanted = [need for need in read_project()["project"]["dependencies"] if need.startswith("torch")]
        if pip("install", *pinned, *wanted):
            return False
    say("installing FCN Studio and what it needs")
    return pip("install", *pinned, "--editable", ".[dev]") == 0


def imports() -> bool:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-I", "-W", "ignore", "-c", MUST_IMPORT]
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    if checked.returncode:
        say(checked.stderr.strip().splitlines()[-1])
    return checked.returncode == 0


def set_up(given: bool) -> None:
    stamp = stamp_path(given)
    stamp.unlink(missing_ok=True)
    if not given:
        forget_half_installed()
    if not install():
        sys.exit("setup: installing failed (see above). Running make again goes on from here.")
    if imports():
        stamp.write_text(make_key())
        say("ready")
    elif given or ANEW in os.environ:
        sys.exit(f"setup: what was installed into {sys.prefix} does not work (see above).")
    else:
        say("this .venv cannot be mended, it is made anew")
        shutil.rmtree(OWN)
        os.environ[ANEW] = "1"
        os.execv("/bin/sh", ["sh", str(ROOT / "tools" / "setup.sh")])


def refuse_system_python() -> None:
    marker = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and marker.exists():
        sys.exit(
            f"setup: {sys.executable} belongs to the operating system, nothing may be installed into it. "
            "Leave PYTHON out, or give the python of an environment of your own."
        )


def is_usable_own() -> bool:
    """Whether this is .venv's Python, with a pip that runs."""
    if Path(sys.prefix).resolve() != OWN.resolve():
        return False
    command = [sys.executable, "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True).returncode == 0


def main() -> None:
    given = "--given" in sys.argv
    if is_ready(stamp_path(given)):
        return
    if given:
        refuse_system_python()
    with open(ROOT / "pyproject.toml") as lock:
        with contextlib.suppress(OSError):  # some network disks have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if is_ready(stamp_path(given)):
            return
        check_system()
        if given or is_usable_own():
            set_up(given)
        else:
            make_own_environment()
            own = str(OWN / "bin" / "python")
            os.execv(own, [own, __file__])  # gives the lock back; the next one takes it


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nsetup: interrupted; running make again goes on from here.")
