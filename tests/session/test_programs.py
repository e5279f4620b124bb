"""`fcn_studio.open_project`: the session for programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fcn_studio
from fcn_studio.core.box import Box
from fcn_studio.core.errors import FcnStudioError, ProjectError


@pytest.fixture(autouse=True)
def _places_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_a_program_opens_predicts_labels_and_closes(photos: Path) -> None:
    with fcn_studio.open_project(photos) as session:
        session.open_image("b.png")
        assert session.document.prediction.channels.shape == (72, 64)
        session.classes.use_own_classes(["cat"])
        session.editing.begin_stroke("by a program")
        session.editing.paint(Box(0, 0, 10, 10), np.ones((10, 10), bool), 1)
        session.editing.finish_stroke()
    with fcn_studio.open_project(str(photos / "b.png")) as session:
        session.open_image("b.png")
        assert (session.document.label_map.labels[:10, :10] == 1).all()
        assert session.editing.undo_name == "by a program"


def test_errors_are_raised_and_nothing_is_left(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="nowhere"):
        fcn_studio.open_project(tmp_path / "nowhere")
    (photos / "b.png").write_bytes(b"broken")
    with fcn_studio.open_project(photos) as session, pytest.raises(FcnStudioError, match=r"b\.png"):
        session.open_image("b.png")


def test_waiting_in_vain_ends(photos: Path) -> None:
    with fcn_studio.open_project(photos) as session, pytest.raises(TimeoutError):
        session.wait_until(lambda: False, timeout_s=0.2)
