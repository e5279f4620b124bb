"""What all panels share: names, cut texts, buttons and sliders."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from fcn_studio.ui.app import App
from fcn_studio.ui.panels.image_rows import fit_name
from fcn_studio.ui.panels.tool_options import LARGEST_PX, size_of_step, step_of_size
from tests.ui.window_kit import WAIT_MS


def test_a_name_that_is_cut_stands_whole_in_the_tooltip(previewed: App) -> None:
    combo = previewed.window.prediction.checkpoints
    combo.setItemText(0, "a network with quite a long name of forty letters")
    assert combo.full_tip().startswith("a network with quite a long name of forty letters\n")
    combo.setItemText(0, "short")
    assert combo.full_tip() == combo.toolTip()


def test_the_brush_slider_is_fine_below_and_coarse_above() -> None:
    sizes = [size_of_step(step) for step in range(101)]
    assert sizes[0] == 1
    assert sizes[-1] == LARGEST_PX
    assert sizes == sorted(sizes)
    assert all(abs(size_of_step(step_of_size(size)) - size) <= max(2, 0.12 * size) for size in range(1, 501))


def test_every_button_says_what_it_is_to_a_screen_reader(previewed: App) -> None:
    buttons = [b for b in previewed.window.findChildren(QToolButton) if b.isVisible()]
    assert buttons
    own = [b for b in buttons if b.objectName() not in ("qt_toolbar_ext_button", "qt_menubar_ext_button")]
    assert [b for b in own if not (b.accessibleName() or b.text())] == []
    assert [b for b in own if not b.toolTip()] == []


@pytest.mark.parametrize("size", [(880, 560), (1024, 640), (2560, 1440)])
def test_no_label_or_button_is_cut_at_any_window_size(previewed: App, size: tuple[int, int], qtbot) -> None:
    previewed.session.classes.use_model_classes()
    previewed.window.resize(*size)
    QTest.qWait(60)
    window = previewed.window
    for widget in (window.prediction.accept, window.prediction.review, window.training.start):
        assert widget.width() >= widget.minimumSizeHint().width(), widget.text()
    scrolled = previewed.window.teach_dock.widget().scrolled
    assert scrolled.widget().width() <= scrolled.viewport().width()
    start = window.training.start
    assert window.rect().contains(QRect(start.mapTo(window, QPoint(0, 0)), start.size()))


@pytest.mark.parametrize("size", [(880, 560), (1000, 700), (2560, 1440)])
def test_the_welcome_is_not_cut_at_any_window_size(app: App, size: tuple[int, int], qtbot) -> None:
    page = app.window.welcome
    app.window.resize(*size)
    qtbot.waitUntil(lambda: app.window.size().toTuple() == size, timeout=WAIT_MS)
    QTest.qWait(60)
    assert page.isVisible()
    for widget in (*page.buttons, *page.texts):
        assert widget.width() >= widget.sizeHint().width(), widget.text()
        assert page.rect().contains(QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())), widget.text()
    lefts = {button.x() for button in page.buttons}
    assert len(lefts) == (len(page.buttons) if size[0] > 2000 else 1)


def test_a_long_name_of_an_image_loses_its_suffix_before_its_middle(qapp) -> None:
    metrics = QFontMetrics(QApplication.font())
    name = "2007_000504.jpg"
    whole, stem = metrics.horizontalAdvance(name), metrics.horizontalAdvance("2007_000504")
    assert fit_name(name, metrics, whole) == name
    assert fit_name(name, metrics, whole - 1) == "2007_000504"
    short = fit_name(name, metrics, stem - 1)
    assert short.startswith("2")
    assert "…" in short
    assert short.endswith("4")


def test_action_buttons_follow_their_action(qtbot) -> None:
    from fcn_studio.ui.panels.prediction import ActionButton

    parent = QWidget()
    qtbot.addWidget(parent)
    action = QAction("Do it", parent)
    done: list[bool] = []
    action.triggered.connect(lambda: done.append(True))
    button = ActionButton(action)
    qtbot.addWidget(button)
    action.setEnabled(False)
    assert not button.isEnabled()
    action.setEnabled(True)
    action.setText("Do it again")
    button.click()
    assert done == [True]
    assert button.accessibleName() == "Do it again"
