"""The panel of the fine-tuning: why not, how far, and what came of it."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fcn_studio.session.events import Phase, TrainingStatus
from fcn_studio.ui.app import App
from fcn_studio.ui.panels.training import describe_time
from tests.ui.window_kit import drag, key


def _losses(steps: int) -> tuple[tuple[int, float], ...]:
    return tuple((step, 3 * math.exp(-step / 20)) for step in range(1, steps + 1))


def test_the_button_says_why_it_cannot_be_pressed(previewed: App) -> None:
    panel = previewed.window.training
    previewed.session.classes.use_own_classes(["cat"])
    QTest.qWait(20)
    assert not panel.start.isEnabled()
    assert panel.about.text() == "Paint or accept something first."
    key(previewed, Qt.Key.Key_1)
    drag(previewed, (0.4, 0.5), (0.6, 0.5))
    QTest.qWait(20)
    assert panel.start.isEnabled()


def test_a_run_shows_step_time_left_and_curves(app: App) -> None:
    panel = app.window.training
    app.session.events.training_changed.emit(
        TrainingStatus(Phase.RUNNING, 84, 200, 62.0, _losses(84), ((0, 0.71), (80, 0.84)))
    )
    assert panel.progress_text.text() == "step 84 of 200  ·  1 min left"
    assert (panel.bar.value(), panel.bar.maximum()) == (84, 200)
    assert panel.stop.isVisible()
    assert not panel.start.isVisible()
    shown = panel._plot._score.getData()
    assert list(shown[0]) == [0, 80]
    assert panel._plot._loss.getData()[1].max() <= 100, "the loss shares the height of a mean IoU"
    assert "84.0" in panel._plot._score_key.text()


def test_when_a_run_is_over_its_curves_make_room_in_a_low_window(app: App) -> None:
    panel, teaching = app.window.training, app.session.teaching
    for height, is_roomy in ((700, False), (1040, True)):
        app.window.resize(1200, height)
        teaching._set(TrainingStatus(Phase.RUNNING, 9, 20, 8.0, _losses(9)))
        assert panel._plot_place.isVisible()
        assert not panel.fold.isVisible()
        teaching._set(TrainingStatus(Phase.DONE, 20, 20, None, _losses(20), message="Better than before."))
        assert panel.fold.isVisible()
        assert panel._plot_place.isVisible() == is_roomy
    panel.fold.click()
    assert not panel._plot_place.isVisible()
    panel.fold.click()
    assert panel._plot_place.isVisible()
    assert panel._plot._loss.getData()[0].max() == 20


def test_a_result_is_a_sentence_and_a_failure_too(app: App) -> None:
    panel = app.window.training
    for phase, text in ((Phase.DONE, "Better than before."), (Phase.FAILED, "The disk is full. Make room.")):
        app.session.events.training_changed.emit(TrainingStatus(phase, message=text))
        assert panel.result.text() == text
        assert panel.result.isVisible()
        assert panel.start.isVisible()
        assert not panel.bar.isVisible()


def test_preparing_shows_that_something_goes_on(app: App) -> None:
    app.session.events.training_changed.emit(TrainingStatus(Phase.PREPARING, message="Loading …"))
    assert app.window.training.bar.maximum() == 0
    assert app.window.training.result.text() == "Loading …"


def test_the_recipe_of_the_fine_tuning_is_chosen_in_its_panel(previewed) -> None:
    panel, teaching = previewed.window.training, previewed.session.teaching
    assert panel.recipes.currentData() == "fine_tune"
    row = panel.recipes.findData("paper-heavy")
    panel.recipes.setCurrentIndex(row)
    panel.recipes.activated.emit(row)
    assert teaching.recipe.name == "paper-heavy"
    assert "momentum 0.99" in panel.recipes.toolTip()
    teaching.choose_recipe("fine_tune")
    assert panel.recipes.currentData() == "fine_tune"
    previewed.session.events.training_changed.emit(TrainingStatus(Phase.RUNNING, step=1, steps=9))
    assert not panel.recipes.isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.4, "1 s left"),
        (12, "10 s left"),
        (54, "55 s left"),
        (61, "1 min left"),
        (300, "5 min left"),
    ],
)
def test_time_left_is_rounded_to_what_can_be_believed(seconds: float | None, text: str) -> None:
    assert describe_time(seconds) == text
