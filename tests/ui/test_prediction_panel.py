"""The panel of the prediction: checkpoints and their figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PySide6.QtCore import Qt

from fcn_studio.core.resources import resource_path
from fcn_studio.session.events import Phase, TrainingStatus
from fcn_studio.ui.app import App
from tests.ui.window_kit import WAIT_MS


def test_unusable_checkpoints_are_listed_with_their_reason_but_cannot_be_chosen(
    previewed: App, photos: Path, qtbot
) -> None:
    previewed.session.classes.use_own_classes(["cat"])
    shelf = photos.with_name("photos.fcnstudio") / "checkpoints"
    shelf.mkdir(parents=True, exist_ok=True)
    (shelf / "broken.safetensors").write_bytes(b"no tensors")
    (shelf / "broken.json").write_text("{}")
    previewed.open([photos])
    combo = previewed.window.prediction.checkpoints
    qtbot.waitUntil(lambda: combo.count() == 2, timeout=WAIT_MS)
    item = combo.model().item(1)
    assert not item.isEnabled()
    assert "cannot be used" in item.text()
    assert item.toolTip()
    assert combo.currentIndex() == 0


def _put_on_shelf(photos: Path, name: str, **changes: object) -> None:
    """A checkpoint on the project's shelf: the embedded one's bytes under another card."""
    shelf = photos.with_name("photos.fcnstudio") / "checkpoints"
    shelf.mkdir(parents=True, exist_ok=True)
    card = json.loads(resource_path("models", "embedded.json").read_text())
    card.update(changes)
    (shelf / f"{name}.json").write_text(json.dumps(card))
    shutil.copyfile(resource_path("models", "embedded.safetensors"), shelf / f"{name}.safetensors")


def test_checkpoints_show_their_figures_and_going_back_is_one_click(
    previewed: App, photos: Path, qtbot
) -> None:
    parent = json.loads(resource_path("models", "embedded.json").read_text())["id"]
    _put_on_shelf(photos, "first", id="one", parent=parent, figures={"held_out_miou": 0.84})
    _put_on_shelf(photos, "second", id="two", parent="one", figures={})
    lucky = {"held_out_miou": 1.0, "held_out_strokes": 1}
    _put_on_shelf(photos, "lucky", id="three", parent="one", figures=lucky)
    previewed.session.classes.use_own_classes(["cat"])
    previewed.open([photos])
    combo = previewed.window.prediction.checkpoints
    qtbot.waitUntil(lambda: combo.count() == 4, timeout=WAIT_MS)
    texts = [combo.itemText(row) for row in range(4)]
    assert any("84.0 held-out mIoU" in text for text in texts)
    assert any("100.0 mIoU on 1 stroke" in text for text in texts)
    tips = [combo.itemData(row, Qt.ItemDataRole.ToolTipRole) for row in range(4)]
    assert any("held out mIoU: 100.0 %\nheld out strokes: 1" in tip for tip in tips)
    assert any("not measured yet" in text for text in texts)
    previewed.session.shelf.activate("second")
    back, told = previewed.window.training.back, previewed.session.events.training_changed
    told.emit(TrainingStatus(Phase.DONE, message="Not better: the network stays."))
    assert not back.isVisible()
    told.emit(TrainingStatus(Phase.DONE, message="Done.", adopted_id="second"))
    assert back.isVisible()
    assert back.minimumSizeHint().width() < 100  # else a long name takes the sentence above its room
    assert "first" in back.text()
    back.click()
    assert previewed.session.shelf.active.id == "first"
    assert "first" in combo.currentText()
    assert previewed.window.training.result.text() == "“first” is used now."
    assert not back.isVisible()
    previewed.session.shelf.activate("second")
    assert back.isVisible()
    assert previewed.window.training.result.text() == "Done."
    previewed.session.shelf.activate("lucky")  # its parent is "first", too
    assert not back.isVisible(), "there is a way back only from the network that the run has brought"
    assert previewed.window.training.result.text() == "“lucky” is used now."
