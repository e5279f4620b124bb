"""The sample photographs: copied to the person's data folder, so that painting on them works anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

from fcn_studio.core.errors import StorageError
from fcn_studio.core.resources import resource_path


def prepare_samples(data_dir: Path) -> Path:
    """The folder of samples under `data_dir`; files that are there already are left as they are.

    Raises StorageError when the data folder cannot be written.
    """
    target = data_dir / "samples"
    try:
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted(resource_path("samples").iterdir()):
            copy = target / source.name
            if not copy.exists():
                part = copy.with_name(f".{copy.name}.part")
                shutil.copyfile(source, part)
                part.replace(copy)
    except OSError as error:
        raise StorageError(
            f"The samples could not be copied to {target} ({error.strerror}). Open images of your own."
        ) from error
    return target
