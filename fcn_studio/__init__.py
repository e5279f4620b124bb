"""FCN Studio: open images, see what a fully convolutional network takes each pixel for, correct it, teach it.

Importing this package loads neither torch nor Qt; programs start from `fcn_studio.open_project`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcn_studio.session import open_project as open_project

__version__ = "0.1.0"
__all__ = ["__version__", "open_project"]


def __getattr__(name: str) -> Any:
    if name == "open_project":
        from fcn_studio.session import open_project

        return open_project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
