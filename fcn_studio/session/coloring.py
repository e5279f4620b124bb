"""Colours of classes: told when classes that touch look alike, and made distinct when somebody wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fcn_studio.core.classes import BACKGROUND_KEY, ClassTable
from fcn_studio.core.color_distance import find_worst_vision
from fcn_studio.core.contacts import count_contacts
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.core.palette import PALETTES, Color, find_clashes, make_color, make_distinct
from fcn_studio.project import Project
from fcn_studio.project.label_files import read_plane
from fcn_studio.session.classes import ClassDesk
from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, SessionEvents
from fcn_studio.session.workers import Workers

MOST_IMAGES = 400  # read for the contacts of a whole project; more would tell nothing new
Contacts = set[tuple[int, int]]


@dataclass(frozen=True)
class Clash:
    """Two classes that touch somewhere and that an eye with `vision` can hardly tell apart."""

    first_id: int
    second_id: int
    vision: str  # "normal", "protanopia", "deuteranopia" or "tritanopia"


class ColoringDesk:
    """Looks at which classes lie side by side in the labels; colours change only when asked for.

    `request_check` looks at the open image, and remembers what earlier ones had; `request_distinct` at the
    labels of the whole project. Both work on the io pool.
    """

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        classes: ClassDesk,
        find_document: Callable[[], Document | None],
        find_project: Callable[[], Project | None],
    ) -> None:
        self._events = events
        self._workers = workers
        self._classes = classes
        self._find_document = find_document
        self._find_project = find_project
        self._contacts: Contacts = set()
        self.clashes: tuple[Clash, ...] = ()
        events.project_opened.connect(self._on_project_opened)

    def _on_project_opened(self) -> None:
        self._contacts = set()
        self._tell(())

    def request_check(self) -> None:
        """Look whether classes that touch in the open image clash; `colors_checked` tells."""
        document = self._find_document()
        if document is None or self._classes.is_preview:
            self._tell(())
            return
        label_map = document.label_map

        def on_done(contacts: Contacts) -> None:
            if self._find_document() is document:
                self._contacts |= contacts
                self._judge()

        self._workers.pool.submit(lambda: set(count_contacts(label_map.labels)), on_done, key="contacts")

    def request_distinct(self) -> None:
        """Give classes that touch anywhere in the project colours that every eye can tell apart."""
        document, project = self._find_document(), self._find_project()
        if project is None or self._classes.is_preview:
            return
        open_labels = document.label_map.labels if document is not None else None
        seen = set(self._contacts)

        def run() -> Contacts:
            found = seen | _read_contacts(project)
            return found | (set(count_contacts(open_labels)) if open_labels is not None else set())

        def on_done(contacts: Contacts) -> None:
            if self._find_project() is project:
                self._contacts |= contacts
                self._make_distinct()

        self._workers.pool.submit(run, on_done, self._on_failed, key="distinct colours")

    def use_palette(self, name: str) -> None:
        """Give all classes but the background the colours of "okabe_ito", "tol_bright" or "tol_muted"."""
        if name not in PALETTES:
            return
        painted = [entry for entry in self._classes.table if entry.key != BACKGROUND_KEY]
        colors = {entry.id: make_color(place, name) for place, entry in enumerate(painted)}
        self._classes.set_colors(colors)
        self._judge()

    def _make_distinct(self) -> None:
        table = self._classes.table
        background = table.by_key(BACKGROUND_KEY)
        keep = () if background is None else (background.id,)
        changed = make_distinct(_colors_of(table), self._contacts, keep)
        self._classes.set_colors(changed)
        self._judge()
        names = ", ".join(entry.name for entry in table if entry.id in changed)
        text = f"New colours: {names}." if changed else "All classes that touch can be told apart already."
        self._events.notice.emit(Notice(Level.SUCCESS, text))

    def _judge(self) -> None:
        colors = _colors_of(self._classes.table)
        pairs = find_clashes(colors, self._contacts)
        self._tell(tuple(Clash(a, b, find_worst_vision(colors[a], colors[b])[0]) for a, b in pairs))

    def _tell(self, clashes: tuple[Clash, ...]) -> None:
        if clashes != self.clashes:
            self.clashes = clashes
            self._events.colors_checked.emit()

    def _on_failed(self, error: BaseException) -> None:
        self._events.notice.emit(Notice(Level.ERROR, f"The colours were not changed: {error}"))


def _colors_of(table: ClassTable) -> Mapping[int, Color]:
    return {entry.id: entry.color for entry in table}


def _read_contacts(project: Project) -> Contacts:
    """What touches in the label files of a project; those that cannot be read are passed over."""
    found: Contacts = set()
    for image_id in project.image_ids[:MOST_IMAGES]:
        try:
            plane = read_plane(project.place_of(image_id).labels)
        except FcnStudioError:  # a broken file is told when its image is opened
            continue
        if plane is not None:
            found |= set(count_contacts(plane.pixels))
    return found
