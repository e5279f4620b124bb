"""A section of the right column whose lesser part can be folded away."""

from __future__ import annotations

from PySide6.QtCore import Signal

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import Section, make_tool_button
from fcn_studio.ui.theme import Theme


class FoldSection(Section):
    """A section with a chevron in its heading; it folds nothing itself, see `folded`."""

    folded = Signal(bool)  # whether it is open now

    def __init__(self, title: str, theme: Theme, more: str, less: str) -> None:
        self.chevron = make_tool_button(more)
        super().__init__(title, self.chevron)
        self._theme, self._more, self._less = theme, more, less
        self.chevron.setCheckable(True)
        self.chevron.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    @property
    def is_open(self) -> bool:
        return self.chevron.isChecked()

    def set_open(self, is_open: bool) -> None:
        self.chevron.setChecked(is_open)

    def _on_toggled(self, is_open: bool) -> None:
        words = self._less if is_open else self._more
        self.chevron.setIcon(make_icon(self._theme, "chevron-up" if is_open else "chevron-down", "muted"))
        self.chevron.setToolTip(words)
        self.chevron.setAccessibleName(words)
        self.folded.emit(is_open)
