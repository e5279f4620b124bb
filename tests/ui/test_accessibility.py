"""Everything that takes keys or clicks has a name for screen readers, and the keyboard reaches every part."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
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
    QWidget,
)

from fcn_studio.ui.app import App
from fcn_studio.ui.dialogs.command_palette import CommandPalette
from tests.ui.window_kit import drag, key, put_prediction, wait_for_image

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


def test_the_canvas_has_the_keyboard_at_the_start_and_after_the_palette(used: App) -> None:
    used.window.canvas.setFocus()
    key(used, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = used.window.findChild(CommandPalette)
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    QTest.qWait(10)
    assert QApplication.focusWidget() is used.window.canvas
