"""The device thread: order, newest wins, one ending, preemption at yields, priority, closing."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.ports import DirectDispatcher, QueueDispatcher
from fcn_studio.jobs import DeviceThread, JobState, Priority


@pytest.fixture
def queue() -> QueueDispatcher:
    return QueueDispatcher()


@pytest.fixture
def device(queue: QueueDispatcher) -> Iterator[DeviceThread]:
    thread = DeviceThread(queue)
    yield thread
    assert thread.close(5.0)


class Gate:
    """A job that says when it began and waits until it may end."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, cancel: CancelToken) -> str:
        self.began.set()
        assert self.may_end.wait(5)
        return "through"


def test_the_most_urgent_waiting_job_runs_first_and_equals_in_order(device, queue) -> None:
    gate, order = Gate(), []
    device.submit("gate", Priority.BATCH, gate)
    assert gate.began.wait(5)
    for name, priority in [
        ("batch", Priority.BATCH),
        ("train", Priority.TRAINING),
        ("exact 1", Priority.EXACT),
        ("live", Priority.LIVE_HEAD),
        ("exact 2", Priority.EXACT),
        ("coarse", Priority.COARSE),
        ("neighbour", Priority.NEIGHBOUR),
    ]:
        last = device.submit(name, priority, lambda _, name=name: order.append(name))
    gate.may_end.set()
    assert last.wait(5)
    assert queue.run_until(lambda: device.idle, 5)
    assert order == ["live", "coarse", "exact 1", "exact 2", "train", "neighbour", "batch"]


def test_callbacks_arrive_only_through_the_dispatcher(device, queue) -> None:
    seen: list[Any] = []

    def steps(cancel: CancelToken) -> Generator[int, None, str]:
        yield 1
        yield 2
        return "end"

    handle = device.submit(
        "a",
        Priority.EXACT,
        steps,
        on_done=lambda r: seen.append(("done", r, threading.get_ident())),
        on_progress=lambda v: seen.append(("progress", v, threading.get_ident())),
    )
    assert handle.wait(5)
    assert seen == []
    queue.run_pending(1)
    here = threading.get_ident()
    assert seen == [("progress", 1, here), ("progress", 2, here), ("done", "end", here)]
    assert handle.state is JobState.DONE


def test_a_waiting_job_of_the_same_key_never_runs(device, queue) -> None:
    gate, endings = Gate(), []
    device.submit("gate", Priority.EXACT, gate)
    assert gate.began.wait(5)
    old = device.submit(
        "image", Priority.EXACT, lambda _: pytest.fail("ran"), on_cancelled=lambda: endings.append("old")
    )
    new = device.submit("image", Priority.EXACT, lambda _: 7, on_done=lambda r: endings.append(r))
    assert old.state is JobState.CANCELLED
    gate.may_end.set()
    assert new.wait(5)
    queue.run_pending(1)
    assert endings == ["old", 7]


def test_a_running_job_of_the_same_key_is_cancelled_and_its_result_dropped(device, queue) -> None:
    began, endings = threading.Event(), []

    def polite(cancel: CancelToken) -> str:
        began.set()
        while not cancel.cancelled:
            time.sleep(0.001)
        return "half a result"

    device.submit(
        "image",
        Priority.EXACT,
        polite,
        on_done=endings.append,
        on_cancelled=lambda: endings.append("cancelled"),
    )
    assert began.wait(5)
    new = device.submit("image", Priority.EXACT, lambda _: "new", on_done=endings.append)
    assert new.wait(5)
    queue.run_pending(1)
    assert endings == ["cancelled", "new"]


def test_raise_if_cancelled_ends_a_job_as_cancelled(device, queue) -> None:
    began, endings = threading.Event(), []

    def job(cancel: CancelToken) -> None:
        began.set()
        while True:
            time.sleep(0.001)
            cancel.raise_if_cancelled()

    handle = device.submit(
        "a", Priority.EXACT, job, on_failed=endings.append, on_cancelled=lambda: endings.append("c")
    )
    assert began.wait(5)
    handle.cancel()
    assert handle.wait(5)
    queue.run_pending(1)
    assert endings == ["c"]


