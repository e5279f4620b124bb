"""The import contracts hold, and each of them fails when it is broken on purpose."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Break:
    """One line too many: `module` (a path inside the package) imports what `contract` forbids."""

    contract: str
    module: str
    line: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.module}: {self.line}"


UPWARD = [
    ("core", "io"),
    ("core", "jobs"),
    ("io", "jobs"),
    ("jobs", "io"),
    ("io", "models"),
    ("models", "inference"),
    ("inference", "project"),
    ("inference", "training"),
    ("project", "training"),
    ("training", "project"),
    ("training", "session"),
    ("session", "ui"),
    ("ui", "cli"),
]
QT_FREE = ["core", "io", "jobs", "models", "inference", "training", "project", "session", "cli"]
BREAKS = [
    *(Break("floors", f"{low}/__init__.py", f"import fcn_studio.{high}") for low, high in UPWARD),
    Break("floors", "attic/__init__.py", "import json"),  # a room that no floor knows
    *(Break("qt", f"{room}/__init__.py", "import PySide6.QtCore") for room in QT_FREE),
    *(Break("qt", "session/__init__.py", f"import {name}") for name in ("pyqtgraph", "qtawesome")),
    *(
        Break("torch-free", f"{room}/__init__.py", "import torch")
        for room in ("core", "io", "jobs", "project")
    ),
    Break("torch-free", "project/__init__.py", "import fcn_studio.models.fcn"),  # torch through another room
    *(Break("torch-below", f"{room}/__init__.py", "import torchvision") for room in ("session", "ui", "cli")),
    *(
        Break("widgets", f"ui/{place}/__init__.py", f"import fcn_studio.{room}")
        for place in ("canvas", "panels")
        for room in ("inference", "training", "models")
    ),
]

# One process for all: starting Python and the linter costs more than checking.
DRIVER = r"""
import contextlib, io, json, sys
from pathlib import Path
from importlinter.cli import lint_imports

def check(contracts):
    words = io.StringIO()
    with contextlib.redirect_stdout(words):
        code = lint_imports("pyproject.toml", tuple(contracts), no_cache=True, no_logo=True)
    return code

answers = []
for contract, module, line in json.load(sys.stdin):
    path = Path("fcn_studio", module)
    old = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{old or ''}\n\ndef _broken():\n    {line}\n", encoding="utf-8")
    answers.append(check([contract]))
    if old is None:
        path.unlink()
        path.parent.rmdir()
    else:
        path.write_text(old, encoding="utf-8")
print(json.dumps({"broken": answers, "restored": check([])}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The linter's exit codes in a copy of the package: one a break, and one after all were taken back."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "fcn_studio", copy / "fcn_studio", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    finished = subprocess.run(
        [sys.executable, "-c", DRIVER],
        cwd=copy,
        input=json.dumps([(b.contract, b.module, b.line) for b in BREAKS]),
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "index", range(len(BREAKS)), ids=[f"{b.contract}: {b.module}: {b.line}" for b in BREAKS]
)
def test_a_contract_that_is_broken_on_purpose_fails(index: int, answers: dict[str, list[int]]) -> None:
    assert answers["broken"][index] == 1


def test_all_contracts_hold(answers: dict[str, object]) -> None:
    assert answers["restored"] == 0, "run `make lint` to see which import is one too many"


def test_every_contract_is_broken_at_least_once() -> None:
    contracts = re.findall(r'^id = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert len(contracts) >= 5
    assert {entry.contract for entry in BREAKS} == set(contracts)
