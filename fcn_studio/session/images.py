"""The images of the project: which there are, in which state, which one is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.errors import FcnStudioError
from fcn_studio.inference.cache import image_id as make_content_id
from fcn_studio.io.images import ImageData, read_image, read_thumbnail
from fcn_studio.project.label_store import LoadedLabels
from fcn_studio.project.project import ImageState, Project, load_document
from fcn_studio.session.document import Document
from fcn_studio.session.events import About, Level, Notice, SessionEvents
from fcn_studio.session.workers import Workers

THUMBNAIL_SIDE_PX = 160
THUMBNAILS_KEPT = 2000


@dataclass(frozen=True)
class ImageEntry:
    """One row of the image list."""

    image_id: str
    name: str
    state: ImageState


@dataclass(frozen=True)
class OpenedImage:
    """What the io pool read for one image; nothing of it is shown until all of it is there."""

    image_id: str
    content_id: str
    image: ImageData
    loaded: LoadedLabels


class ImageDesk:
    """Opening images one after the other; the last one asked for wins."""

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        enter: Callable[[OpenedImage], None],
        find_document: Callable[[], Document | None],
    ) -> None:
        self._events = events
        self._workers = workers
        self._enter = enter
        self._find_document = find_document
        self._project: Project | None = None
        self._thumbnails: dict[str, NDArray[np.uint8]] = {}
        self._wanted: str | None = None
        self._request = 0  # only the answer to the last one counts
        self._asked: str | None = None  # also when it could not be opened: stepping goes on from there

    def follow(self, project: Project) -> None:
        """Show the images of another project."""
        self._project = project
        self._thumbnails.clear()
        self._wanted = self._asked = None
        self._events.images_changed.emit()

    @property
    def entries(self) -> tuple[ImageEntry, ...]:
        """All images in order; cheap, but not for every repaint: ask again on `images_changed`."""
        project = self._project
        if project is None:
            return ()
        return tuple(
            ImageEntry(image_id, image_id.rsplit("/", 1)[-1], project.state_of(image_id))
            for image_id in project.image_ids
        )

    def state_of(self, image_id: str) -> ImageState:
        """How far the person is with an image of the project."""
        return self._project.state_of(image_id) if self._project is not None else ImageState.UNLABELLED

    @property
    def current_id(self) -> str | None:
        """The image that is open or about to be."""
        document = self._find_document()
        return self._wanted or (document.image_id if document is not None else None)

    def open(self, image_id: str) -> None:
        """Read an image and its labels in the background; the open one stays until it is there."""
        project = self._project
        if project is None or image_id not in project.image_ids:
            return
        document = self._find_document()
        is_open = document is not None and document.image_id == image_id
        if is_open and self._wanted is None:
            self._asked = image_id
            return
        self._asked = image_id
        self._wanted = None if is_open else image_id
        self._request += 1
        request = self._request
        self._events.image_opening.emit(image_id)
        if is_open:
            # Back before the other one had come. What is on disk may lack the strokes of this very moment.
            self._events.image_opened.emit(document)
            return

        def read() -> OpenedImage:
            path = project.image_path(image_id)
            image = read_image(path)
            project.adopt_classes()
            loaded = load_document(project, image_id, image.pixels.shape[:2])
            return OpenedImage(image_id, make_content_id(path), image, loaded)

        # Serial with this image's own saving: what was just written must be read, not what was before.
        self._workers.pool.submit(
            read,
            lambda opened: self._on_read(request, project, opened),
            lambda error: self._on_failed(request, project, image_id, error),
            key="open image",
            serial=image_id,
        )

    def _on_read(self, request: int, project: Project, opened: OpenedImage) -> None:
        if project is not self._project or request != self._request:
            return
        self._wanted = None
        self._enter(opened)
        for text in (opened.image.notice, *opened.loaded.notices):
            if text:
                self._events.notice.emit(Notice(Level.WARNING, text, about=About.IMAGE))

    def _on_failed(self, request: int, project: Project, image_id: str, error: BaseException) -> None:
        if project is not self._project or request != self._request:
            return
        self._wanted = None
        text = str(error) if isinstance(error, FcnStudioError) else f"{image_id} could not be opened: {error}"
        self._events.image_failed.emit(image_id, text)
        self._events.notice.emit(Notice(Level.ERROR, text, about=About.IMAGE))

    def next(self) -> None:
        self._step(1)

    def previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        ids = self._project.image_ids if self._project is not None else ()
        if not ids:
            return
        current = self._asked or self.current_id
        position = ids.index(current) + by if current in ids else 0
        if 0 <= position < len(ids):
            self.open(ids[position])

    def neighbours(self, image_id: str) -> tuple[Path, ...]:
        """Files of the images that a person is likely to open next."""
        project = self._project
        if project is None or image_id not in project.image_ids:
            return ()
        ids, position = project.image_ids, project.image_ids.index(image_id)
        near = (position + 1, position + 2, position - 1)
        return tuple(project.image_path(ids[p]) for p in near if 0 <= p < len(ids))

    def request_thumbnail(self, image_id: str) -> None:
        """Have `thumbnail_ready` sent, or `thumbnail_failed` for an image that cannot be read."""
        project = self._project
        if project is None:
            return
        known = self._thumbnails.get(image_id)
        if known is not None:
            self._events.thumbnail_ready.emit(image_id, known)
            return
        path = project.image_path(image_id)
        self._workers.pool.submit(
            lambda: read_thumbnail(path, THUMBNAIL_SIDE_PX),
            lambda pixels: self._on_thumbnail(project, image_id, pixels),
            lambda error: self._on_thumbnail_failed(project, image_id, error),
            key=("thumbnail", image_id),
        )

    def _on_thumbnail(self, project: Project, image_id: str, pixels: NDArray[np.uint8]) -> None:
        if project is not self._project:
            return
        if len(self._thumbnails) >= THUMBNAILS_KEPT:
            self._thumbnails.pop(next(iter(self._thumbnails)))
        self._thumbnails[image_id] = pixels
        self._events.thumbnail_ready.emit(image_id, pixels)

    def _on_thumbnail_failed(self, project: Project, image_id: str, error: BaseException) -> None:
        """No notice: nobody asked for this image yet."""
        if project is self._project:
            self._events.thumbnail_failed.emit(image_id, str(error))