def test_a_generator_lets_more_urgent_jobs_in_at_each_yield_and_then_goes_on(device, queue) -> None:
    order: list[str] = []
    reached = threading.Event()
    go_on = threading.Event()

    def training(cancel: CancelToken) -> Generator[None, None, str]:
        for step in range(4):
            order.append(f"step {step}")
            if step == 1:
                reached.set()
                assert go_on.wait(5)
            yield
        return "trained"

    handle = device.submit("train", Priority.TRAINING, training)
    assert reached.wait(5)
    device.submit("batch", Priority.BATCH, lambda _: order.append("batch"))
    device.submit("same", Priority.TRAINING, lambda _: order.append("same priority"))
    device.submit("exact", Priority.EXACT, lambda _: order.append("exact"))
    go_on.set()
    assert handle.wait(5)
    assert queue.run_until(lambda: device.idle, 5)
    assert order == ["step 0", "step 1", "exact", "step 2", "step 3", "same priority", "batch"]


def test_an_urgent_generator_interrupts_a_slow_one_and_is_itself_interrupted(device, queue) -> None:
    order: list[str] = []
    gate = threading.Event()
    started = threading.Event()

    def slow(cancel: CancelToken) -> Generator[None, None, None]:
        order.append("slow 0")
        started.set()
        assert gate.wait(5)
        yield
        order.append("slow 1")

    def middle(cancel: CancelToken) -> Generator[None, None, None]:
        order.append("middle 0")
        device.submit("top", Priority.LIVE_HEAD, lambda _: order.append("top"))
        yield
        order.append("middle 1")

    handle = device.submit("slow", Priority.TRAINING, slow)
    assert started.wait(5)
    device.submit("middle", Priority.EXACT, middle)
    gate.set()
    assert handle.wait(5)
    assert order == ["slow 0", "middle 0", "top", "middle 1", "slow 1"]


def test_cancel_closes_a_generator_so_that_its_finally_runs_on_the_device_thread(device, queue) -> None:
    closed: list[str] = []
    stepping = threading.Event()

    def job(cancel: CancelToken) -> Generator[int, None, None]:
        try:
            while True:
                stepping.set()
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    handle = device.submit("a", Priority.TRAINING, job)
    assert stepping.wait(5)
    handle.cancel()
    assert handle.wait(5)
    assert handle.state is JobState.CANCELLED
    assert closed == ["device"]


def test_a_suspended_generator_that_is_cancelled_is_closed_before_more_work(device, queue) -> None:
    order: list[str] = []
    started, gate = threading.Event(), Gate()

    def job(cancel: CancelToken) -> Generator[None, None, None]:
        try:
            started.set()
            while True:
                yield
        finally:
            order.append("closed")

    handle = device.submit("train", Priority.TRAINING, job)
    assert started.wait(5)
    device.submit("gate", Priority.EXACT, gate)
    assert gate.began.wait(5)
    last = device.submit("later", Priority.EXACT, lambda _: order.append("later"))
    handle.cancel()
    gate.may_end.set()
    assert last.wait(5)
    assert handle.wait(5)
    assert order == ["closed", "later"]


def test_request_stop_lets_a_job_finish_with_what_it_has(device, queue) -> None:
    results: list[Any] = []
    stepping = threading.Event()

    def training(cancel: CancelToken) -> Generator[int, None, str]:
        step = 0
        while not cancel.stop_requested:
            step += 1
            stepping.set()
            yield step
        return "best so far"

    handle = device.submit("train", Priority.TRAINING, training, on_done=results.append)
    assert stepping.wait(5)
    handle.request_stop()
    assert handle.wait(5)
    queue.run_pending(1)
    assert handle.state is JobState.DONE
    assert results == ["best so far"]


@pytest.mark.parametrize("as_generator", [False, True])
def test_an_exception_ends_its_job_as_failed_and_the_thread_goes_on(device, queue, as_generator) -> None:
    errors: list[BaseException] = []

    def plain(cancel: CancelToken) -> None:
        raise ValueError("broken")

    def stepping(cancel: CancelToken) -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    device.submit("a", Priority.EXACT, stepping if as_generator else plain, on_failed=errors.append)
    after = device.submit("b", Priority.EXACT, lambda _: 1)
    assert after.wait(5)
    queue.run_pending(1)
    assert [str(error) for error in errors] == ["broken"]


def test_a_mistake_in_a_callback_of_a_direct_dispatcher_does_not_end_the_thread(caplog) -> None:
    device = DeviceThread(DirectDispatcher())
    device.submit("a", Priority.EXACT, lambda _: 1, on_done=lambda _: 1 / 0)
    after = device.submit("b", Priority.EXACT, lambda _: 1)
    assert after.wait(5)
    assert "callback" in caplog.text
    assert device.close()


