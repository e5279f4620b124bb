"""project.json: what a project remembers beside its labels."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fcn_studio.core.classes import ClassInfo, ClassTable
from fcn_studio.core.errors import ProjectError

VERSION = 1
FILE_NAME = "project.json"


class ClassRecord(msgspec.Struct):
    """One class as it is stored."""

    id: int
    key: str
    name: str
    color: tuple[int, int, int]
    shortcut: str | None = None
    visible: bool = True
    locked: bool = False


class SplitRecord(msgspec.Struct):
    """What is kept for comparing checkpoints, and what was used for training; fixed once it stands here.

    Images by id; strokes by journal and number. Strokes count only while fewer than five images are labelled.
    """

    held_out: list[str] = msgspec.field(default_factory=list)
    trained: list[str] = msgspec.field(default_factory=list)
    held_out_strokes: list[str] = msgspec.field(default_factory=list)
    trained_strokes: list[str] = msgspec.field(default_factory=list)


class ProjectRecord(msgspec.Struct):
    """The whole file. images: the folder of images, relative to the project's folder where possible.

    emptied: images whose label files hold no label any more (all undone or erased).
    """

    version: int = VERSION
    images: str = ""
    classes: list[ClassRecord] = msgspec.field(default_factory=list)
    next_class_id: int = 0
    reviewed: list[str] = msgspec.field(default_factory=list)
    emptied: list[str] = msgspec.field(default_factory=list)
    splits: SplitRecord = msgspec.field(default_factory=SplitRecord)
    active_checkpoint: str | None = None

    @property
    def class_table(self) -> ClassTable:
        classes = tuple(
            ClassInfo(c.id, c.key, c.name, c.color, c.shortcut, c.visible, c.locked) for c in self.classes
        )
        return ClassTable(classes, self.next_class_id)

    def put_classes(self, table: ClassTable) -> None:
        self.classes = [
            ClassRecord(c.id, c.key, c.name, c.color, c.shortcut, c.visible, c.locked) for c in table
        ]
        self.next_class_id = table.next_id


def is_blank(path: Path) -> bool:
    """Whether project.json is there but holds nothing: what a power cut may leave right after it was made.

    Later ones are on the disk before they take its place, and cannot become so.
    """
    try:
        return not path.read_bytes().strip(b"\0")
    except OSError:
        return False


class _VersionOnly(msgspec.Struct):
    version: int


def read_record(path: Path) -> ProjectRecord:
    """Read project.json. Raises ProjectError (missing, broken, newer); the file is never touched."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ProjectError(f"{path} does not exist: {path.parent} is not a project of FCN Studio.") from error
    except OSError as error:
        raise ProjectError(f"{path} could not be read ({error.strerror}): check the file.") from error
    try:
        version = msgspec.json.decode(content, type=_VersionOnly).version
        if version > VERSION:
            raise ProjectError(
                f"{path} was written by a newer version of FCN Studio (format {version}): update this one."
            )
        record = msgspec.json.decode(content, type=ProjectRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProjectError(
            f"{path} is broken ({error}): restore it from a copy, or move it away to start with new classes."
        ) from error
    _check_classes(path, record)
    return record


def _check_classes(path: Path, record: ProjectRecord) -> None:
    ids = [entry.id for entry in record.classes]
    keys = {entry.key for entry in record.classes}
    colors = [value for entry in record.classes for value in entry.color]
    fits = (
        len(set(ids)) == len(ids) == len(keys)
        and all(0 <= i < min(255, record.next_class_id) for i in ids)
        and record.next_class_id <= 255
        and all(0 <= value <= 255 for value in colors)
    )
    if not fits:
        raise ProjectError(f"{path} has a broken list of classes: restore it from a copy.")


def encode_record(record: ProjectRecord) -> bytes:
    """The bytes of project.json, made for people to read too."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
