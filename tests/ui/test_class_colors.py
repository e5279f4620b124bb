"""The class panel says when classes that touch look alike, and mends it with one button."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtTest import QTest

from fcn_studio.core.box import Box
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS, wait_for_image


@pytest.fixture
def alike(app: App, photos: Path, qtbot) -> App:
    """Cat and dog painted side by side in colours that green-blind eyes cannot tell apart."""
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    app.session.classes.set_colors({1: (200, 30, 30), 2: (90, 85, 0)})
    labels = app.session.document.label_map.shape_hw
    half = labels[1] // 2
    for x, class_id in ((0, 1), (half, 2)):
        box = Box(0, x, labels[0], x + half)
        app.session.editing.begin_stroke("Paint")
        app.session.editing.paint(box, np.ones(box.shape_hw, bool), class_id)
        app.session.editing.finish_stroke()
    return app


def test_a_clash_is_told_and_mended_with_one_button(alike: App, qtbot) -> None:
    warning = alike.window.classes.colors
    assert not warning.isVisible(), "not while somebody paints"
    qtbot.waitUntil(warning.isVisible, timeout=WAIT_MS)
    assert "cat and dog touch" in warning.text.text()
    warning.mend.click()
    qtbot.waitUntil(lambda: not warning.isVisible(), timeout=WAIT_MS)
    assert alike.session.coloring.clashes == ()
    assert "New colours" in alike.window.notices.chips[-1].text.text()


def test_a_warning_can_be_waved_off(alike: App, qtbot) -> None:
    warning = alike.window.classes.colors
    qtbot.waitUntil(warning.isVisible, timeout=WAIT_MS)
    before = [entry.color for entry in alike.session.classes.table]
    warning._on_waved_off()
    alike.session.coloring.request_check()
    QTest.qWait(60)
    assert not warning.isVisible()
    assert [entry.color for entry in alike.session.classes.table] == before
