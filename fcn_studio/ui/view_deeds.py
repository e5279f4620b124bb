"""What the commands of the View menu do: zoom, layers, panels, colours of the window, the keyboard's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from fcn_studio.ui.theme import MODES

if TYPE_CHECKING:
    from fcn_studio.ui.main_window import MainWindow
    from fcn_studio.ui.view_controls import ViewControls


class ViewDeeds:
    """How things are looked at; changes nothing that is kept in a project."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._session = window.session

    @property
    def looks(self) -> ViewControls:
        """Layers, display and comparing."""
        return self._window.view_controls

    def zoom_in(self) -> None:
        self._window.canvas.zoom_in()

    def zoom_out(self) -> None:
        self._window.canvas.zoom_out()

    def zoom_fit(self) -> None:
        self._window.canvas.zoom_fit()

    def zoom_actual(self) -> None:
        self._window.canvas.zoom_actual()

    def toggle_labels(self) -> None:
        self.looks.toggle("labels")

    def toggle_prediction(self) -> None:
        self.looks.toggle("prediction")

    def toggle_images_panel(self) -> None:
        self._window.images_dock.setVisible(not self._window.images_dock.isVisible())

    def toggle_teach_panel(self) -> None:
        self._window.teach_dock.setVisible(not self._window.teach_dock.isVisible())

    def toggle_history_panel(self) -> None:
        self._window.history_dock.setVisible(not self._window.history_dock.isVisible())

    def make_colors_distinct(self) -> None:
        self._session.coloring.request_distinct()

    def use_palette(self, name: str) -> None:
        self._session.coloring.use_palette(name)

    def next_pane(self) -> None:
        """Take the keyboard to the next part of the window: tools, images, history, canvas, panels."""
        self._go_to_pane(1)

    def previous_pane(self) -> None:
        self._go_to_pane(-1)

    def _go_to_pane(self, step: int) -> None:
        panes = [pane for pane in self._window.panes() if pane.isVisible()]
        focus = QApplication.focusWidget()
        inside = [
            i
            for i, pane in enumerate(panes)
            if focus is not None and (pane is focus or pane.isAncestorOf(focus))
        ]
        start = inside[0] if inside else -step
        for offset in range(1, len(panes) + 1):
            if _take_focus(panes[(start + step * offset) % len(panes)]):
                return

    def toggle_full_screen(self) -> None:
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def toggle_theme(self) -> None:
        self.set_theme("light" if self._window.theme.is_dark else "dark")

    def set_theme(self, mode: str) -> None:
        self._session.settings["theme"] = mode if mode in MODES else "system"
        self._window.theme.set_mode(mode)
        self._window.refresh()


def _take_focus(pane: QWidget) -> bool:
    """Give the first part of `pane` that takes keys the focus; False when there is none."""
    parts = [pane, *pane.findChildren(QWidget)]
    for part in parts:
        takes = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if takes and part.isVisible() and part.isEnabled() and part.focusProxy() is None:
            part.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return True
    return False
