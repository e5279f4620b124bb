"""The io pool: order within a serial value, newest of a key, one ending, draining."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.jobs import IoPool, JobState


@pytest.fixture
def queue() -> QueueDispatcher:
    return QueueDispatcher()


@pytest.fixture
def pool(queue: QueueDispatcher) -> Iterator[IoPool]:
    io = IoPool(queue, workers=3)
    yield io
    assert io.close(5)


def test_jobs_of_one_serial_value_run_one_after_the_other_in_order(pool, queue) -> None:
    done: dict[str, list[int]] = defaultdict(list)
    running: Counter[str] = Counter()
    overlaps: list[str] = []

    def job(name: str, number: int) -> None:
        running[name] += 1
        if running[name] > 1:
            overlaps.append(name)
        time.sleep(0.0005)
        done[name].append(number)
        running[name] -= 1

    last = [
        pool.submit(lambda n=name, i=number: job(n, i), serial=name)
        for number in range(30)
        for name in "abcd"
    ]
    assert all(handle.wait(10) for handle in last)
    assert not overlaps
    assert all(done[name] == list(range(30)) for name in "abcd")


def test_jobs_without_serial_run_side_by_side(pool) -> None:
    barrier = threading.Barrier(3)
    handles = [pool.submit(lambda: barrier.wait(5)) for _ in range(3)]
    assert all(handle.wait(5) for handle in handles)
    assert all(handle.state is JobState.DONE for handle in handles)


def test_the_newest_of_a_key_wins(queue) -> None:
    pool = IoPool(queue, workers=1)
    gate, began = threading.Event(), threading.Event()
    seen: list[str] = []

    def first() -> str:
        began.set()
        gate.wait(5)
        return "first"

    pool.submit(first, seen.append, on_cancelled=lambda: seen.append("first dropped"), key="image")
    assert began.wait(5)
    pool.submit(
        lambda: "second", seen.append, on_cancelled=lambda: seen.append("second never ran"), key="image"
    )
    third = pool.submit(lambda: "third", seen.append, key="image")
    gate.set()
    assert third.wait(5)
    queue.run_pending(1)
    assert seen == ["second never ran", "first dropped", "third"]
    assert pool.close()


def test_errors_reach_on_failed_and_the_pool_goes_on(pool, queue) -> None:
    errors: list[BaseException] = []
    failed = pool.submit(lambda: 1 / 0, on_failed=errors.append)
    assert failed.wait(5)
    after = pool.submit(lambda: 1)
    assert after.wait(5)
    queue.run_pending(1)
    assert failed.state is JobState.FAILED
    assert isinstance(errors[0], ZeroDivisionError)


def test_close_drains_what_is_queued(queue) -> None:
    before = threading.active_count()
    pool = IoPool(queue, workers=2)
    saved: list[int] = []
    for number in range(20):
        pool.submit(lambda n=number: (time.sleep(0.001), saved.append(n)), serial="image")
    assert pool.close(10)
    assert saved == list(range(20))
    assert threading.active_count() == before


def test_close_without_drain_drops_what_is_queued(queue) -> None:
    pool = IoPool(queue, workers=1)
    began, gate = threading.Event(), threading.Event()
    pool.submit(lambda: (began.set(), gate.wait(5)))
    assert began.wait(5)
    waiting = pool.submit(lambda: pytest.fail("ran"))
    gate.set()
    assert pool.close(5, drain=False)
    assert waiting.state in (JobState.CANCELLED, JobState.DONE)
    late = pool.submit(lambda: 1)
    assert late.state is JobState.CANCELLED


def test_close_keeps_its_bound_with_a_deaf_job(queue) -> None:
    pool = IoPool(queue, workers=1)
    began, gate = threading.Event(), threading.Event()
    pool.submit(lambda: (began.set(), gate.wait(10)))
    assert began.wait(5)
    waiting = pool.submit(lambda: 1)
    start = time.monotonic()
    assert not pool.close(0.1)
    assert time.monotonic() - start < 1
    assert waiting.state is JobState.CANCELLED
    gate.set()
    assert pool.close(5)


@pytest.mark.parametrize("seed", range(5))
def test_every_job_ends_exactly_once(seed: int) -> None:
    chance = random.Random(seed)
    queue = QueueDispatcher()
    pool = IoPool(queue, workers=3)
    endings: Counter[int] = Counter()
    handles = []
    for number in range(300):
        handle = pool.submit(
            (lambda: 1 / 0) if chance.random() < 0.2 else (lambda: time.sleep(0.0001)),
            lambda _, n=number: endings.update([n]),
            lambda _, n=number: endings.update([n]),
            lambda n=number: endings.update([n]),
            key=chance.choice([None, 1, 2]),
            serial=chance.choice([None, "a", "b"]),
        )
        handles.append(handle)
        if chance.random() < 0.2:
            chance.choice(handles).cancel()
    assert pool.close(10, drain=bool(seed % 2))
    queue.run_pending(0.2)
    assert sorted(endings) == list(range(300))
    assert set(endings.values()) == {1}
