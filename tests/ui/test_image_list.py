"""The image list: which image it says is open, and what it says of those that cannot be."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from fcn_studio.ui.app import App
from fcn_studio.ui.panels.image_list import NARROWEST_PX
from fcn_studio.ui.panels.image_rows import ID_ROLE, STATE_GLYPHS, STATE_ROLE
from tests.ui.window_kit import WAIT_MS, key, wait_for_image


@pytest.fixture
def with_a_broken_one(app: App, tmp_path: Path, qtbot) -> App:
    """Three images, the second of which is cut off; the first is open."""
    folder = tmp_path / "three"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(np.full((24, 32, 3), 90, np.uint8)).save(folder / name)
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:40])
    app.open([folder])
    wait_for_image(app, qtbot, "a.png")
    return app


def chosen_id(app: App) -> str:
    return app.window.images.view.currentIndex().data(ID_ROLE)


def state_of(app: App, image_id: str) -> str:
    rows = app.window.images.rows
    return rows.index(rows.row_of(image_id)).data(STATE_ROLE)


def test_the_list_shows_the_image_that_is_on_the_canvas_when_another_cannot_be_opened(
    with_a_broken_one: App, qtbot
) -> None:
    app = with_a_broken_one
    rows = app.window.images.rows
    key(app, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: bool(app.window.notices.chips), timeout=WAIT_MS)
    assert state_of(app, "b.png") == "unreadable"
    assert app.window.canvas.document.image_id == "a.png"
    assert chosen_id(app) == "a.png"
    index = rows.index(rows.row_of("b.png"))
    assert index.data(Qt.ItemDataRole.ToolTipRole) == app.window.notices.chips[0].text.text()
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "b.png, unreadable"
    key(app, Qt.Key.Key_D)  # goes on behind the broken one
    wait_for_image(app, qtbot, "c.png")
    assert chosen_id(app) == "c.png"


def test_an_image_that_was_mended_loses_its_mark(with_a_broken_one: App, tmp_path: Path, qtbot) -> None:
    app = with_a_broken_one
    app.session.images.open("b.png")
    qtbot.waitUntil(lambda: bool(app.window.notices.chips), timeout=WAIT_MS)
    assert state_of(app, "b.png") == "unreadable"
    shutil.copy(tmp_path / "three" / "a.png", tmp_path / "three" / "b.png")
    app.session.images.open("b.png")
    wait_for_image(app, qtbot, "b.png")
    assert state_of(app, "b.png") == "unlabelled"
    assert chosen_id(app) == "b.png"


def test_an_image_whose_thumbnail_failed_is_marked_before_it_is_opened(
    with_a_broken_one: App, tmp_path: Path, qtbot
) -> None:
    app = with_a_broken_one
    qtbot.waitUntil(lambda: state_of(app, "b.png") == "unreadable", timeout=WAIT_MS)
    rows = app.window.images.rows
    tip = rows.index(rows.row_of("b.png")).data(Qt.ItemDataRole.ToolTipRole)
    assert "is not an image that can be read" in tip
    assert [state_of(app, name) for name in ("a.png", "c.png")] == ["unlabelled"] * 2
    assert not app.window.notices.chips  # nobody asked for it
    shutil.copy(tmp_path / "three" / "a.png", tmp_path / "three" / "b.png")
    app.session.images.open("b.png")
    wait_for_image(app, qtbot, "b.png")
    assert state_of(app, "b.png") == "unlabelled"


def test_the_filter_finds_names_as_a_mac_writes_them(app: App, tmp_path: Path, qtbot) -> None:
    folder = tmp_path / "mac"
    folder.mkdir()
    for name in ("Blüte.png", "Blatt.png"):
        image = Image.fromarray(np.full((24, 32, 3), 90, np.uint8))
        image.save(folder / unicodedata.normalize("NFD", name))
    app.open([folder])
    wait_for_image(app, qtbot)
    app.window.images.filter.setText(unicodedata.normalize("NFC", "BLÜTE"))
    assert app.window.images.shown.rowCount() == 1


def test_the_word_that_no_image_is_found_comes_and_goes_with_their_states(
    with_a_broken_one: App, qtbot
) -> None:
    panel, session = with_a_broken_one.window.images, with_a_broken_one.session
    panel.filter.setText("reviewed")
    assert panel.nothing.isVisible()
    session.mark_reviewed(True)
    qtbot.waitUntil(lambda: panel.shown.rowCount() == 1, timeout=WAIT_MS)
    assert not panel.nothing.isVisible()
    session.mark_reviewed(False)
    qtbot.waitUntil(lambda: panel.shown.rowCount() == 0, timeout=WAIT_MS)
    assert panel.nothing.isVisible()


def test_the_words_for_a_state_fit_into_the_narrowest_list(app: App) -> None:
    around_px = 20 + 6 + 76 + 10 + 2 + 18 + 12  # margins, thumbnail, sign, scroll bar
    metrics = QFontMetrics(app.window.images.view.font())
    assert max(map(metrics.horizontalAdvance, STATE_GLYPHS)) <= NARROWEST_PX - around_px
