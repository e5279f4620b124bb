"""Dispatchers run each call once, in order, on their owner's thread."""

from __future__ import annotations

import threading
import time

from fcn_studio.core.ports import DirectDispatcher, QueueDispatcher


def test_the_direct_dispatcher_runs_a_call_at_once() -> None:
    ran = []
    DirectDispatcher().post(lambda: ran.append(threading.current_thread()))
    assert ran == [threading.current_thread()]


def test_the_queue_runs_calls_of_other_threads_in_order_on_its_owners_thread() -> None:
    dispatcher, ran = QueueDispatcher(), []

    def post_all() -> None:
        for number in range(100):
            dispatcher.post(lambda n=number: ran.append((n, threading.current_thread())))

    poster = threading.Thread(target=post_all)
    poster.start()
    poster.join()
    assert ran == []
    assert dispatcher.run_pending() == 100
    assert ran == [(number, threading.current_thread()) for number in range(100)]
    assert dispatcher.run_pending() == 0


def test_run_until_waits_for_what_comes_late_and_says_when_it_does_not_come() -> None:
    dispatcher, ran = QueueDispatcher(), []
    later = threading.Timer(0.05, lambda: dispatcher.post(lambda: ran.append(1)))
    later.start()
    assert dispatcher.run_until(lambda: bool(ran), 10)
    later.join()
    start = time.monotonic()
    assert not dispatcher.run_until(lambda: len(ran) > 1, 0.1)
    assert time.monotonic() - start < 5


def test_a_call_may_post_another() -> None:
    dispatcher, ran = QueueDispatcher(), []
    dispatcher.post(lambda: dispatcher.post(lambda: ran.append(1)))
    assert dispatcher.run_until(lambda: bool(ran), 5)
