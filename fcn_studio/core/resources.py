"""Finds the files that come with the program: in an installed wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource_path(*parts: str) -> Path:
    """The path of a file or folder under `resources/`.

    Raises FileNotFoundError, naming where it was looked for, when the installation is incomplete.
    """
    for root in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(
        f"resources/{'/'.join(parts)} is missing beside {_PACKAGE}; install FCN Studio again"
    )
