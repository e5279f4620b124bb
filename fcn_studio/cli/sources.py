"""Where the commands get labelled images from: a labelled folder or a project."""

from __future__ import annotations

from pathlib import Path

from fcn_studio.core.errors import DatasetError
from fcn_studio.core.ports import SampleSource


def open_source(path: Path, ignore: int | None = None) -> SampleSource:
    """The samples of DATASET. Raises DatasetError, ProjectError, UsageError with a sentence."""
    from fcn_studio.io.datasets import detect_dataset
    from fcn_studio.project.dataset_source import DatasetSource

    if not path.exists():
        raise DatasetError(f"{path} does not exist: name a labelled folder or a project.")
    files = detect_dataset(path)
    if files is None:
        raise DatasetError(f"{path} is no labelled folder: it needs images/ and masks/, or VOC's folders.")
    return DatasetSource(files, ignore)
