"""Where a project's own folder lies: beside its images, or where the person chose it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import platformdirs

from fcn_studio.core.errors import StorageError
from fcn_studio.io.atomic import make_folder, write_atomic
from fcn_studio.io.scan import PROJECT_SUFFIX, is_text, say_no_text

APP_NAME = "fcn-studio"


def store_beside(root: Path) -> Path:
    """The usual place for the images in `root`: `photos.fcnstudio` beside `photos`.

    Links are followed, so that a folder has one place however it is reached.
    """
    root = root.resolve()
    if root.parent == root:
        return root / f"images{PROJECT_SUFFIX}"
    return root.with_name(root.name + PROJECT_SUFFIX)


def store_within(folder: Path, root: Path) -> Path:
    """The store inside a folder that the person chose; a folder that is a store itself is taken as it is.

    Raises StorageError for a name that could not be remembered.
    """
    folder = absolute(folder)
    if not is_text(str(folder)):
        raise StorageError(say_no_text(str(folder)))
    return folder if folder.name.endswith(PROJECT_SUFFIX) else folder / store_beside(root).name


def absolute(path: Path) -> Path:
    """Absolute without `..`, links left as the person named them."""
    return Path(os.path.abspath(path))


def remembered_store(root: Path) -> Path | None:
    """The place that was chosen for the images in `root`, when it still exists."""
    store = chosen_store(root)
    return store if store is not None and os.path.isdir(store) else None


def chosen_store(root: Path) -> Path | None:
    """The place that was chosen for the images in `root`, whether it is there or on a disk that is not."""
    store = _read_places().get(str(root.resolve()))
    return Path(store) if store is not None else None


def remember_store(root: Path, store: Path) -> None:
    """Look in `store` from now on when `root` is opened. Raises StorageError."""
    places = _read_places()
    places[str(root.resolve())] = str(absolute(store))
    path = _places_path()
    make_folder(path.parent)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(places), indent=1))


def _places_path() -> Path:
    return platformdirs.user_config_path(APP_NAME) / "places.json"


def _read_places() -> dict[str, str]:
    # A broken list of places costs a question, never a project: the person is asked for the place again.
    try:
        return msgspec.json.decode(_places_path().read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
