"""Predictions kept for a second visit: the recent ones in memory, more on disk, both within a limit."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_studio.core.errors import StorageError
from fcn_studio.core.prediction import Prediction
from fcn_studio.inference.places import prune_folder, remove_quietly
from fcn_studio.io.atomic import write_atomic

MEMORY_LIMIT_BYTES = 128 << 20
DISK_LIMIT_BYTES = 512 << 20
_MAGIC = b"FCNSPR1\n"
_WRITES_BETWEEN_PRUNING = 16


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a prediction depends on. image: see `image_id`; long_side: 0 where the card's own was used."""

    image: str
    checkpoint_id: str
    long_side: int = 0

    @property
    def file_name(self) -> str:
        text = f"{self.image}\n{self.checkpoint_id}\n{self.long_side}"
        return f"{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.pred"


def image_id(path: Path) -> str:
    """An id that changes when the file does: path, size and time of change. Raises OSError."""
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


class PredictionCache:
    """Safe to use from several threads; a folder of None keeps everything in memory alone.

    `recall` looks in memory only and is quick enough for the window's thread; `read` and `write` may touch
    the disk. A damaged, foreign or unwritable file is as good as none.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
        disk_limit_bytes: int = DISK_LIMIT_BYTES,
    ) -> None:
        self._folder = folder
        self._memory_limit_bytes = memory_limit_bytes
        self._disk_limit_bytes = disk_limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[CacheKey, Prediction] = OrderedDict()
        self._kept_bytes = 0
        self._writes = 0

    @property
    def memory_bytes(self) -> int:
        """Bytes of arrays held in memory now."""
        return self._kept_bytes

    def recall(self, key: CacheKey) -> Prediction | None:
        """The prediction if it is in memory."""
        with self._lock:
            prediction = self._kept.get(key)
            if prediction is not None:
                self._kept.move_to_end(key)
            return prediction

    def remember(self, key: CacheKey, prediction: Prediction) -> None:
        """Keep a prediction in memory, and let go of those not asked for longest."""
        with self._lock:
            self._forget(key)
            self._kept[key] = prediction
            self._kept_bytes += _size_bytes(prediction)
            while self._kept_bytes > self._memory_limit_bytes and self._kept:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: CacheKey) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._kept_bytes -= _size_bytes(old)

    def read(self, key: CacheKey) -> Prediction | None:
        """The prediction from memory or disk, or None."""
        prediction = self.recall(key)
        if prediction is not None or self._folder is None:
            return prediction
        path = self._folder / key.file_name
        try:
            data = path.read_bytes()
        except OSError:
            return None
        prediction = _decode(data, key)
        if prediction is None:
            remove_quietly(path)
            return None
        with contextlib.suppress(OSError):  # a cache on a read-only disk can still be read
            os.utime(path)
        self.remember(key, prediction)
        return prediction

    def write(self, key: CacheKey, prediction: Prediction) -> None:
        """Keep a prediction in memory and on disk."""
        self.remember(key, prediction)
        if self._folder is None:
            return
        path = self._folder / key.file_name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, _encode(key, prediction), sync=False)
        except (OSError, StorageError):
            return
        with self._lock:
            prune_now = self._writes % _WRITES_BETWEEN_PRUNING == 0
            self._writes += 1
        if prune_now:
            prune_folder(self._folder, self._disk_limit_bytes, keep=path)


def _size_bytes(prediction: Prediction) -> int:
    return prediction.channels.nbytes + prediction.confidence.nbytes


def _encode(key: CacheKey, prediction: Prediction) -> bytes:
    header = json.dumps(
        {
            "key": [key.image, key.checkpoint_id, key.long_side],
            "hw": prediction.shape_hw,
            "class_keys": prediction.class_keys,
            "checkpoint_id": prediction.checkpoint_id,
            "exact": prediction.exact,
            "seconds": prediction.seconds,
            "engine": prediction.engine,
        }
    ).encode()
    body = zlib.compress(prediction.channels.tobytes() + prediction.confidence.tobytes(), 1)
    return _MAGIC + struct.pack("<I", len(header)) + header + body


def _decode(data: bytes, key: CacheKey) -> Prediction | None:
    """The prediction in a file's bytes, or None when they are damaged or of another key."""
    start = len(_MAGIC) + 4
    try:
        if data[: len(_MAGIC)] != _MAGIC:
            return None
        (length,) = struct.unpack("<I", data[len(_MAGIC) : start])
        header = json.loads(data[start : start + length])
        if header["key"] != [key.image, key.checkpoint_id, key.long_side]:
            return None
        height, width = header["hw"]
        planes = np.frombuffer(zlib.decompress(data[start + length :]), np.uint8).reshape(2, height, width)
        return Prediction(
            channels=planes[0],
            confidence=planes[1],
            class_keys=tuple(header["class_keys"]),
            checkpoint_id=header["checkpoint_id"],
            exact=header["exact"],
            seconds=header["seconds"],
            engine=header["engine"],
        )
    except (ValueError, KeyError, TypeError, struct.error, zlib.error):
        return None
