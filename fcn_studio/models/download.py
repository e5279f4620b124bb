"""A weights file from the network into a folder: progress, cancel, resume, time-outs, SHA-256."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import DownloadError, StorageError
from fcn_studio.io.atomic import make_folder, storage_error, sync_folder, write_atomic
from fcn_studio.models.download_link import Answer, Broken, Unreachable, open_answer

WAYS_OUT = (
    "Go online and try again, name a file that you have with --weights, or start from the embedded model."
)
OnProgress = Callable[[int, int | None], None]
"""(bytes there, bytes of the whole or None) after every piece."""

_SHORTEST_HASH = 8
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server. ``sha256``: its hash, or at least the first 8 digits of it; "" where only the
    server knows it (the Hugging Face hub, which says it with every answer)."""

    url: str
    file_name: str
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.sha256 and len(self.sha256) < _SHORTEST_HASH:
            raise ValueError(f"{self.file_name}: {self.sha256!r} is too short to check anything")


@dataclass(frozen=True)
class Patience:
    """How long a wait may be, how often without a further byte, and the first pause between two tries."""

    stall_s: float = 20.0
    tries: int = 4
    pause_s: float = 1.0


def _ignore(_done: int, _total: int | None) -> None:
    """Progress that nobody looks at."""


class _TryAgain(Exception):
    """What may pass: the server is busy, or the line broke after it had been there."""


def fetch_file(
    remote: RemoteFile,
    folder: Path,
    *,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
    patience: Patience = Patience(),
) -> Path:
    """The path of the file in ``folder``, fetched unless a whole one lies there.

    Also a file that is there is checked by its SHA-256, and replaced where it is another. What came in before
    an interruption stays beside it as ``.part`` and is continued the next time, in this process or another.
    Raises DownloadError (no network, no such file, not what was promised), StorageError, Cancelled.
    """
    target = folder / remote.file_name
    if is_whole(target, remote.sha256):
        return target
    make_folder(folder)
    with _alone(target, cancel):
        if not is_whole(target, remote.sha256):  # another program may have fetched it meanwhile
            _Transfer(remote, target, on_progress, cancel or CancelToken(), patience).run()
    return target


def is_whole(path: Path, sha256: str = "") -> bool:
    """Whether the file is there and has this hash (or beginning of one) and the one noted when it came."""
    note = _note_of(path)
    noted = note.read_text(encoding="ascii", errors="replace").split()[:1] if note.is_file() else []
    expected = [digest for digest in (sha256, *noted) if digest]
    if not expected or not path.is_file():
        return False
    found = compute_sha256(path)
    return all(found.startswith(digest) for digest in expected)


def compute_sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits. Raises StorageError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise StorageError(
            f"{path} could not be read ({error.strerror}): check the disk, then try again."
        ) from error
    return digest.hexdigest()


def _note_of(path: Path) -> Path:
    """Where the hash of a fetched file is kept, in the form of the program sha256sum."""
    return path.with_name(path.name + ".sha256")


