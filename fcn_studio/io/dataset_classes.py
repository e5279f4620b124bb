"""What the values in a labelled folder's masks mean: VOC's 21 classes, `classes.json`, or plain numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fcn_studio.core.classes import MAX_CLASSES, UNLABELLED, make_key
from fcn_studio.core.errors import DatasetError
from fcn_studio.core.palette import BACKGROUND_COLOR, Color, make_color, make_voc_palette

# fmt: off
VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)
# fmt: on


@dataclass(frozen=True)
class DatasetClasses:
    """Classes in channel order: `values[i]` is the mask value of channel i; `void` are values without label.

    `source` names where this was read, for sentences to the person.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    colors: tuple[Color, ...]
    values: tuple[int, ...]
    void: tuple[int, ...]
    source: str


class _Entry(msgspec.Struct):
    index: int
    name: str
    color: list[int] | None = None
    void: bool = False


def _voc_classes() -> DatasetClasses:
    palette = make_voc_palette()
    colors: list[Color] = [(int(r), int(g), int(b)) for r, g, b in palette[: len(VOC_NAMES)]]
    values = tuple(range(len(VOC_NAMES)))
    return DatasetClasses(VOC_NAMES, VOC_NAMES, tuple(colors), values, (UNLABELLED,), "PASCAL VOC (0 to 20)")


VOC_CLASSES = _voc_classes()


def read_classes(path: Path) -> DatasetClasses:
    """Read a `classes.json`. Raises DatasetError naming the file and the entry that is wrong."""
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
    except OSError as error:
        raise DatasetError(f"{path} could not be read ({error.strerror}): check the file.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DatasetError(
            f'{path} is no list of classes ({error}): write it as [{{"index": 0, "name": "sky"}}, ...].'
        ) from error
    _check_entries(path, entries)
    classes = sorted((entry for entry in entries if not entry.void), key=lambda entry: entry.index)
    void = {entry.index for entry in entries if entry.void}
    if all(entry.index != UNLABELLED for entry in classes):
        void.add(UNLABELLED)
    colors = tuple(_color(entry, channel) for channel, entry in enumerate(classes))
    return DatasetClasses(
        tuple(make_key(entry.name) for entry in classes),
        tuple(entry.name.strip() for entry in classes),
        colors,
        tuple(entry.index for entry in classes),
        tuple(sorted(void)),
        str(path),
    )


def _check_entries(path: Path, entries: list[_Entry]) -> None:
    classes = [entry for entry in entries if not entry.void]
    if not classes:
        raise DatasetError(f"{path} lists no class: add at least one entry that is not void.")
    if len(classes) > MAX_CLASSES:
        raise DatasetError(f"{path} lists {len(classes)} classes, at most {MAX_CLASSES} can be used.")
    indices: set[int] = set()
    keys: set[str] = set()
    for entry in entries:
        if not 0 <= entry.index <= 255:
            raise DatasetError(f"{path} gives “{entry.name}” the index {entry.index}: use 0 to 255.")
        if entry.index in indices:
            raise DatasetError(f"{path} uses the index {entry.index} twice: give each class its own.")
        indices.add(entry.index)
        if entry.color is not None and (len(entry.color) != 3 or not all(0 <= c <= 255 for c in entry.color)):
            raise DatasetError(f"{path} gives “{entry.name}” a colour that is not three numbers 0 to 255.")
        if entry.void:
            continue
        if not entry.name.strip():
            raise DatasetError(f"{path} has a class without a name (index {entry.index}): name it.")
        if make_key(entry.name) in keys:
            raise DatasetError(f"{path} has two classes called “{entry.name}”: rename one.")
        keys.add(make_key(entry.name))


def _color(entry: _Entry, channel: int) -> Color:
    if entry.color is not None:
        return (entry.color[0], entry.color[1], entry.color[2])
    return BACKGROUND_COLOR if channel == 0 else make_color(channel - 1)


def guess_classes(folder: Path, values: Iterable[int]) -> DatasetClasses:
    """Numbered classes for masks without `classes.json`: 0 is background, 255 void.

    Raises DatasetError when the values 0 and 255 are all there is, since 255 may be meant as a class.
    """
    found = set(values)
    classes = found - {UNLABELLED}
    if not classes or (classes == {0} and UNLABELLED in found):
        raise DatasetError(
            f"The masks of {folder} hold no class but 0 (255 means unlabelled): "
            "list the meaning of the values in a classes.json beside the folder masks."
        )
    count = max(classes) + 1
    names = tuple("background" if i == 0 else f"class {i}" for i in range(count))
    return DatasetClasses(
        tuple(make_key(name) for name in names),
        names,
        tuple(BACKGROUND_COLOR if i == 0 else make_color(i - 1) for i in range(count)),
        tuple(range(count)),
        (UNLABELLED,),
        f"{folder} (no classes.json, highest value {count - 1})",
    )
