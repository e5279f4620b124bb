"""A weights file arrives whole or not at all, whatever the server does; the server is a real one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, DownloadError, StorageError
from fcn_studio.models.download import Patience, RemoteFile, fetch_file, is_whole
from tests.models import weights_server as server_does
from tests.models.weights_server import CONTENT, SHA256, WeightsServer

HASTY = Patience(stall_s=0.5, tries=3, pause_s=0.01)
WAYS_OUT = r"Go online and try again, name a file .* --weights, or start from the embedded model\.$"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Callable[..., WeightsServer]]:
    """Starts a server that behaves as told, request by request."""
    running: list[tuple[WeightsServer, threading.Thread]] = []

    def start(*behave: Callable[[server_does.Request], None]) -> WeightsServer:
        server = WeightsServer(*behave)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _remote(server: WeightsServer, sha256: str = SHA256[:8], path: str = "/net.pth") -> RemoteFile:
    return RemoteFile(server.url(path), "net.pth", sha256)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"net.pth.lock"}


ARRIVED = {"net.pth", "net.pth.sha256"}


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8]])
def test_a_file_arrives_with_its_hash_noted(serve, tmp_path: Path, sha256: str) -> None:  # type: ignore[no-untyped-def]
    server = serve(server_does.send)
    seen: list[tuple[int, int | None]] = []
    path = fetch_file(_remote(server, sha256), tmp_path / "new", on_progress=lambda *at: seen.append(at))
    assert path == tmp_path / "new" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert _names(path.parent) == ARRIVED
    assert (path.parent / "net.pth.sha256").read_text() == f"{SHA256}  net.pth\n"
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert server.ranges == [None]


@pytest.mark.parametrize(
    ("behave", "ranges"),
    [
        ([server_does.cut_off] * 4, [None, "bytes=600000-", "bytes=1200000-", "bytes=1800000-"]),
        ([server_does.cut_off, server_does.send], [None, "bytes=600000-"]),
        ([server_does.stall, server_does.send], [None, "bytes=100000-"]),
        ([server_does.say_nothing, server_does.send], [None, None]),
        ([server_does.cut_off, server_does.ignore_range], [None, "bytes=600000-"]),
        ([server_does.cut_off, server_does.send_another_part], [None, "bytes=600000-", None]),
        ([server_does.cut_off, server_does.refuse(503), server_does.send], [None, *["bytes=600000-"] * 2]),
        ([server_does.refuse(503), server_does.refuse(429), server_does.send], [None] * 3),
        ([server_does.promise_more], [None, f"bytes={len(CONTENT)}-"]),
        ([server_does.promise_nothing], [None]),
    ],
)
def test_it_goes_on_where_it_was_interrupted(serve, tmp_path: Path, behave, ranges: list[str | None]) -> None:  # type: ignore[no-untyped-def]
    server = serve(*behave)
    path = fetch_file(_remote(server), tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert server.ranges == ranges
    assert _names(tmp_path) == ARRIVED


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (server_does.refuse(404), r"net\.pth could not be fetched: http://127.* is not there any more"),
        (server_does.refuse(403), "answers 403"),
        (server_does.refuse(503), "127.0.0.1 does not send it whole .it answers 503"),
        (server_does.say_nothing, "nothing came in time"),
        (server_does.send_another_file, f"not the file that was promised .*begin with {SHA256[:8]}"),
        (server_does.promise_less, "not the file that was promised"),
        (server_does.redirect("ftp://127.0.0.1/net.pth"), "redirects to ftp, which is not safe"),
    ],
)
def test_what_is_wrong_is_said_with_the_ways_out_and_nothing_is_kept(
    serve, tmp_path: Path, behave, words
) -> None:  # type: ignore[no-untyped-def]
    server = serve(behave)
    with pytest.raises(DownloadError, match=words) as caught:
        fetch_file(_remote(server), tmp_path, patience=HASTY)
    assert caught.match(WAYS_OUT)
    assert _names(tmp_path) == set()


def test_a_server_that_never_gets_further_is_given_up_and_what_came_is_kept(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(server_does.cut_off_ignoring_range)
    with pytest.raises(DownloadError, match="ended after 600000 of 2097152 bytes") as caught:
        fetch_file(_remote(server), tmp_path, patience=HASTY)
    assert caught.match(WAYS_OUT)
    assert len(server.ranges) == 1 + HASTY.tries
    assert _names(tmp_path) == {"net.pth.part"}


def test_offline_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, but nobody listens
        remote = RemoteFile(f"http://127.0.0.1:{nobody.getsockname()[1]}/net.pth", "net.pth", SHA256)
        with pytest.raises(DownloadError, match=r"127\.0\.0\.1 cannot be reached .*refused") as caught:
            fetch_file(remote, tmp_path, patience=Patience(pause_s=1000))
    assert caught.match(WAYS_OUT)


def test_pieces_of_two_versions_are_fetched_again_in_one_go(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "net.pth.part").write_bytes(b"x" * 1000)
    server = serve(server_does.send)
    assert fetch_file(_remote(server), tmp_path, patience=HASTY).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_a_part_that_is_whole_already_is_only_checked(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "net.pth.part").write_bytes(CONTENT)
    server = serve(server_does.send)
    assert fetch_file(_remote(server), tmp_path, patience=HASTY).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_whole_file_that_is_there_is_taken_without_network(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT)
    remote = RemoteFile("http://127.0.0.1:1/net.pth", "net.pth", SHA256[:8])
    tmp_path.chmod(0o555)  # not even the place must be writable
    try:
        assert fetch_file(remote, tmp_path) == tmp_path / "net.pth"
    finally:
        tmp_path.chmod(0o755)
    assert _names(tmp_path) == {"net.pth"}


def test_a_damaged_file_that_is_there_is_replaced_when_the_right_one_has_come(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "net.pth").write_bytes(CONTENT[:-1] + b"x")
    bad = serve(server_does.send_another_file)
    with pytest.raises(DownloadError):
        fetch_file(_remote(bad), tmp_path, patience=HASTY)
    assert (tmp_path / "net.pth").exists()
    assert fetch_file(_remote(serve(server_does.send)), tmp_path).read_bytes() == CONTENT


def test_a_change_after_it_came_is_noticed_beyond_the_known_digits(tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    path = fetch_file(_remote(serve(server_does.send)), tmp_path)
    assert is_whole(path)
    (tmp_path / "net.pth.sha256").write_text(SHA256[:8] + "0" * 56 + "  net.pth\n")
    assert not is_whole(path, SHA256[:8])
    (tmp_path / "net.pth.sha256").unlink()
    assert is_whole(path, SHA256[:8])
    assert not is_whole(path)  # nothing is known of it


def test_the_hub_says_the_hash_on_its_redirect(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    moved = server_does.redirect("/storage/abc", X_Linked_ETag=f'"{SHA256}"')
    path = fetch_file(_remote(serve(moved, server_does.send), ""), tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT
    other = serve(moved, server_does.send_another_file)
    with pytest.raises(DownloadError, match="not the file that was promised"):
        fetch_file(_remote(other, ""), tmp_path / "other", patience=HASTY)
    silent = serve(server_does.send)
    with pytest.raises(DownloadError, match="does not say how to check it"):
        fetch_file(_remote(silent, ""), tmp_path / "silent", patience=HASTY)


def test_a_resumed_file_goes_through_the_redirect_again(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    moved = server_does.redirect("/storage/abc")
    server = serve(moved, server_does.cut_off, moved, server_does.send)
    assert fetch_file(_remote(server), tmp_path, patience=HASTY).read_bytes() == CONTENT
    assert server.ranges == [None, None, "bytes=600000-", "bytes=600000-"]


@pytest.mark.parametrize("behave", [server_does.stall, server_does.send_slowly, server_does.say_nothing])
def test_cancelling_ends_it_also_while_nothing_comes_and_keeps_what_came(
    serve, tmp_path: Path, behave
) -> None:  # type: ignore[no-untyped-def]
    server = serve(behave, server_does.send)
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        fetch_file(_remote(server), tmp_path, cancel=cancel, patience=Patience(stall_s=60))
    timer.join()
    assert not server.tired  # it was left while it still kept the line
    assert "net.pth" not in _names(tmp_path)
    came = (tmp_path / "net.pth.part").stat().st_size if _names(tmp_path) else 0
    assert fetch_file(_remote(server), tmp_path, patience=HASTY).read_bytes() == CONTENT
    assert server.ranges[1:] == [f"bytes={came}-" if came else None]


def test_two_programs_fetch_a_file_once(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(server_does.send_slowly)
    found: list[bytes] = []

    def fetch() -> None:
        found.append(fetch_file(_remote(server), tmp_path, patience=HASTY).read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 3
    assert server.ranges == [None]


def test_a_place_without_room_or_without_permission_is_named(serve, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        fetch_file(_remote(serve(server_does.send)), tmp_path / "file")

    def say_long(request: server_does.Request) -> None:
        request.say(200, 10**15)

    with pytest.raises(StorageError, match="needs 1000000000 MB"):
        fetch_file(_remote(serve(say_long)), tmp_path)


def test_a_hash_too_short_to_check_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        RemoteFile("https://host/net-0123456.pth", "net.pth", "0123456")
