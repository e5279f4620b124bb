"""What a command is: one row of the command table, and what it looks at to know whether it can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcn_studio.ui.deeds import Deeds


@dataclass(frozen=True)
class Situation:
    """What commands look at to know whether they can be used and what they say; made by the window."""

    has_project: bool = False
    has_document: bool = False
    has_prediction: bool = False
    has_labels: bool = False
    is_preview: bool = False
    can_undo: bool = False
    can_redo: bool = False
    undo_name: str = ""
    redo_name: str = ""
    is_reviewed: bool = False
    can_train: bool = False
    is_training: bool = False
    tool: str = "brush"
    device: str = "auto"
    theme: str = "system"
    labels_shown: bool = True
    prediction_shown: bool = True
    images_panel_shown: bool = True
    teach_panel_shown: bool = True
    history_panel_shown: bool = True
    is_full_screen: bool = False
    class_names: dict[str, str] = field(default_factory=dict)  # key "0" to "9" -> name
    training_blocked_by: str = ""
    shown: frozenset[str] = frozenset()  # layers, extras and ways of comparing that are on
    can_compare: bool = False
    guards: frozenset[str] = frozenset()  # what is protected, see tool_deeds.find_guards


@dataclass(frozen=True)
class Need:
    """A condition with the sentence that says what is missing; to be given as `enabled_when`.

    `why`: what to do about it, or a function of the situation that says so. Two needs joined with `&` hold
    when both do; the sentence is that of the first that does not.
    """

    holds: Callable[[Situation], bool]
    why: str | Callable[[Situation], str]

    def __call__(self, situation: Situation) -> bool:
        return self.holds(situation)

    def reason(self, situation: Situation) -> str:
        """What is missing; empty while nothing is."""
        if self(situation):
            return ""
        return self.why if isinstance(self.why, str) else self.why(situation)

    def __and__(self, other: Need) -> Need:
        return Need(
            lambda situation: self(situation) and other(situation),
            lambda situation: self.reason(situation) or other.reason(situation),
        )


@dataclass(frozen=True)
class Command:
    """One row. `menu` is a path such as "View/Theme"; `group` parts a menu by lines.

    keys: portable key texts; the first is shown. action: what happens. enabled_when (best a `Need`, whose
    sentence the palette shows), checked_when, text_when (given the title) look at the situation. bar: its
    place in the tool row, "open", "tools" or "right". holds: a tap toggles; while the key is held the other
    state is shown.
    """

    id: str
    title: str
    menu: str
    action: Callable[[Deeds], None]
    keys: tuple[str, ...] = ()
    icon: str = ""
    group: int = 0
    bar: str = ""
    enabled_when: Callable[[Situation], bool] = lambda _s: True
    checked_when: Callable[[Situation], bool] | None = None
    text_when: Callable[[Situation, str], str] | None = None
    holds: bool = False
    repeats: bool = False
    is_hidden_when_off: bool = False  # leaves its menu while it is not enabled

    def why_not(self, situation: Situation) -> str:
        """What is missing to do this, as one sentence; empty when it can be done or cannot say."""
        return self.enabled_when.reason(situation) if isinstance(self.enabled_when, Need) else ""