class _Transfer:
    """One file on its way: tries until it is whole, or says why it cannot be."""

    def __init__(
        self,
        remote: RemoteFile,
        target: Path,
        on_progress: OnProgress | None,
        cancel: CancelToken,
        patience: Patience,
    ) -> None:
        self._remote = remote
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._report = on_progress or _ignore
        self._cancel = cancel
        self._patience = patience
        self._expected = remote.sha256
        self._answered = False
        self._pieces = 0

    def run(self) -> None:
        self._pieces = 1 if self._have() else 0
        digest = self._receive_and_check()
        if not digest and self._pieces > 1:  # the pieces may be of two versions: once more, in one go
            digest = self._receive_and_check()
        if not digest:
            raise self._failure(
                f"what {self._host} sent is not the file that was promised (its SHA-256 does not begin with "
                f"{self._expected[:12]}), so it was not kept"
            )
        self._place(digest)

    def _receive_and_check(self) -> str:
        """The SHA-256 of the file that came, or "" when it is another one, which is then thrown away."""
        self._receive_all()
        digest = compute_sha256(self._part)
        if self._expected and digest.startswith(self._expected):
            return digest
        self._part.unlink()
        if not self._expected:
            raise self._failure(f"{self._host} does not say how to check it (SHA-256), so it was not kept")
        return ""

    def _receive_all(self) -> None:
        """Until the server has no more to send; raises DownloadError when no try brings a further byte."""
        failures, best = 0, self._have()
        while True:
            try:
                return self._receive()
            except (Unreachable, _TryAgain, Broken) as error:
                reason = error
            self._cancel.raise_if_cancelled()
            if isinstance(reason, Unreachable) and not self._answered:  # not even once: there is no network
                raise self._failure(f"{self._host} cannot be reached ({reason})") from reason
            failures = 0 if self._have() > best else failures + 1
            best = max(best, self._have())
            if failures >= self._patience.tries:
                raise self._failure(f"{self._host} does not send it whole ({reason})") from reason
            self._pause(self._patience.pause_s * 2 ** max(0, failures - 1))

    def _receive(self) -> None:
        self._cancel.raise_if_cancelled()
        have = self._have()
        with open_answer(
            self._remote.url, offset=have, stall_s=self._patience.stall_s, cancel=self._cancel
        ) as answer:
            self._answered = True
            self._expected = self._expected or answer.hub_hash
            first, total = answer.range_bytes()
            if answer.status == 416 and total == have:
                return
            if answer.status == 206 and have and first == have:
                mode = "ab"
            elif answer.status == 200:
                mode, have, total = "wb", 0, answer.length_bytes()
                self._pieces = 0
            else:
                raise self._refusal(answer)
            self._require_space(have, total)
            self._pieces += 1
            self._write(answer, mode, have, total)

    def _refusal(self, answer: Answer) -> Exception:
        """What a status without content means for the file."""
        status = answer.status
        if status in (206, 416):  # another part than was asked for
            self._part.unlink(missing_ok=True)
            return _TryAgain("it sent another part of the file")
        if status in (408, 425, 429) or status >= 500:
            return _TryAgain(f"it answers {status}, busy or out of order")
        word = "is not there any more" if status in (404, 410) else f"answers {status}"
        return self._failure(f"{self._remote.url} {word}")

    def _write(self, answer: Answer, mode: str, have: int, total: int | None) -> None:
        with self._open(mode) as file:
            self._report(have, total)
            for chunk in answer.chunks():
                self._cancel.raise_if_cancelled()
                try:
                    file.write(chunk)
                except OSError as error:
                    raise storage_error(error, self._part) from error
                have += len(chunk)
                self._report(have, total)
        self._cancel.raise_if_cancelled()
        if total is not None and have < total:
            raise Broken(f"it ended after {have} of {total} bytes")

    def _open(self, mode: str) -> IO[bytes]:
        try:
            return self._part.open(mode)
        except OSError as error:
            raise storage_error(error, self._part) from error

    def _require_space(self, have: int, total: int | None) -> None:
        free = shutil.disk_usage(self._part.parent).free
        if total is not None and total - have > free:
            raise StorageError(
                f"{self._remote.file_name} needs {(total - have) / 1e6:.0f} MB, and {self._part.parent} has "
                f"{free / 1e6:.0f} MB left: free some space, or set TORCH_HOME to a larger disk."
            )

    def _place(self, digest: str) -> None:
        try:
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(self._part, self._target)
            sync_folder(self._target.parent)
        except OSError as error:
            raise storage_error(error, self._target) from error
        write_atomic(_note_of(self._target), f"{digest}  {self._target.name}\n".encode())

    def _have(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._cancel.raise_if_cancelled()
            time.sleep(min(left, 0.1))

    @property
    def _host(self) -> str:
        return urlsplit(self._remote.url).hostname or self._remote.url

    def _failure(self, reason: str) -> DownloadError:
        return DownloadError(f"{self._remote.file_name} could not be fetched: {reason}. {WAYS_OUT}")


@contextmanager
def _alone(target: Path, cancel: CancelToken | None) -> Iterator[None]:
    """Wait until no other program fetches the same file (the lock goes with a program that is killed)."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(target.name + ".lock"))
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            if cancel is not None:
                cancel.raise_if_cancelled()
        except OSError as error:
            raise storage_error(error, target) from error
    try:
        yield
    finally:
        lock.release()
