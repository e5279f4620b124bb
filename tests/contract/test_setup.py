"""`make setup` notices what changed, goes on after an interruption, and says what is in its way."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/setup.py, working on a copy of pyproject.toml in an empty checkout."""
    spec = importlib.util.spec_from_file_location("setup_under_test", ROOT / "tools" / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "fcn_studio").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "OWN", tmp_path / ".venv")
    return module


def run_shell(*, python: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python}
    command = ["sh", str(ROOT / "tools" / "setup.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_the_key_changes_with_the_needs_and_not_with_the_rules_of_the_linter(setup: ModuleType) -> None:
    pyproject, key = setup.ROOT / "pyproject.toml", setup.make_key()
    text = pyproject.read_text()
    pyproject.write_text(text.replace("line-length = 110", "line-length = 111"))
    assert setup.make_key() == key
    pyproject.write_text(text.replace('"rich>=', '"richer>='))
    assert setup.make_key() != key


def test_nothing_is_ready_without_the_stamp_or_with_that_of_other_needs(setup: ModuleType) -> None:
    stamp = setup.stamp_path(given=True)
    assert not setup.is_ready(stamp)
    stamp.write_text("of another time")
    assert not setup.is_ready(stamp)


def test_an_environment_whose_program_lies_elsewhere_is_not_ready(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "MUST_BE_FOUND", ())
    stamp = setup.stamp_path(given=True)
    stamp.write_text(setup.make_key())
    assert not setup.is_ready(stamp)  # this test's fcn_studio is that of the checkout, not of the copy
    monkeypatch.setattr(setup, "ROOT", ROOT)
    stamp.write_text(setup.make_key())
    assert importlib.util.find_spec("fcn_studio")
    assert setup.is_ready(stamp)


def test_what_pip_left_half_installed_is_installed_again(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole, half = tmp_path / "numpy-2.0.dist-info", tmp_path / "torch-2.9.dist-info"
    for folder in (whole, half):
        folder.mkdir()
        (folder / "METADATA").write_text("")
    (whole / "RECORD").write_text("")
    monkeypatch.setattr(setup.sysconfig, "get_path", lambda name: str(tmp_path))
    setup.forget_half_installed()
    assert whole.exists()
    assert not half.exists()


def test_torch_that_is_there_is_kept_at_its_version(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def pip(*arguments: str) -> int:
        calls.append((arguments, Path(arguments[arguments.index("--constraint") + 1]).read_text()))
        return 0

    monkeypatch.setattr(setup, "pip", pip)
    versions = {"torch": "2.9.1+cpu", "torchvision": "0.24.1+cpu"}
    monkeypatch.setattr(setup, "version_of", versions.get)
    assert setup.install()
    ((arguments, constraints),) = calls
    assert "--editable" in arguments
    assert constraints == "torch==2.9.1+cpu\ntorchvision==0.24.1+cpu\n"

    calls.clear()
    monkeypatch.setattr(setup, "version_of", lambda name: None)
    assert setup.install()
    together = [need for need in calls[0][0] if need.startswith("torch")]
    assert len(together) == 2  # in one step, so that they fit each other
    assert "--editable" in calls[1][0]


def test_a_foreign_torch_without_its_torchvision_is_not_given_a_wrong_one(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "version_of", {"torch": "2.9.1+cpu"}.get)
    with pytest.raises(SystemExit, match="Install the torchvision that belongs to it"):
        setup.install()


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of the system are checked on Linux")
def test_missing_libraries_are_named_as_one_line_to_type(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SKIP_SYSTEM_CHECK", raising=False)
    monkeypatch.setattr(setup, "LIBRARIES", {"libc.so.6": "libc6", "libnothing.so.7": "libnothing7"})
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit):
        setup.check_system()
    line = capsys.readouterr().out.splitlines()[-1]
    assert "libnothing7" in line
    assert "libc6" not in line


def test_a_python_that_cannot_be_run_is_named() -> None:
    finished = run_shell(python="/nowhere/python")
    assert finished.returncode == 1
    assert "/nowhere/python" in finished.stderr


def test_the_makefile_has_the_targets_that_the_readme_promises() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for target in ("setup", "run", "test", "lint", "bench"):
        command = ["make", "--dry-run", target]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert finished.returncode == 0, finished.stderr
        assert "tools/setup.sh" in finished.stdout  # each one is all a newcomer has to type
