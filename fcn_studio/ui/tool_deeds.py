"""What the commands of the hand do: regions, protection, copying."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fcn_studio.core.errors import UsageError
from fcn_studio.core.protect import Protection
from fcn_studio.session.whole_image import RegionOp

if TYPE_CHECKING:
    from fcn_studio.session.session import Session
    from fcn_studio.ui.main_window import MainWindow


class ToolDeeds:
    """One short method a command; raises UsageError where something is missing, the caller shows it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def _session(self) -> Session:
        return self._window.session

    # --- regions ------------------------------------------------------------------------------------------

    def accept_region(self) -> None:
        self._session.editing.request_accept_region(*self._pointed())

    def reject_region(self) -> None:
        self._session.editing.request_reject_region(*self._pointed())

    def accept_class(self) -> None:
        self._session.editing.request_accept_class(self._class_in_hand())

    def copy_previous(self) -> None:
        self._session.copy_previous_labels()

    def work_on_regions(self, operation: RegionOp) -> None:
        name = "island_px" if operation is RegionOp.DROP_ISLANDS else "region_px"
        size_px = self._window.canvas.options.number(name)
        self._session.editing.request_region_op(operation, self._class_in_hand(), size_px)

    def _pointed(self) -> tuple[int, int]:
        pointed = self._window.canvas.pointed_yx
        if pointed is None:
            raise UsageError("Point at the region first.")
        return pointed

    def _class_in_hand(self) -> int:
        class_id = self._session.classes.chosen_id
        if class_id is None:
            raise UsageError("Choose a class first.")
        return class_id

    # --- protection ---------------------------------------------------------------------------------------

    def toggle_only_unlabelled(self) -> None:
        protection = self._session.editing.protection
        self._protect(replace(protection, only_unlabelled=not protection.only_unlabelled))

    def toggle_only_over(self) -> None:
        """Paint only over the class in hand; another class joins it, the same one leaves again."""
        protection, class_id = self._session.editing.protection, self._class_in_hand()
        over = (protection.over or frozenset()) ^ {class_id}
        self._protect(replace(protection, over=over or None))

    def toggle_lock(self) -> None:
        class_id = self._class_in_hand()
        locked = class_id in self._session.editing.protection.locked
        self._session.classes.set_locked(class_id, not locked)

    def protect_nothing(self) -> None:
        """All rules and all locks off."""
        for class_id in self._session.editing.protection.locked:
            self._session.classes.set_locked(class_id, False)
        self._protect(Protection())

    def _protect(self, protection: Protection) -> None:
        self._session.editing.protect(protection)


def find_guards(session: Session) -> frozenset[str]:
    """Which rules are on: "unlabelled", "over", "brightness", "lock" (of the class in hand), "any"."""
    protection, chosen_id = session.editing.protection, session.classes.chosen_id
    rules = {
        "unlabelled": protection.only_unlabelled,
        "over": protection.over is not None and chosen_id in protection.over,
        "brightness": protection.intensity is not None,
        "lock": chosen_id in protection.locked,
        "any": protection.is_active,
    }
    return frozenset(name for name, is_on in rules.items() if is_on)
