"""Where `train` writes: found out before anything runs, so that no training ends without a place for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fcn_studio.io.atomic import TEMPORARY_PREFIX, make_folder, storage_error
from fcn_studio.models.spec import checkpoint_paths


def require_writable(out: Path) -> None:
    """Make the folder of the checkpoint ``out`` and try a write there.

    Raises ReadOnlyError or StorageError naming the file that could not be written.
    """
    for path in checkpoint_paths(out):
        target = Path(os.path.realpath(path))  # a link is followed, as by the write itself
        make_folder(target.parent)
        try:
            with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, suffix=".tmp", dir=target.parent):
                if target.is_dir():
                    raise IsADirectoryError(f"{path} is a folder")
        except OSError as error:
            raise storage_error(error, path) from error
