"""Small projects on disk, and a person who paints in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.box import Box
from fcn_studio.core.classes import ClassTable
from fcn_studio.core.edit import make_edit
from fcn_studio.core.label_map import LabelMap, Provenance
from fcn_studio.project import Journal, LoadedLabels, Project, load_document, open_project

HW = (24, 32)
CLASSES = ClassTable.from_keys(["background", "cat", "dog", "horse"])


@pytest.fixture(autouse=True)
def _config_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


def write_image(path: Path, hw: tuple[int, int] = HW, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*hw, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("a.png", "b.png", "c.png"):
        write_image(folder / name)
    return folder


@pytest.fixture
def open_photos(photos: Path) -> Callable[[], Project]:
    def open_again() -> Project:
        project = open_project([photos])
        if not project.classes.classes:
            project.set_classes(CLASSES)
        return project

    return open_again


class Painter:
    """One open image and someone who paints boxes on it, undoes and redoes; as the session does it."""

    def __init__(self, project: Project, image_id: str) -> None:
        self.project = project
        self.image_id = image_id
        self.loaded: LoadedLabels = load_document(project, image_id)
        self.journal: Journal = project.make_journal(image_id, self.loaded)

    @property
    def label_map(self) -> LabelMap:
        return self.loaded.label_map

    @property
    def planes(self) -> tuple[bytes, bytes]:
        return self.label_map.labels.tobytes(), self.label_map.provenance.tobytes()

    def paint(
        self, box: Box, class_id: int, provenance: int = Provenance.PAINTED, name: str = "Brush"
    ) -> bool:
        """Fill a box; False when that changes nothing."""
        box = box.clip(self.label_map.shape_hw)
        kind = Provenance.NONE if class_id == 255 else provenance
        full = np.full(box.shape_hw, class_id, np.uint8), np.full(box.shape_hw, kind, np.uint8)
        edit = None if box.is_empty else make_edit("Brush", self.label_map, box, *full)
        if edit is None:
            return False
        edit.apply(self.label_map)
        self.loaded.history.push(edit)
        self.journal.append_edit(edit)
        self.project.note_labelled(self.image_id)
        return True

    def undo(self) -> bool:
        if self.loaded.history.undo(self.label_map) is None:
            return False
        self.journal.append_undo()
        return True

    def redo(self) -> bool:
        if self.loaded.history.redo(self.label_map) is None:
            return False
        self.journal.append_redo()
        return True

    def save(self) -> None:
        self.project.save_labels(
            self.image_id, self.label_map, self.journal.last_seq, self.journal.journal_id
        )

    def close(self) -> None:
        assert self.journal.close()


@pytest.fixture
def painters() -> Iterator[Callable[[Project, str], Painter]]:
    made: list[Painter] = []

    def make(project: Project, image_id: str) -> Painter:
        made.append(Painter(project, image_id))
        return made[-1]

    yield make
    for painter in made:
        painter.journal.close()


def journal_of(project, image_id="a.png") -> Path:
    return project.place_of(image_id).journal


def fresh(tmp: Path) -> Painter:
    write_image(tmp / "photos" / "a.png")
    project = open_project([tmp / "photos"])
    project.set_classes(CLASSES)
    project.save()
    return Painter(project, "a.png")


def reopen(painter: Painter) -> Painter:
    painter.journal.close()
    return Painter(open_project([painter.project.root]), painter.image_id)


def paint_story(painter: Painter, chance: random.Random, count: int) -> list[tuple[bytes, bytes]]:
    """Strokes, undos and redos; the planes after each journal frame."""
    states = [painter.planes]
    while len(states) <= count:
        kind = chance.random()
        y, x = chance.randrange(20), chance.randrange(28)
        if kind < 0.7:
            changed = painter.paint(Box(y, x, y + 5, x + 6), chance.randrange(4), chance.choice([1, 2]))
        else:
            changed = painter.undo() if kind < 0.88 else painter.redo()
        if changed:
            states.append(painter.planes)
    return states
