"""`fcn-studio` itself: help, version, what is a command and what a path, and the exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fcn_studio import __version__
from fcn_studio.cli.main import COMMANDS


@pytest.fixture
def run(tmp_path: Path):
    """Runs the real program as a person does, in a home of its own."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "home" / "config"),
        "XDG_DATA_HOME": str(tmp_path / "home" / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "home" / "cache"),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }

    def start(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fcn_studio", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path
        )

    return start


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command_and_imports_none(run, option: str) -> None:
    result = run(option)
    assert result.returncode == 0, result.stderr
    assert all(name in result.stdout for name in COMMANDS)
    assert "IMAGE | FOLDER | PROJECT" in result.stdout
    assert result.stderr == ""


def test_version(run) -> None:
    result = run("--version")
    assert (result.returncode, result.stdout.split()[-1]) == (0, __version__)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0, result.stderr
    assert f"fcn-studio {command}" in result.stdout


def test_wrong_usage_is_2(run) -> None:
    for arguments in (["predict"], ["predict", "--nonsense"], ["tour"], ["open", "--device", "abacus"]):
        result = run(*arguments)
        assert result.returncode == 2, (arguments, result.stderr)
        assert "Usage" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_path_that_does_not_exist_is_named_and_1(run, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / "grey.png")
    result = run("predict", tmp_path / "nowhere.jpg", tmp_path / "grey.png", "--out", tmp_path / "out")
    assert result.returncode == 1
    assert "nowhere.jpg" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out" / "grey.png").exists()  # the rest is done
    result = run("evaluate", tmp_path / "nowhere", "--model", tmp_path / "no.safetensors", "--split", "val")
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_done_is_0(run, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / "grey.png")
    result = run("predict", tmp_path / "grey.png", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr


def test_what_is_no_command_is_a_path_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    from fcn_studio.cli.main import cli

    def parsed(*arguments: str) -> list[str]:
        context = click.Context(cli, info_name="fcn-studio")
        cli.parse_args(context, list(arguments))
        return [*context._protected_args, *context.args]

    assert parsed() == ["open"]
    assert parsed("photo.jpg", "other.jpg") == ["open", "photo.jpg", "other.jpg"]
    assert parsed("--theme", "dark", "photos") == ["open", "--theme", "dark", "photos"]
    assert parsed("predict", "photo.jpg") == ["predict", "photo.jpg"]
    assert parsed("predictions") == ["open", "predictions"]


def test_a_slip_in_a_command_is_told_and_opens_no_window(run) -> None:
    result = run("predcit", "photos")
    assert result.returncode == 2
    assert "Did you mean 'predict'?" in result.stderr


@pytest.mark.parametrize("words", [["nonsense"], ["/no/such/folder"], ["open", "--theme", "dark", "a", "b"]])
def test_what_is_nowhere_opens_no_window(run, words: list[str]) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert f"There is no file or folder {', '.join(words[-2:] if len(words) > 1 else words)}" in result.stderr


def test_every_theme_of_the_window_can_be_asked_for() -> None:
    from fcn_studio.cli.open import open_window
    from fcn_studio.ui.theme import MODES

    option = next(option for option in open_window.params if option.name == "theme")
    assert tuple(option.type.choices) == MODES
