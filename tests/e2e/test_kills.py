"""Over 500 strokes through the session, its process killed at 20 random moments: nothing finished is lost."""

from __future__ import annotations

import random
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.label_map import LabelMap
from fcn_studio.project import LoadedLabels, load_document, open_project

PAINTER = Path(__file__).with_name("painter.py")
KILLS, STROKES = 20, 500

pytestmark = pytest.mark.e2e


def state_of(label_map: LabelMap) -> int:
    return zlib.crc32(label_map.labels.tobytes() + label_map.provenance.tobytes())


def is_state_or_one_later(seen: LoadedLabels, said: int) -> bool:
    """Whether the image is as was said, or one change later (finished, and killed before that was said)."""
    if state_of(seen.label_map) == said:
        return True
    for there, back in ((seen.history.undo, seen.history.redo), (seen.history.redo, seen.history.undo)):
        if there(seen.label_map) is not None:
            was = state_of(seen.label_map)
            back(seen.label_map)
            if was == said:
                return True
    return False


def paint_and_kill(process: subprocess.Popen[str], chance: random.Random) -> list[tuple[str, int, bool]]:
    """What the process said until it was killed, in the middle of whatever it did then."""
    assert process.stdout is not None
    said = []
    for _ in range(chance.randint(30, 50)):
        said.append(process.stdout.readline())
    time.sleep(chance.random() * 0.01)
    process.kill()
    said += process.stdout.readlines()
    process.wait()
    assert process.stderr is not None
    assert process.stderr.read() == ""  # no stroke was refused
    words = [line.split() for line in said if line.endswith("\n")]
    return [(image_id, int(state), stroke == "1") for image_id, state, stroke in words]


def test_five_hundred_strokes_and_twenty_kills_lose_nothing_finished(
    spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((64, 80, 3), np.uint8)).save(tmp_path / "photos" / name)
    chance, strokes = random.Random(9), 0
    last: dict[str, int] = {}
    for kill in range(KILLS):
        for image_id, state, is_stroke in paint_and_kill(spawn(PAINTER, tmp_path, kill), chance):
            last[image_id] = state
            strokes += is_stroke
        project = open_project([tmp_path / "photos"])
        for image_id, said in last.items():
            seen = load_document(project, image_id)
            assert is_state_or_one_later(seen, said), f"{image_id} after kill {kill}"
            assert not [text for text in seen.notices if "damaged" not in text]
            last[image_id] = state_of(seen.label_map)
    assert strokes >= STROKES
    for image_id in last:
        seen = load_document(project, image_id)
        while seen.history.undo(seen.label_map) is not None:
            pass
        assert seen.label_map.is_empty