def test_activity_tells_the_running_label_and_none_when_idle(device, queue) -> None:
    labels: list[str | None] = []
    device.on_activity(labels.append)
    gate = Gate()
    device.submit("a", Priority.EXACT, gate, label="predict cat.jpg")
    assert gate.began.wait(5)
    device.submit("b", Priority.EXACT, lambda _: 1, label="predict dog.jpg")
    gate.may_end.set()
    assert queue.run_until(lambda: labels[-1:] == [None], 5)
    assert labels == ["predict cat.jpg", "predict dog.jpg", None]


def test_closing_in_the_middle_of_a_job_leaves_no_thread_and_ends_every_job(queue) -> None:
    before = threading.active_count()
    device = DeviceThread(queue)
    running = threading.Event()
    endings: Counter[str] = Counter()

    def training(cancel: CancelToken) -> Generator[None, None, None]:
        while True:
            running.set()
            time.sleep(0.001)
            yield

    for key in range(5):
        device.submit(key, Priority.TRAINING, training, on_cancelled=lambda: endings.update(["cancelled"]))
    assert running.wait(5)
    assert device.close(5.0)
    queue.run_pending(1)
    assert endings == {"cancelled": 5}
    assert threading.active_count() == before


def test_close_gives_up_on_a_deaf_job_after_its_bound(queue) -> None:
    device = DeviceThread(queue)
    gate = Gate()
    device.submit("deaf", Priority.EXACT, gate)
    assert gate.began.wait(5)
    start = time.monotonic()
    assert not device.close(0.1)
    assert time.monotonic() - start < 1.0
    gate.may_end.set()
    assert device.close(5.0)


def test_a_job_after_close_is_cancelled_at_once(queue) -> None:
    device = DeviceThread(queue)
    assert device.close()
    endings: list[str] = []
    handle = device.submit("a", Priority.EXACT, lambda _: 1, on_cancelled=lambda: endings.append("cancelled"))
    queue.run_pending(0.1)
    assert handle.state is JobState.CANCELLED
    assert endings == ["cancelled"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="thread priorities are Linux's")
def test_the_thread_is_nice_and_so_are_threads_it_starts(device) -> None:
    def niceness(cancel: CancelToken) -> tuple[int, int]:
        inner: list[int] = []
        worker = threading.Thread(target=lambda: inner.append(_nice_of_this_thread()))
        worker.start()
        worker.join()
        return _nice_of_this_thread(), inner[0]

    results: list[tuple[int, int]] = []
    queue = QueueDispatcher()
    other = DeviceThread(queue)
    handle = other.submit("a", Priority.EXACT, niceness, on_done=results.append)
    assert handle.wait(5)
    queue.run_pending(1)
    assert other.close()
    own = _nice_of_this_thread()
    assert results == [(min(own + 10, 19), min(own + 10, 19))]


def _nice_of_this_thread() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.parametrize("seed", range(8))
def test_every_job_ends_exactly_once_whatever_happens(seed: int) -> None:
    chance = random.Random(seed)
    queue = QueueDispatcher()
    device = DeviceThread(queue)
    endings: Counter[int] = Counter()
    handles = []

    def make_job(kind: int):
        def plain(cancel: CancelToken) -> int:
            return kind

        def failing(cancel: CancelToken) -> None:
            raise RuntimeError("planned")

        def generator(cancel: CancelToken) -> Generator[int, None, int]:
            yield from range(kind)
            return kind

        def checking(cancel: CancelToken) -> None:
            for _ in range(20):
                cancel.raise_if_cancelled()
                time.sleep(0.0001)

        return [plain, failing, generator, checking][kind % 4]

    for number in range(300):
        handle = device.submit(
            chance.randrange(6),
            Priority(chance.randrange(6)),
            make_job(chance.randrange(12)),
            on_done=lambda _, n=number: endings.update([n]),
            on_failed=lambda _, n=number: endings.update([n]),
            on_cancelled=lambda n=number: endings.update([n]),
        )
        handles.append(handle)
        action = chance.random()
        if action < 0.15:
            chance.choice(handles).cancel()
        elif action < 0.2:
            device.cancel(chance.randrange(6))
        elif action < 0.22:
            device.cancel_all()
        elif action < 0.4:
            time.sleep(chance.random() * 0.002)
    if seed % 2:
        assert queue.run_until(lambda: device.idle, 20)
    assert device.close(10)
    queue.run_pending(0.2)
    assert sorted(endings) == list(range(300))
    assert set(endings.values()) == {1}
    assert all(handle.state.is_ending for handle in handles)
