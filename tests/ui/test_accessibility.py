"""Everything that takes keys or clicks has a name for screen readers, and the keyboard reaches every part."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAccessible, QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QScrollBar,
    QSlider,
    QWidget,
)

from fcn_studio.session.events import Phase
from fcn_studio.ui.app import App
from fcn_studio.ui.dialogs.command_palette import CommandPalette
from tests.ui.window_kit import WAIT_MS, drag, key, put_prediction, wait_for_image

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
CAT = 8  # of the model's classes
CONTROLS = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QKeySequenceEdit,
    QLineEdit,
)  # fmt: skip


@pytest.fixture
def used(app: App, photos: Path, qtbot) -> App:
    """The program with a.png open, a prediction, a stroke and three classes."""
    app.open([photos])
    wait_for_image(app, qtbot)
    app.session.classes.use_own_classes(["cat", "dog"])
    put_prediction(app)
    drag(app, (0.4, 0.5), (0.6, 0.5))
    QTest.qWait(30)
    return app


def _parts(root: QWidget) -> list[QWidget]:
    """Visible parts that take keys or clicks; not the scroll bars and buttons that belong to others."""
    found = [part for part in root.findChildren(QWidget) if part.isVisible()]
    return [
        part
        for part in found
        if (isinstance(part, CONTROLS) or part.focusPolicy() & Qt.FocusPolicy.TabFocus)
        and not isinstance(part, QScrollBar)
        and not part.objectName().startswith("qt_")
        and not isinstance(part.parentWidget(), QAbstractSpinBox | QComboBox | QKeySequenceEdit)
        and not isinstance(part.parentWidget(), QLineEdit)
        and not isinstance(part.parentWidget(), QAbstractItemView)
    ]


def _nameless(root: QWidget) -> list[str]:
    nameless = []
    for part in _parts(root):
        interface = QAccessible.queryAccessibleInterface(part)
        name = part.accessibleName() or (interface.text(QAccessible.Text.Name) if interface else "")
        if not name.strip():
            nameless.append(f"{type(part).__name__} {part.objectName()!r} in {type(part.parent()).__name__}")
    return nameless


def test_every_part_of_the_window_has_a_name(used: App) -> None:
    assert len(_parts(used.window)) > 25
    assert _nameless(used.window) == []


def test_a_part_without_a_name_would_be_seen(used: App) -> None:
    nobody = QLineEdit(used.window.stage)
    nobody.show()
    assert _nameless(used.window) == ["QLineEdit '' in QWidget"]
    nobody.deleteLater()


@pytest.mark.parametrize("command", ["show_keys", "edit_keys", "about", "export_masks"])
def test_every_part_of_the_dialogs_has_a_name(used: App, command: str) -> None:
    used.window.actions_of.run(command)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    assert dialog.windowTitle()
    assert _nameless(dialog) == []
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible(), "Escape closes every dialog"


def test_the_palette_has_names(used: App) -> None:
    used.window.actions_of.run("show_palette")
    palette = used.window.findChild(CommandPalette)
    assert palette is not None
    assert _nameless(palette) == []
    palette.go()


def test_f6_goes_round_all_parts_and_back(used: App) -> None:
    window = used.window
    seen = []
    window.canvas.setFocus()
    for _ in window.panes():
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F6)
        focus = QApplication.focusWidget()
        seen.append(next(i for i, p in enumerate(window.panes()) if p is focus or p.isAncestorOf(focus)))
    assert sorted(seen) == list(range(len(window.panes())))
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    focus = QApplication.focusWidget()
    before = next(i for i, p in enumerate(window.panes()) if p is focus or p.isAncestorOf(focus))
    assert before == seen[-2]


def _type(which: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key to whatever has the focus."""
    QTest.keyClick(QApplication.focusWidget(), which, modifier)
    QApplication.processEvents()


def test_tab_goes_through_the_classes_where_they_stand(used: App) -> None:
    panel = used.window.classes
    panel.add_button.setFocus()
    for row in panel.list.rows[:2]:
        for stop in (row, row.swatch, row.eye):
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            assert QApplication.focusWidget() is stop


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_where_the_keyboard_is_can_be_seen(used: App, theme: str) -> None:
    window = used.window
    window.theme.set_mode(theme)
    places = [
        window.images.view.viewport(), window.layers.findChildren(QSlider)[0], window.prediction.checkpoints,
        window.classes.list.rows[0], window.classes.list.rows[0].eye, window.prediction.accept,
    ]  # fmt: skip
    for place in places:
        window.canvas.setFocus()
        without = place.grab().toImage()
        (window.images.view if place is places[0] else place).setFocus(Qt.FocusReason.TabFocusReason)
        assert place.grab().toImage() != without, place


