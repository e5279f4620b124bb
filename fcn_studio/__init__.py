"""FCN Studio: open images, see what a fully convolutional network takes each pixel for, correct it, teach it.

Importing this package loads neither torch nor Qt; programs start from `fcn_studio.open_project`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcn_studio.session import open_project as open_project

# Before anything loads torch: its OpenMP threads would wait for each other in busy loops, and training would
# be three times slower as soon as another program wants a core (docs/benchmarks.md). An own choice is kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
__all__ = ["__version__", "open_project"]


def __getattr__(name: str) -> Any:
    if name == "open_project":
        from fcn_studio.session import open_project

        return open_project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
