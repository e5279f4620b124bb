"""Getting results out: masks as indexed PNG and `areas.csv`, image by image on the device thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.classes import UNLABELLED, ClassTable
from fcn_studio.core.errors import FcnStudioError, StorageError, UsageError
from fcn_studio.io.export import Area, compose_mask, compute_areas, write_areas_csv, write_mask
from fcn_studio.io.images import read_image
from fcn_studio.jobs import Priority
from fcn_studio.project.project import Project, load_document
from fcn_studio.session.events import Level, Notice, SessionEvents
from fcn_studio.session.predicting import CheckpointEntry, PredictionDesk
from fcn_studio.session.teaching import list_some
from fcn_studio.session.workers import Workers

CONTENTS = ("labels", "prediction", "composite")


class ExportDesk:
    """Writes one mask an image; what cannot be read is named at the end, the rest is done.

    Where nothing can be written it stops at once. All masks are of the network that was active when it began.
    """

    def __init__(
        self,
        events: SessionEvents,
        workers: Workers,
        prediction: PredictionDesk,
        find_project: Callable[[], Project | None],
        find_classes: Callable[[], ClassTable],
    ) -> None:
        self._events = events
        self._workers = workers
        self._prediction = prediction
        self._find_project = find_project
        self._find_classes = find_classes

    def request(self, folder: Path, what: str) -> None:
        """Write `folder/NAME.png` for every image and `folder/areas.csv`.

        what: "labels" (255 = unlabelled), "prediction", or "composite" (the label where there is one).
        """
        if what not in CONTENTS:
            raise UsageError(f"“{what}” cannot be exported; choose one of {', '.join(CONTENTS)}.")
        project = self._find_project()
        if project is None:
            self._events.notice.emit(Notice(Level.INFO, "Open some images first."))
            return
        if _lies_among_images(folder, project):
            text = "The masks would lie among your images. Choose another folder."
            self._events.notice.emit(Notice(Level.WARNING, text))
            return
        classes, checkpoint = self._find_classes(), self._prediction.active
        self._workers.device.submit(
            ("export", folder),
            Priority.BATCH,
            lambda _cancel: self._export_steps(project, classes, checkpoint, folder, what),
            on_progress=lambda done: self._events.export_changed.emit(done, len(project.image_ids)),
            on_done=lambda told: self._on_done(folder, len(project.image_ids), *told),
            on_failed=self._on_failed,
            label="exporting masks",
        )

    def _export_steps(
        self,
        project: Project,
        classes: ClassTable,
        checkpoint: CheckpointEntry | None,
        folder: Path,
        what: str,
    ) -> Generator[int, None, tuple[list[str], list[str]]]:
        """Returns a sentence for each image without a mask, and for each whose labels were not all used."""
        rows: list[Area] = []
        failures: list[str] = []
        surprises: list[str] = []
        for done, image_id in enumerate(project.image_ids, start=1):
            try:
                mask, notices = self._compute_mask(project, classes, checkpoint, image_id, what)
                write_mask(folder / project.mask_name(image_id), mask, classes.make_palette())
                rows += compute_areas(image_id, mask, classes)
                surprises += notices
            except StorageError:
                raise  # nor will the next one be written, and each would cost a prediction
            except FcnStudioError as error:
                failures.append(error.user_message)
            yield done
        write_areas_csv(folder / "areas.csv", rows)
        return failures, surprises

    def _compute_mask(
        self,
        project: Project,
        classes: ClassTable,
        checkpoint: CheckpointEntry | None,
        image_id: str,
        what: str,
    ) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Class ids uint8 [H, W], 255 = neither said nor predicted; and what was odd about the labels."""
        pixels = read_image(project.image_path(image_id)).pixels
        labels = np.full(pixels.shape[:2], UNLABELLED, np.uint8)
        notices: tuple[str, ...] = ()
        if what != "prediction":
            loaded = load_document(project, image_id, (pixels.shape[0], pixels.shape[1]))
            labels, notices = loaded.label_map.labels, loaded.notices
        if what == "labels" or checkpoint is None:
            return labels, notices
        prediction = self._prediction.predict_now(checkpoint, pixels)
        mask = compose_mask(labels, classes.make_lut(prediction.class_keys)[prediction.channels])
        return mask, notices

    def _on_done(self, folder: Path, total: int, failures: list[str], surprises: list[str]) -> None:
        if failures or surprises:
            some = list_some([*failures, *surprises])
            text = f"{total - len(failures)} of {total} masks are in {folder}. {some}"
            self._events.notice.emit(Notice(Level.WARNING, text))
        else:
            text = f"{total} masks and areas.csv are in {folder}."
            self._events.notice.emit(Notice(Level.SUCCESS, text))

    def _on_failed(self, error: BaseException) -> None:
        self._events.notice.emit(Notice(Level.ERROR, f"The export stopped: {error}"))


def _lies_among_images(folder: Path, project: Project) -> bool:
    """Whether masks in `folder` would be listed as images the next time."""
    root = project.root.resolve()
    places = [root]
    if project.dataset is not None:  # which looks for images in one of its folders only
        places = [root / name for name in {image_id.partition("/")[0] for image_id in project.image_ids}]
    folder = folder.resolve()
    return folder == root or any(folder.is_relative_to(place) for place in places)
