"""The class list as the person works with it: the project's own, or the model's as a preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fcn_studio.core.classes import BACKGROUND_KEY, UNLABELLED, ClassTable, make_key
from fcn_studio.core.errors import UsageError
from fcn_studio.core.palette import Color
from fcn_studio.session.events import SessionEvents

EMPTY = ClassTable()


class ClassDesk:
    """Choosing, adding, renaming and hiding classes.

    While `table` is empty the project has no classes yet: the model's are shown as a preview and nothing
    can be painted until the person has chosen whose classes to use.
    """

    def __init__(self, events: SessionEvents, store: Callable[[ClassTable], None]) -> None:
        self._events = events
        self._store = store
        self.table: ClassTable = EMPTY
        self._preview: ClassTable = EMPTY
        self.chosen_id: int | None = None

    @property
    def is_preview(self) -> bool:
        return not len(self.table)

    @property
    def shown(self) -> ClassTable:
        """The project's classes, or the model's while there are none."""
        return self._preview if self.is_preview else self.table

    def can_paint(self, class_id: int) -> bool:
        """Whether pixels can be given this class: one of the project's, or 255 ("unlabelled")."""
        return class_id == UNLABELLED or self.table.by_id(class_id) is not None

    def adopt(self, table: ClassTable) -> None:
        """Take the classes of a project that has just been opened."""
        self.table = table
        self.chosen_id = None
        self._choose_some()
        self._events.classes_changed.emit()

    def follow_model(self, model_classes: ClassTable) -> None:
        """The active checkpoint changed: its classes are the preview."""
        self._preview = model_classes
        self._events.classes_changed.emit()

    def choose(self, class_id: int) -> None:
        """The class that the brush paints from now on; unknown ids are ignored."""
        if self.table.by_id(class_id) is not None and class_id != self.chosen_id:
            self.chosen_id = class_id
            self._events.class_chosen.emit(class_id)

    def use_model_classes(self) -> None:
        """Make the previewed classes the project's own."""
        self._change(self._preview)
        self._choose_some()

    def use_own_classes(self, names: Sequence[str]) -> None:
        """Background and the names given; raises UsageError for an empty or repeated name."""
        table = EMPTY
        if not any(make_key(name) == BACKGROUND_KEY for name in names):
            table = table.add("background", key=BACKGROUND_KEY)
        for name in names:
            table = table.add(name)
        if len(table) < 2:
            raise UsageError("Type the name of at least one class beside background.")
        self._change(table)
        self._choose_some()

    def add(self, name: str) -> int:
        """A new class, chosen at once; returns its id. Raises UsageError for an empty or taken name."""
        table = self.table if len(self.table) else EMPTY.add("background", key=BACKGROUND_KEY)
        self._change(table.add(name))
        new_id = self.table.classes[-1].id
        self.choose(new_id)
        return new_id

    def rename(self, class_id: int, name: str) -> None:
        self._change(self.table.rename(class_id, name))

    def set_visible(self, class_id: int, visible: bool) -> None:
        self._change(self.table.with_visible(class_id, visible))

    def set_locked(self, class_id: int, locked: bool) -> None:
        """Leave labels of this class alone from now on, or not any more."""
        self._change(self.table.with_locked(class_id, locked))

    def set_color(self, class_id: int, color: Color) -> None:
        self._change(self.table.with_color(class_id, color))

    def set_colors(self, colors: Mapping[int, Color]) -> None:
        """Give several classes new colours at once."""
        table = self.table
        for class_id, color in colors.items():
            table = table.with_color(class_id, color)
        if colors:
            self._change(table)

    def _choose_some(self) -> None:
        entries = [entry for entry in self.table if entry.key != BACKGROUND_KEY] or list(self.table)
        if entries and self.table.by_id(-1 if self.chosen_id is None else self.chosen_id) is None:
            self.choose(entries[0].id)

    def _change(self, table: ClassTable) -> None:
        self.table = table
        self._events.classes_changed.emit()
        self._store(table)
