"""The journal's bytes: a header, then frames of length, payload and CRC-32 (docs/adr/0002).

Integers are little-endian. Header: magic `FCNJ`, version u16, length u32, JSON, CRC-32 of the JSON.
Frame: length u32, payload, CRC-32 of the payload. Payload: kind u8, sequence number u64, body.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal

import msgspec

from fcn_studio.core.errors import LabelReadError

MAGIC = b"FCNJ"
VERSION = 1
_HEAD = struct.Struct("<4sHI")
_LENGTH = struct.Struct("<I")
_PAYLOAD = struct.Struct("<BQ")
_CRC = struct.Struct("<I")
_HEADER_LIMIT_BYTES = 65536

BaseKind = Literal["empty", "imported", "png"]


class FrameKind(IntEnum):
    """EDIT, UNDO and REDO happened after the header was written; PAST and FUTURE are history carried over.

    A PAST edit is contained in the label PNG and can be undone; a FUTURE edit can be redone. Both keep the
    number that the edit had when it was made.
    """

    EDIT = 1
    UNDO = 2
    REDO = 3
    PAST = 4
    FUTURE = 5


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal continues: frame `first_seq` is the first change of the state with these hashes.

    base: where that state comes from: nothing, an imported mask, or the label PNG. The hashes are those of
    the label and provenance planes (SHA-256 of the pixel bytes). carried: how many PAST and FUTURE frames
    follow; -1 in files of before it was noted.
    """

    image: str
    height: int
    width: int
    journal: str
    first_seq: int
    base: BaseKind
    base_labels: str
    base_provenance: str
    carried: int = -1


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry; `end` is the offset in the file behind it."""

    kind: FrameKind
    seq: int
    body: bytes
    end: int


@dataclass(frozen=True, slots=True)
class JournalFile:
    """A journal as far as it is whole: `good_bytes` of `file_bytes`; header None = not even that."""

    header: JournalHeader | None
    header_bytes: int
    frames: tuple[Frame, ...]
    good_bytes: int
    file_bytes: int

    @property
    def is_broken(self) -> bool:
        return self.good_bytes < self.file_bytes

    @property
    def last_seq(self) -> int:
        """Number of the last change in it (that of the base when there is none)."""
        first = self.header.first_seq if self.header is not None else 1
        return find_last_seq(first, self.frames)


def lacks_history(header: JournalHeader, frames: Sequence[Frame], *, is_cut: bool) -> bool:
    """Whether edits that were carried over are missing at the end: undoing the rest would make no sense."""
    found = sum(frame.kind in (FrameKind.PAST, FrameKind.FUTURE) for frame in frames)
    if header.carried < 0:
        return is_cut and 0 < found == len(frames)  # perhaps there: better no undo than a wrong one
    return found < header.carried


def find_last_seq(first_seq: int, frames: Sequence[Frame]) -> int:
    """Number of the last change; PAST and FUTURE frames are older than `first_seq`."""
    return max(first_seq - 1, frames[-1].seq if frames else 0)


def make_header(header: JournalHeader) -> bytes:
    text = msgspec.json.encode(header)
    return _HEAD.pack(MAGIC, VERSION, len(text)) + text + _CRC.pack(zlib.crc32(text))


def make_frame(kind: FrameKind, seq: int, body: bytes = b"") -> bytes:
    payload = _PAYLOAD.pack(kind, seq) + body
    return _LENGTH.pack(len(payload)) + payload + _CRC.pack(zlib.crc32(payload))


def read_journal(path: Path) -> JournalFile | None:
    """Read what is whole of a journal; None when there is no file or nothing was ever written to it.

    Raises LabelReadError when a newer version wrote it or the file may not be read.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LabelReadError(f"{path} could not be read ({error.strerror}): check the file.") from error
    if not content:
        return None
    return parse_journal(content, path)


def read_header(path: Path) -> JournalHeader | None:
    """Only the header; None where there is none that can be read. Raises LabelReadError (newer version)."""
    try:
        with path.open("rb") as file:
            return _parse_header(file.read(_HEADER_LIMIT_BYTES), path)[0]
    except OSError:
        return None


def parse_journal(content: bytes, path: Path) -> JournalFile:
    """The whole part of a journal's bytes; `path` is for sentences. Raises LabelReadError (newer version)."""
    header, header_bytes = _parse_header(content, path)
    offset = header_bytes
    frames: list[Frame] = []
    if header is not None:
        expected = header.first_seq
        while (frame := _parse_frame(content, offset)) is not None:
            if frame.kind in (FrameKind.PAST, FrameKind.FUTURE):
                if frame.seq >= header.first_seq or expected != header.first_seq:
                    break
            elif frame.seq != expected:
                break
            else:
                expected += 1
            frames.append(frame)
            offset = frame.end
    return JournalFile(header, header_bytes, tuple(frames), offset, len(content))


def _parse_header(content: bytes, path: Path) -> tuple[JournalHeader | None, int]:
    if len(content) < _HEAD.size:
        return None, 0
    magic, version, length = _HEAD.unpack_from(content)
    if magic != MAGIC:
        return None, 0
    if version > VERSION:
        raise LabelReadError(f"{path} was written by a newer version of FCN Studio: update this one to edit.")
    end = _HEAD.size + length
    text = content[_HEAD.size : end]
    if len(content) < end + _CRC.size or _CRC.unpack_from(content, end)[0] != zlib.crc32(text):
        return None, 0
    try:
        return msgspec.json.decode(text, type=JournalHeader), end + _CRC.size
    except msgspec.DecodeError:
        return None, 0


def _parse_frame(content: bytes, offset: int) -> Frame | None:
    """The frame at `offset`; None when it is cut, broken, or there is none."""
    if len(content) < offset + _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(content, offset)
    start, stop = offset + _LENGTH.size, offset + _LENGTH.size + length
    if length < _PAYLOAD.size or len(content) < stop + _CRC.size:
        return None
    payload = content[start:stop]
    if _CRC.unpack_from(content, stop)[0] != zlib.crc32(payload):
        return None
    kind, seq = _PAYLOAD.unpack_from(payload)
    if kind not in FrameKind.__members__.values():
        return None
    return Frame(FrameKind(kind), seq, payload[_PAYLOAD.size :], stop + _CRC.size)
