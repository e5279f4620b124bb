"""The dispatcher in Qt: order, threads, closing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fcn_studio.ui.bridge import QtDispatcher

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_calls_from_other_threads_run_on_the_owner_thread_in_order(qtbot: QtBot) -> None:
    dispatcher, ran = QtDispatcher(), []
    owner = threading.get_ident()

    def post_many() -> None:
        for number in range(200):
            dispatcher.post(lambda n=number: ran.append((n, threading.get_ident())))

    thread = threading.Thread(target=post_many)
    thread.start()
    thread.join()
    assert ran == []  # nothing runs before the owner's loop turns
    qtbot.waitUntil(lambda: len(ran) == 200)
    assert [number for number, _ in ran] == list(range(200))
    assert {ident for _, ident in ran} == {owner}


def test_many_threads_at_once_lose_nothing(qtbot: QtBot) -> None:
    dispatcher, ran = QtDispatcher(), []
    threads = [
        threading.Thread(
            target=lambda k=k: [dispatcher.post(lambda i=i: ran.append((k, i))) for i in range(100)]
        )
        for k in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    qtbot.waitUntil(lambda: len(ran) == 800)
    for k in range(8):
        assert [i for thread, i in ran if thread == k] == list(range(100))


def test_a_call_that_posts_is_not_run_inside_itself(qtbot: QtBot) -> None:
    dispatcher, ran = QtDispatcher(), []

    def outer() -> None:
        dispatcher.post(lambda: ran.append("inner"))
        ran.append("outer")

    dispatcher.post(outer)
    qtbot.waitUntil(lambda: len(ran) == 2)
    assert ran == ["outer", "inner"]


def test_after_close_nothing_runs(qtbot: QtBot) -> None:
    dispatcher, ran = QtDispatcher(), []
    dispatcher.post(lambda: ran.append("before"))
    dispatcher.close()
    dispatcher.post(lambda: ran.append("after"))
    qtbot.wait(30)
    assert ran == []


def test_posting_to_a_deleted_dispatcher_is_harmless(qtbot: QtBot) -> None:
    from shiboken6 import delete

    dispatcher = QtDispatcher()
    delete(dispatcher)
    dispatcher.post(lambda: None)
