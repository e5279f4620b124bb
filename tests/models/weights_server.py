"""A real HTTP server on this machine that sends one file, well or badly."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Request(BaseHTTPRequestHandler):
    """One request; how it is answered is the server's ``behave``, in turn for each request."""

    server: WeightsServer

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        turn = min(len(self.server.ranges), len(self.server.behave)) - 1
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may hang up
            self.server.behave[turn](self)

    def log_message(self, *args: object) -> None:
        pass

    def first_byte(self) -> int:
        """Where the client wants to begin."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def say(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def say_part(self, first: int, content: bytes = CONTENT) -> None:
        span = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.say(206, len(content) - first, Content_Range=span)


class WeightsServer(ThreadingHTTPServer):
    """Answers request n as ``behave[n]`` says, then on as the last one; ``ranges``: what was asked for."""

    daemon_threads = True

    def __init__(self, *behave: Callable[[Request], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.behave = behave
        self.ranges: list[str | None] = []
        self.ended = threading.Event()
        self.tired = False

    def url(self, path: str = "/net.pth") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def keep_line(self) -> None:
        """Be silent until the test is over; ``tired`` when that takes too long."""
        self.tired = not self.ended.wait(10)

    def handle_error(self, *args: object) -> None:
        pass


def send(request: Request) -> None:
    """As servers should: the whole, or the rest from the byte that was asked for."""
    first = request.first_byte()
    if first >= len(CONTENT):
        request.say(416, 0, Content_Range=f"bytes */{len(CONTENT)}")
    elif first:
        request.say_part(first)
        request.wfile.write(CONTENT[first:])
    else:
        request.say(200, len(CONTENT))
        request.wfile.write(CONTENT)


def cut_off(request: Request) -> None:
    """Promises the rest, sends 600,000 bytes of it and hangs up."""
    first = request.first_byte()
    if first:
        request.say_part(first)
    else:
        request.say(200, len(CONTENT))
    request.wfile.write(CONTENT[first : first + 600_000])


def stall(request: Request) -> None:
    """Sends the first 100,000 bytes, then nothing, and keeps the line."""
    request.say(200, len(CONTENT))
    request.wfile.write(CONTENT[:100_000])
    request.wfile.flush()
    request.server.keep_line()


def say_nothing(request: Request) -> None:
    """Takes the request and is silent."""
    request.server.keep_line()


def ignore_range(request: Request) -> None:
    request.say(200, len(CONTENT))
    request.wfile.write(CONTENT)


def cut_off_ignoring_range(request: Request) -> None:
    request.say(200, len(CONTENT))
    request.wfile.write(CONTENT[:600_000])


def promise_more(request: Request) -> None:
    """Sends the whole file, but says that it is longer."""
    if request.first_byte():
        send(request)
    else:
        request.say(200, len(CONTENT) + 1000)
        request.wfile.write(CONTENT)


def promise_less(request: Request) -> None:
    request.say(200, len(CONTENT) - 1000)
    request.wfile.write(CONTENT)


def promise_nothing(request: Request) -> None:
    """No length at all: the end of the file is the end of the line."""
    request.say(200, None)
    request.wfile.write(CONTENT)


def send_another_part(request: Request) -> None:
    """Answers a range with the bytes after it."""
    first = request.first_byte()
    if first:
        request.say_part(first + 10)
        request.wfile.write(CONTENT[first + 10 :])
    else:
        request.say(200, len(CONTENT))
        request.wfile.write(CONTENT)


def send_another_file(request: Request) -> None:
    other = CONTENT[::-1]
    first = request.first_byte()
    if first:
        request.say_part(first)
    else:
        request.say(200, len(other))
    request.wfile.write(other[first:])


def send_slowly(request: Request) -> None:
    request.say(200, len(CONTENT))
    for i in range(0, len(CONTENT), 4096):
        request.wfile.write(CONTENT[i : i + 4096])
        time.sleep(0.002)


def refuse(status: int) -> Callable[[Request], None]:
    return lambda request: request.say(status, 0)


def redirect(path: str, **headers: str) -> Callable[[Request], None]:
    return lambda request: request.say(302, 0, Location=path, **headers)
