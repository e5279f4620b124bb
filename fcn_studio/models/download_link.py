"""One HTTP answer, read piece by piece: time-outs, redirects, and a line that another thread can hang up."""

from __future__ import annotations

import http.client
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.client import HTTPMessage
from typing import IO, Any

from fcn_studio.core.cancel import CancelToken

_CHUNK_BYTES = 256 * 1024
_LOOK_EVERY_S = 0.1
_HUB_HASH = "X-Linked-ETag"
"""The Hugging Face hub says the SHA-256 of a large file here, on the answer that redirects to the storage."""


class Unreachable(Exception):
    """No answer came: no network, no such host, refused, or nothing within the time-out."""


class Broken(Exception):
    """An answer began and ended too early, or was none of HTTP."""


class Answer:
    """Status, headers and content of one answer. ``hub_hash``: SHA-256 that the hub promised, or ""."""

    def __init__(self, response: Any, hub_hash: str) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Message = response.headers
        self.hub_hash = hub_hash

    def length_bytes(self) -> int | None:
        """What Content-Length says, None where it says nothing usable."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isdigit() else None

    def range_bytes(self) -> tuple[int | None, int | None]:
        """(first byte, size of the whole) of Content-Range, None where it does not say."""
        unit, _, rest = self.headers.get("Content-Range", "").partition(" ")
        span, _, whole = rest.partition("/")
        first = span.partition("-")[0]
        if unit != "bytes":
            return None, None
        return int(first) if first.isdigit() else None, int(whole) if whole.isdigit() else None

    def chunks(self) -> Iterator[bytes]:
        """The content as it comes in. Raises Broken when it stops coming or is cut in a way HTTP notices."""
        while True:
            try:
                chunk = self._response.read1(_CHUNK_BYTES)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Broken(describe(error)) from error
            if not chunk:
                return
            yield chunk


@contextmanager
def open_answer(
    url: str, *, offset: int = 0, stall_s: float = 20.0, cancel: CancelToken | None = None
) -> Iterator[Answer]:
    """Ask for ``url`` from byte ``offset`` on; any status is an answer. Raises Unreachable or Broken.

    ``stall_s``: how long connecting, and the wait for each piece, may take. ``cancel`` hangs up at once;
    what was being read then ends as Broken.
    """
    headers = {"User-Agent": "fcn-studio", **({"Range": f"bytes={offset}-"} if offset else {})}
    request = urllib.request.Request(url, headers=headers)
    wire = _Wire()
    redirects = _Redirects()
    opener = urllib.request.build_opener(_PlainHandler(wire), _SecureHandler(wire), redirects)
    with _hung_up_on(cancel, wire):
        try:
            response = opener.open(request, timeout=stall_s)
        except urllib.error.HTTPError as error:
            response = error  # its body and headers are read like any other's
        except urllib.error.URLError as error:
            raise Unreachable(describe(error.reason)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(describe(error)) from error
        try:
            yield Answer(response, redirects.hub_hash or _clean_hash(response.headers))
        finally:
            with suppress(OSError):
                response.close()


def describe(reason: Any) -> str:
    """The shortest words for what went wrong on the line."""
    if isinstance(reason, TimeoutError) or "timed out" in str(reason):
        return "nothing came in time"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {reason.verify_message}"
    if isinstance(reason, http.client.IncompleteRead):
        return "it was cut off"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


class _Wire:
    """The sockets of one request, redirects included."""

    def __init__(self) -> None:
        self._sockets: list[Any] = []

    def add(self, socket: Any) -> None:
        self._sockets.append(socket)

    def hang_up(self) -> None:
        for socket in self._sockets:
            with suppress(OSError):
                socket.shutdown(2)  # both ways; whoever waits for data wakes up


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_noted(http.client.HTTPConnection, self._wire), request)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_noted(http.client.HTTPSConnection, self._wire), request)


def _noted(kind: Any, wire: _Wire) -> Any:
    """The connection class ``kind``, whose sockets are noted on ``wire``."""

    class Noted(kind):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            wire.add(self.sock)

    return Noted


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects over HTTP, never from a secure place to an open one; notes the hub's promise."""

    def __init__(self) -> None:
        self.hub_hash = ""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        self.hub_hash = self.hub_hash or _clean_hash(headers)
        allowed = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.startswith(allowed):
            raise urllib.error.URLError(f"it redirects to {newurl.partition(':')[0]}, which is not safe")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _clean_hash(headers: Message) -> str:
    """The SHA-256 of the hub's header; "" when there is none (small files have a hash of another kind)."""
    tag = headers.get(_HUB_HASH, "").removeprefix("W/").strip('"').lower()
    return tag if len(tag) == 64 and set(tag) <= set("0123456789abcdef") else ""


@contextmanager
def _hung_up_on(cancel: CancelToken | None, wire: _Wire) -> Iterator[None]:
    """While the block runs, hang up as soon as ``cancel`` is raised: a stalled server cannot hold anybody."""
    if cancel is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            if cancel.cancelled:
                wire.hang_up()

    watcher = threading.Thread(target=watch, name="download-cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
