"""What the mask of an image is called, so that no two images ever share one."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable


def make_mask_names(images: Iterable[str]) -> dict[str, str]:
    """Relative posix path of each image -> that of its mask.

    The image's path with `.png` instead of its suffix; where two images of a folder share a stem (capitals
    apart, since some disks do not tell them), the full file name plus `.png`.
    """
    listed = tuple(images)
    stems = Counter(_stem(image).casefold() for image in listed)
    files = {image.casefold() for image in listed}

    def is_shared(image: str) -> bool:
        stem = _stem(image).casefold()
        # `a.jpg.png` must not take the name that `a.jpg` gets beside an `a.png`.
        return stems[stem] > 1 or stem in files

    return {image: f"{image if is_shared(image) else _stem(image)}.png" for image in listed}


def _stem(image: str) -> str:
    return posixpath.splitext(image)[0]