def test_a_mask_is_corrected_and_taught_and_the_next_one_opened_without_a_mouse(
    app: App, photos: Path, qtbot
) -> None:
    session, window = app.session, app.window
    _type(Qt.Key.Key_O, CTRL | SHIFT)
    QTest.keyClicks(QApplication.focusWidget(), str(photos))
    _type(Qt.Key.Key_Return)
    wait_for_image(app, qtbot, "a.png")
    canvas = window.canvas
    window.activateWindow()  # as a window manager does when a dialog closes
    qtbot.waitUntil(canvas.hasFocus)
    _type(Qt.Key.Key_Right, CTRL)
    _type(Qt.Key.Key_Return)  # the first dab asks whose classes these are
    assert window.classes.choice.use_model.hasFocus()
    _type(Qt.Key.Key_Space)
    assert not session.classes.is_preview
    while not canvas.hasFocus():
        _type(Qt.Key.Key_F6)
    put_prediction(app, CAT)
    window.refresh()
    _type(Qt.Key.Key_2)
    _type(Qt.Key.Key_E)
    _type(Qt.Key.Key_B)
    assert canvas.tool_id == "brush"
    _type(Qt.Key.Key_Right, CTRL)
    seen = canvas.pointed_yx
    assert seen is not None
    for _ in range(4):
        _type(Qt.Key.Key_Left, CTRL)
    _type(Qt.Key.Key_Left, CTRL | SHIFT)
    assert canvas.pointed_yx[1] < seen[1]
    assert f"x {canvas.pointed_yx[1]}" in window.status.position.text()
    _type(Qt.Key.Key_Y)
    labels = session.document.label_map.labels
    qtbot.waitUntil(lambda: bool((labels == CAT).any()), timeout=WAIT_MS)
    _type(Qt.Key.Key_Return)
    assert session.editing.undo_name.startswith("Paint")
    window.refresh()
    phases: list[Phase] = []
    session.events.training_changed.connect(lambda status: phases.append(status.phase))
    _type(Qt.Key.Key_T, CTRL)
    assert Phase.PREPARING in phases, "it has begun; there is no network here to teach"
    _type(Qt.Key.Key_D)
    wait_for_image(app, qtbot, "b.png")


def test_the_pointer_of_the_keys_is_seen_and_gives_way_to_the_mouse(used: App) -> None:
    canvas = used.window.canvas
    canvas.setFocus()
    key(used, Qt.Key.Key_P)
    canvas._take_pointer(None)
    bare = canvas.grab().toImage()
    _type(Qt.Key.Key_Up, CTRL)
    middle = canvas.rect().center()
    assert canvas.grab().toImage() != bare, "a tool without a ring has a cross"
    for _ in range(500):
        _type(Qt.Key.Key_Up, CTRL)
    assert canvas._pointer.y() == 0, "it stays on the canvas"
    QTest.mouseMove(canvas, middle)
    canvas._take_pointer(None)
    assert canvas.grab().toImage() == bare


def test_keys_begin_on_the_image_wherever_the_mouse_lies_and_windows_do_not_move_their_pointer(
    used: App,
) -> None:
    canvas = used.window.canvas
    canvas.setFocus()
    canvas._take_pointer(QPointF(1, 1))  # a mouse put aside, beside the image
    assert canvas.pointed_yx is None
    _type(Qt.Key.Key_Up, CTRL)
    seen = canvas.pointed_yx
    assert seen is not None
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert canvas.pointed_yx == seen
    QApplication.sendEvent(canvas, QEnterEvent(QPointF(1, 1), QPointF(1, 1), QPointF(1, 1)))
    assert canvas.pointed_yx == seen


def test_the_canvas_has_the_keyboard_at_the_start_and_after_the_palette(used: App) -> None:
    used.window.canvas.setFocus()
    key(used, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = used.window.findChild(CommandPalette)
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    QTest.qWait(10)
    assert QApplication.focusWidget() is used.window.canvas
