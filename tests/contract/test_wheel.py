"""A wheel built from this checkout holds the program and finds its own resources."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contract.test_light_import import ROOT, run_python

pytest.importorskip("hatchling", reason="building a wheel needs the development dependencies")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    finished = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_resource_and_every_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "fcn_studio").rglob("*.py")}
    resources = {
        f"fcn_studio/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "resources").rglob("*")
        if path.is_file()
    }
    assert resources
    assert modules | resources <= names
    others = {name for name in names if not name.startswith("fcn_studio/")}
    assert all(".dist-info/" in name for name in others)
    assert any(name.endswith("licenses/LICENSE") for name in others)


def test_an_installed_wheel_finds_its_resources_inside_itself(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    source = (
        "from fcn_studio.core.resources import resource_path; print(resource_path('samples', 'classes.json'))"
    )
    found = Path(run_python(source, path=site, cwd=tmp_path).strip())
    assert found == site / "fcn_studio" / "resources" / "samples" / "classes.json"
