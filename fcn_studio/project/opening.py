"""From what a person names (images, folders, a project) to an open project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.errors import DatasetError, ImageReadError, ProjectError, UsageError
from fcn_studio.io.dataset_classes import read_classes
from fcn_studio.io.datasets import DatasetFiles, detect_dataset
from fcn_studio.io.images import IMAGE_SUFFIXES, read_size
from fcn_studio.io.scan import PROJECT_SUFFIX, is_text, natural_key, say_no_text, scan_folder
from fcn_studio.project.listing import ImageListing
from fcn_studio.project.places import absolute, chosen_store, remembered_store, store_beside
from fcn_studio.project.project import Project
from fcn_studio.project.record import FILE_NAME, ProjectRecord, is_blank, read_record

CLASSES_FILE = "classes.json"


def open_project(paths: Sequence[Path | str], *, store: Path | None = None) -> Project:
    """Open one project folder, one folder (of images, or labelled), or image files of one folder.

    Reads only. Classes and states come from the project's folder where there is one: at `store`, at the
    place remembered for these images, or beside them. Raises ProjectError, DatasetError or LabelReadError
    with one sentence when there is nothing to show; what was passed over stands in `project.notices`.
    """
    named = [absolute(Path(path)) for path in paths]
    if not named:
        raise ProjectError("Nothing was named: choose images, a folder or a project.")
    folders = [path for path in named if path.is_dir()]
    if folders and len(named) > 1:
        raise ProjectError("Only one folder or project can be open at a time: choose one of them.")
    if not folders:
        return _open_files(named, store)
    folder = folders[0]
    if not is_text(str(folder)):
        raise ProjectError(say_no_text(str(folder)))
    if folder.name.endswith(PROJECT_SUFFIX) or (folder / FILE_NAME).is_file():
        return _open_store(folder)
    listing, notices = _list_folder(folder)
    return _make(listing, _find_store(folder, store, notices), named, notices)


def _open_files(named: list[Path], store: Path | None) -> Project:
    """One or more image files of one folder: the folder is the project, only they are listed."""
    notices = [reason for path in named if (reason := _find_fault(path)) is not None]
    images = [path for path in named if _find_fault(path) is None]
    if not images:
        raise ProjectError(notices[0])
    if (fault := _find_common_fault(images)) is not None:
        raise ProjectError(fault)
    parents = {path.parent for path in images}
    if len(parents) > 1:
        raise ProjectError("These images lie in different folders: open the folder that holds them all.")
    root = parents.pop()
    names = sorted({path.name for path in images}, key=natural_key)
    listing = ImageListing(root, tuple(names))
    return _make(listing, _find_store(root, store, notices), named, notices)


def _find_fault(path: Path) -> str | None:
    """Why a path cannot be listed as an image; broken images are, and tell it when they are opened."""
    if not is_text(str(path)):
        return say_no_text(str(path))
    if not os.path.lexists(path):
        return f"{path} does not exist: check the name."
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return None
    try:
        read_size(path)
    except ImageReadError as error:
        return error.user_message
    return None


def _find_common_fault(images: list[Path]) -> str | None:
    """The first fault when no image at all can be shown; what is open must then stay. None otherwise."""
    first = None
    for path in images:
        try:
            read_size(path)
        except ImageReadError as error:
            first = first or error.user_message
        else:
            return None
    return first


def _open_store(store: Path) -> Project:
    """A project by its own folder: its images are where project.json says."""
    usual = f"../{store.name.removesuffix(PROJECT_SUFFIX)}"
    if is_blank(store / FILE_NAME):
        record = ProjectRecord(images=usual)
    else:
        record = read_record(store / FILE_NAME)
    root = absolute(store / record.images) if record.images else store
    if not root.is_dir() and store.name.endswith(PROJECT_SUFFIX) and (store / usual).is_dir():
        root = absolute(store / usual)  # both were renamed
    if not root.is_dir():
        raise ProjectError(f"The images of {store} should be in {root}, which is not there: put them back.")
    listing, notices = _list_folder(root)
    return _make(listing, store, [store], notices)


def _list_folder(folder: Path) -> tuple[ImageListing, list[str]]:
    """All images below a folder; those of a labelled one in the order of its names."""
    files = detect_dataset(folder)
    if files is not None:
        names = {path.relative_to(folder).as_posix(): name for name, path in files.images.items()}
        return ImageListing(folder, tuple(names), files, names), list(files.notices)
    try:
        found = scan_folder(folder)
    except DatasetError as error:
        raise ProjectError(error.user_message) from error
    if not found.images:
        raise ProjectError(f"{folder} holds no image: choose a folder of JPEG, PNG, WebP, BMP or TIFF files.")
    return ImageListing(folder, found.images), list(found.notices)


def _find_store(root: Path, chosen: Path | None, notices: list[str]) -> Path:
    if chosen is not None:
        return absolute(chosen)
    store, wanted = remembered_store(root) or store_beside(root), chosen_store(root)
    if wanted is not None and store != wanted:
        notices.append(
            f"The labels of {root.name} are kept in {wanted}, which is not there: bring that disk or folder "
            f"back and open these images again. What you paint now is kept in {store}."
        )
    return store


def _make(listing: ImageListing, store: Path, named: Sequence[Path], notices: list[str]) -> Project:
    path = store / FILE_NAME
    blank = is_blank(path)
    record = read_record(path) if path.exists() and not blank else ProjectRecord()
    if listing.dataset is not None:
        table, unclear = _add_classes(record.class_table, listing.dataset)
        record.put_classes(table)
        notices += unclear
    elif not record.class_table.classes:
        record.put_classes(_read_listed_classes(listing.root / CLASSES_FILE, notices))
    if blank and not record.classes:
        read_record(path)  # classes of one's own are on disk before the first stroke: this is no power cut
    return Project(listing, store, record, opened_paths=named, notices=notices)


def _read_listed_classes(path: Path, notices: list[str]) -> ClassTable:
    """The classes that a folder of images brings along in a `classes.json`; none without that file."""
    if not path.is_file():
        return ClassTable()
    try:
        classes = read_classes(path)
        return ClassTable.from_keys(classes.keys, classes.names, classes.colors)
    except (DatasetError, UsageError) as error:
        notices.append(error.user_message)
        return ClassTable()


def _add_classes(table: ClassTable, files: DatasetFiles) -> tuple[ClassTable, list[str]]:
    """The table with the labelled folder's classes that it lacks, in their order and colours."""
    notices = []
    for key, name, color in zip(files.class_keys, files.class_names, files.class_colors, strict=True):
        if table.by_key(key) is not None:
            continue
        try:
            table = table.add(name, key=key, color=color)
        except UsageError as error:
            notices.append(f"The class “{name}” of {files.root} cannot be shown: {error}")
    return table, notices
