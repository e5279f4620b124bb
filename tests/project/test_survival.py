"""Real processes: killed at any moment, and on a disk that is full."""

from __future__ import annotations

import random
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.project import load_document, open_project

from .conftest import CLASSES, write_image

PAINTER = """
import random, sys, zlib, numpy as np
from pathlib import Path
from fcn_studio.core.box import Box
from fcn_studio.core.edit import make_edit
from fcn_studio.project import Journal, load_document, open_project

project = open_project([Path(sys.argv[1])])
loaded = load_document(project, "a.png")
journal = project.make_journal("a.png", loaded)
chance = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    y, x, kind = chance.randrange(60), chance.randrange(60), chance.random()
    label_map, history = loaded.label_map, loaded.history
    if kind < 0.75:
        box = Box(y, x, y + 20, x + 20).clip(label_map.shape_hw)
        value = chance.randrange(4)
        edit = make_edit("Brush", label_map, box, np.full(box.shape_hw, value, np.uint8),
                         np.full(box.shape_hw, 1, np.uint8))
        if edit is None:
            continue
        edit.apply(label_map); history.push(edit); journal.append_edit(edit)
    elif kind < 0.9:
        if history.undo(label_map) is None:
            continue
        journal.append_undo()
    elif kind < 0.95:
        if history.redo(label_map) is None:
            continue
        journal.append_redo()
    else:
        project.save_labels("a.png", label_map, journal.last_seq, journal.journal_id)
        continue
    # Said only after append returned: this much must never be lost.
    print(journal.last_seq, zlib.crc32(label_map.labels.tobytes()), flush=True)
"""


def test_twenty_kills_lose_no_finished_stroke(tmp_path: Path) -> None:
    write_image(tmp_path / "photos" / "a.png", (80, 80))
    project = open_project([tmp_path / "photos"])
    project.set_classes(CLASSES)
    project.save()
    chance = random.Random(7)
    total = 0
    for kill in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", PAINTER, str(tmp_path / "photos"), str(kill)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.12)
        process.kill()
        # The kill may cut the last line in the middle: only what ends with a line feed was said.
        said = [line.split() for line in process.stdout.read().split("\n")[:-1]]
        process.wait()
        process.stdout.close()
        seen = load_document(open_project([tmp_path / "photos"]), "a.png")
        total += len(said)
        assert not [n for n in seen.notices if "damaged" not in n]
        if said:
            # One more stroke may have been finished than was said before the kill.
            assert seen.seq - int(said[-1][0]) in (0, 1)
            if seen.seq == int(said[-1][0]):
                assert zlib.crc32(seen.label_map.labels.tobytes()) == int(said[-1][1])
        while seen.history.undo(seen.label_map):
            pass
        assert seen.label_map.is_empty
    assert total > 50


FULL_DISK = """
import resource, sys, numpy as np
from pathlib import Path
from fcn_studio.core.box import Box
from fcn_studio.core.edit import make_edit
from fcn_studio.core.errors import StorageError
from fcn_studio.project import load_document, open_project

project = open_project([Path(sys.argv[1])])
loaded = load_document(project, "a.png")
journal = project.make_journal("a.png", loaded)
noise = np.random.default_rng(0)

def paint():
    box = Box(0, 0, 80, 80)
    edit = make_edit("Brush", loaded.label_map, box, noise.integers(0, 4, (80, 80)).astype(np.uint8),
                     np.full((80, 80), 1, np.uint8))
    edit.apply(loaded.label_map); loaded.history.push(edit); journal.append_edit(edit)

paint()
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, resource.RLIM_INFINITY))
for number in range(2):
    try:
        paint()
        sys.exit("the disk was not full")
    except StorageError as error:
        assert "full" in str(error), error
    assert journal.path.stat().st_size == size
    assert journal.pending == number + 1
resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
try:
    project.save_labels("a.png", loaded.label_map, journal.last_seq, journal.journal_id)
    sys.exit("the disk was not full")
except StorageError as error:
    assert "full" in str(error), error
assert not list(journal.path.parent.parent.rglob("*.tmp"))
assert not journal.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.retry()
assert journal.close()
np.save(sys.argv[2], loaded.label_map.labels)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are Unix's")
def test_a_full_disk_keeps_strokes_pending_and_loses_none(tmp_path: Path) -> None:
    write_image(tmp_path / "photos" / "a.png", (80, 80))
    project = open_project([tmp_path / "photos"])
    project.set_classes(CLASSES)
    project.save()
    subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "photos"), str(tmp_path / "labels.npy")],
        check=True,
        timeout=60,
    )
    seen = load_document(project, "a.png")
    assert (seen.label_map.labels == np.load(tmp_path / "labels.npy")).all()
    assert seen.seq == 3
    assert seen.notices == ()
