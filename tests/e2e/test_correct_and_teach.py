"""The main job with the real program: see, paint, be killed, find everything again, teach."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_studio.ui.tour import STROKES

SCRIPTS = Path(__file__).with_name("window_scripts.py")
Facts = dict[str, dict]

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def read_facts(lines: list[str]) -> Facts:
    return {fact["kind"]: fact for fact in map(json.loads, lines)}


def paint_and_kill(process: subprocess.Popen[str]) -> tuple[list[str], list[int]]:
    """Kill -9 the moment the process says that a stroke is half drawn; images seen, states after strokes."""
    assert process.stdout is not None
    images: list[str] = []
    states: list[int] = []
    for line in process.stdout:
        fact = json.loads(line)
        if fact["kind"] == "seen":
            images = fact["images"]
        elif fact["kind"] == "stroke":
            states.append(fact["crc"])
        elif fact["kind"] == "mid-stroke":
            assert fact["is_on_screen"]
            process.kill()
            break
    process.wait()
    return images, states


@pytest.mark.timeout(900)
def test_strokes_survive_a_kill_and_teach_the_network(
    spawn: Callable[..., subprocess.Popen[str]], photos: list[Path]
) -> None:
    images, states = paint_and_kill(spawn(SCRIPTS, "paint_until_killed", *photos))
    assert images == ["astronaut.jpg", "chelsea.jpg", "coffee.jpg"]
    assert len(states) == len(set(states)) == len(STROKES)
    second = spawn(SCRIPTS, "undo_and_teach", *photos)
    out, complaints = second.communicate(timeout=800)
    assert second.returncode == 0, complaints
    assert "Traceback" not in complaints
    facts = read_facts(out.splitlines())
    undone = facts["undone"]
    assert undone["states"][:-1] == states[::-1]  # each finished stroke, one by one; the half one is gone
    assert undone["is_empty"]
    assert not undone["can_undo"]
    assert facts["redone"]["crc"] == states[-1]
    before, after = facts["before"], facts["after"]
    assert after["phase"] == "done", after
    assert before["under"] < 0.5
    assert before["around"] < 0.5
    assert after["under"] >= 0.9
    assert after["around"] >= 0.75
    assert after["crc"] == states[-1]  # teaching changes no label
    assert list(photos[0].parent.with_name("photos.fcnstudio").glob("checkpoints/*.safetensors"))
