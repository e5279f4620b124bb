"""A DATASET argument: a labelled folder or a project, as samples."""

from __future__ import annotations

from pathlib import Path

from fcn_studio.core.errors import DatasetError, UsageError
from fcn_studio.io.datasets import detect_dataset
from fcn_studio.io.scan import PROJECT_SUFFIX
from fcn_studio.project.dataset_source import DatasetSource
from fcn_studio.project.opening import open_project
from fcn_studio.project.places import remembered_store, store_beside
from fcn_studio.project.record import FILE_NAME
from fcn_studio.project.sample_source import ProjectSource


def open_source(path: Path, ignore: int | None = None) -> DatasetSource | ProjectSource:
    """Samples of a project (by its own folder, or by its folder of images) or of a labelled folder.

    A labelled folder that was corrected in the program counts as a project, corrections included. `ignore`
    is one more mask value without label; it belongs to labelled folders only, and those are then read as
    they came. Raises DatasetError, ProjectError, LabelReadError, UsageError with one sentence.
    """
    if not path.exists():
        raise DatasetError(f"{path} does not exist: check the name.")
    if not path.is_dir():
        raise DatasetError(f"{path} is a file: name a project, or a folder with images and masks.")
    is_store = path.name.endswith(PROJECT_SUFFIX) or (path / FILE_NAME).is_file()
    store = path if is_store else remembered_store(path) or store_beside(path)
    has_project = (store / FILE_NAME).is_file()
    if ignore is not None and is_store:
        raise UsageError("A project has no value to ignore: its unlabelled pixels are left out already.")
    if has_project and ignore is None:
        return open_project([path]).make_sample_source()
    files = detect_dataset(path)
    if files is None:
        raise DatasetError(
            f"{path} is neither a project nor a labelled folder: it needs images/ and masks/, or "
            "JPEGImages/ and SegmentationClass/."
        )
    return DatasetSource(files, ignore)
