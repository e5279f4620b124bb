"""Paints through the session, without window and networks, until it is killed: `painter.py HOME SEED`.

Prints the image's state after every call that has returned, and whether that was a stroke.
"""

from __future__ import annotations

import random
import sys
import zlib
from pathlib import Path

import numpy as np

from fcn_studio.core.box import Box
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.core.settings import Settings
from fcn_studio.session import Session

PATIENCE_S = 30.0


def main(home: Path, seed: int) -> None:
    queue, chance = QueueDispatcher(), random.Random(seed)
    session = Session(queue, Settings(), settings_path=None, cache_dir=home / "cache", data_dir=home / "data")
    session.events.notice.connect(lambda notice: print(notice.text, file=sys.stderr, flush=True))
    session._workers.device.close()  # no network answers: nothing heavy is imported
    session.open([home / "photos"])
    assert queue.run_until(lambda: session.document is not None, PATIENCE_S)
    if session.classes.is_preview:
        session.classes.use_own_classes(["cat", "dog"])
    while True:
        step(session, queue, chance)
        queue.run_pending()


def step(session: Session, queue: QueueDispatcher, chance: random.Random) -> None:
    """A stroke of several dabs; now and then undo, redo, a save or another image."""
    editing, kind = session.editing, chance.random()
    if kind < 0.06:
        other = "b.png" if session.document.image_id == "a.png" else "a.png"
        session.images.open(other)
        assert queue.run_until(lambda: session.document.image_id == other, PATIENCE_S)
    elif kind < 0.1:
        editing.save_now()
    elif kind < 0.16:
        editing.undo()
    elif kind < 0.2:
        editing.redo()
    else:
        editing.begin_stroke("Paint")
        class_id = chance.choice([0, 1, 2, 255])
        for _ in range(chance.randint(1, 6)):
            y, x, r = chance.randrange(64), chance.randrange(80), chance.randint(2, 12)
            editing.paint(Box(y - r, x - r, y + r, x + r), np.ones((2 * r, 2 * r), bool), class_id)
        editing.finish_stroke()
    planes = session.document.label_map
    state = zlib.crc32(planes.labels.tobytes() + planes.provenance.tobytes())
    print(session.document.image_id, state, int(kind >= 0.2), flush=True)


if __name__ == "__main__":
    assert "torch" not in sys.modules
    main(Path(sys.argv[1]), int(sys.argv[2]))
