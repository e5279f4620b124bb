"""Two buttons with menus in the tool row: what is protected, and what can be done to regions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QMenu, QSpinBox, QToolButton, QWidget, QWidgetAction

from fcn_studio.core.protect import BRIGHTEST
from fcn_studio.ui.command_actions import CommandActions
from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.sections import make_label, make_row
from fcn_studio.ui.theme import Theme
from fcn_studio.ui.tools.guarding import describe_protection
from fcn_studio.ui.tools.options import NUMBERS, ToolOptions

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

ICON_PX = 20
FIRST_RANGE = (64, 192)


class MenuButton(QToolButton):
    """An icon that opens a menu."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("menuButton")
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.menu_shown = QMenu(self)
        self.setMenu(self.menu_shown)

    def add_row(self, *widgets: QWidget) -> None:
        """A line of the menu that holds widgets."""
        place = QWidget()
        row = make_row(*widgets, spacing=8)
        row.setContentsMargins(14, 4, 14, 4)
        place.setLayout(row)
        action = QWidgetAction(self.menu_shown)
        action.setDefaultWidget(place)
        self.menu_shown.addAction(action)


class GuardButton(MenuButton):
    """Says whether anything is protected, and lets it be chosen."""

    def __init__(self, session: Session, theme: Theme, actions: CommandActions) -> None:
        super().__init__("")
        self._session, self._theme = session, theme
        self.setAccessibleName(self.tr("Protect"))
        menu = self.menu_shown
        for command in ("protect_unlabelled", "protect_over", "lock_class"):
            menu.addAction(actions[command])
        self.limits = QCheckBox(self.tr("Paint only brightness"))
        self.low, self.high = _make_spin(0, BRIGHTEST), _make_spin(0, BRIGHTEST)
        self.low.setAccessibleName(self.tr("Lowest brightness"))
        self.high.setAccessibleName(self.tr("Highest brightness"))
        self.low.setValue(FIRST_RANGE[0])
        self.high.setValue(FIRST_RANGE[1])
        self.add_row(self.limits, self.low, make_label(self.tr("to"), "muted"), self.high, QWidget())
        menu.addSeparator()
        menu.addAction(actions["protect_nothing"])
        self.limits.toggled.connect(self._on_range_changed)
        self.low.valueChanged.connect(self._on_range_changed)
        self.high.valueChanged.connect(self._on_range_changed)
        session.events.protection_changed.connect(self._show)
        session.events.classes_changed.connect(self._show)
        theme.changed.connect(self._show)
        self._show()

    def dispose(self) -> None:
        """Hear nothing any more."""
        self._session.events.protection_changed.disconnect(self._show, missing_ok=True)
        self._session.events.classes_changed.disconnect(self._show, missing_ok=True)

    def _on_range_changed(self) -> None:
        editing = self._session.editing
        intensity = self._range() if self.limits.isChecked() else None
        if editing.protection.intensity != intensity:
            editing.protect(replace(editing.protection, intensity=intensity))

    def _range(self) -> tuple[int, int]:
        first, second = self.low.value(), self.high.value()
        return min(first, second), max(first, second)

    def _show(self) -> None:
        protection = self._session.editing.protection
        is_on = protection.is_active
        sign, token = ("shield-half-full", "accent") if is_on else ("shield-outline", "text")
        self.setIcon(make_icon(self._theme, sign, token))
        guarded = describe_protection(protection, self._session.classes.table)
        text = self.tr("Protected") + f": {guarded}" if guarded else self.tr("Protect labels from the tools")
        self.setToolTip(text)
        self.setAccessibleDescription(guarded)
        places = (self.limits, self.low, self.high)
        for place in places:
            place.blockSignals(True)  # else half of a new range would be taken for a person's wish
        self.limits.setChecked(protection.intensity is not None)
        if protection.intensity is not None and self._range() != protection.intensity:
            self.low.setValue(protection.intensity[0])
            self.high.setValue(protection.intensity[1])
        for place in places:
            place.blockSignals(False)


class RegionButton(MenuButton):
    """What can be done to the labelled regions of the class in hand, and by how much."""

    def __init__(self, theme: Theme, actions: CommandActions) -> None:
        super().__init__("")
        name = self.tr("Regions of the class in hand: grow, shrink, fill, clean, smooth")
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setIcon(make_icon(theme, "vector-union"))
        self.radius, self.island = (_make_spin(*NUMBERS[option][1:]) for option in ("region_px", "island_px"))
        self.radius.setAccessibleName(self.tr("Grow, shrink and smooth by so many pixels"))
        self.island.setAccessibleName(self.tr("Remove islands smaller than so many pixels"))
        self.add_row(make_label(self.tr("By"), "muted"), self.radius, make_label("px", "muted"), QWidget())
        for command in ("region_grow", "region_shrink", "region_smooth"):
            self.menu_shown.addAction(actions[command])
        self.menu_shown.addSeparator()
        self.menu_shown.addAction(actions["region_fill_holes"])
        self.add_row(make_label(self.tr("Islands below"), "muted"), self.island, make_label("px", "muted"))
        self.menu_shown.addAction(actions["region_drop_islands"])

    def follow(self, options: ToolOptions) -> None:
        """Show and change these options."""
        for name, spin in (("region_px", self.radius), ("island_px", self.island)):
            spin.setValue(options.number(name))
            spin.valueChanged.connect(lambda value, name=name: options.set_number(name, value))


def _make_spin(low: int, high: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    spin.setFixedWidth(spin.fontMetrics().horizontalAdvance("0" * len(str(high))) + 24)
    return spin
