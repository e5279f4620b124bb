"""Edits that take a moment: computed on the io pool one after the other, never merged into moved labels."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from fcn_studio.core.edit import Edit
from fcn_studio.session.document import Document
from fcn_studio.session.workers import Workers

# An edit; else nothing would change: a sentence why, or None = what the request says.
Found = Edit | str | None
# Made on the session's thread from the state as it is, run on the io pool.
Computation = Callable[[], Found]


@dataclass(frozen=True, eq=False)
class EditRequest:
    """One edit that was asked for. `nothing`: what to tell where it changes nothing; empty = nothing."""

    name: str
    document: Document
    make: Callable[[], Computation]
    nothing: str = ""


class _Once:
    """A computation that two threads may ask for, and that is done once."""

    def __init__(self, compute: Computation) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._found: list[Found] = []

    def __call__(self) -> Found:
        with self._lock:
            if not self._found:
                self._found.append(self._compute())
            return self._found[0]


class EditQueue:
    """Computes requests in the order in which they came.

    A computation reads the labels as they are; their revision tells whether they moved meanwhile (also under
    its reading). Then it is made again from the new state, after the stroke that moved them has ended.
    """

    def __init__(
        self,
        workers: Workers,
        is_held_up: Callable[[], bool],
        take: Callable[[Document, Edit], None],
        tell_unchanged: Callable[[str], None],
        on_failed: Callable[[BaseException], None],
    ) -> None:
        self._workers = workers
        self._is_held_up = is_held_up
        self._take = take
        self._tell_unchanged = tell_unchanged
        self._on_failed = on_failed
        self._waiting: deque[EditRequest] = deque()
        self._running: EditRequest | None = None
        self._compute: tuple[int, _Once] | None = None  # what is running, and the revision it looks at

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def submit(self, request: EditRequest) -> None:
        """Compute it once those before it are done."""
        self._waiting.append(request)
        self.go_on()

    def drop_last(self) -> bool:
        """Forget the request that came last, taken back before it was done; False when there is none."""
        return bool(self._waiting) and self._waiting.pop() is not None

    def drop_all(self) -> None:
        """Forget all requests."""
        self._waiting.clear()

    def go_on(self) -> None:
        """Start the next computation, unless one is running or a stroke is under way."""
        if self._running is not None or not self._waiting or self._is_held_up():
            return
        request = self._running = self._waiting[0]
        revision = request.document.label_map.revision
        compute = _Once(request.make())
        self._compute = revision, compute
        self._workers.pool.submit(
            compute,
            lambda found: self._end(request, revision, found, None),
            lambda error: self._end(request, revision, None, error),
            self._on_cancelled,
            label=request.name,
        )

    def hand_over(self) -> Callable[[], Iterator[Edit]] | None:
        """The rest, for an image that is left, as a function for the io pool; None where there is none.

        It applies each edit to the labels, which nobody else may change meanwhile, and gives it back. What is
        being computed already is waited for there, and not computed again.
        """
        requests, self._waiting = list(self._waiting), deque()
        if not requests:
            return None
        label_map = requests[0].document.label_map
        computations = [request.make() for request in requests]
        if self._compute is not None and self._running is requests[0]:
            revision, running = self._compute
            computations[0] = running if revision == label_map.revision else computations[0]
        post, on_failed = self._workers.dispatcher.post, self._on_failed

        def run() -> Iterator[Edit]:
            for compute in computations:
                try:
                    found = compute()
                except Exception as error:  # noqa: BLE001 - told, as if the image were still open
                    post(partial(on_failed, error))
                    continue
                if isinstance(found, Edit):
                    found.apply(label_map)
                    yield found

        return run

    def _on_cancelled(self) -> None:
        """The threads are ending."""
        self._running = self._compute = None
        self._waiting.clear()

    def _end(self, request: EditRequest, revision: int, found: Found, error: BaseException | None) -> None:
        self._running = self._compute = None
        is_wanted = bool(self._waiting) and self._waiting[0] is request
        if is_wanted and revision == request.document.label_map.revision and not self._is_held_up():
            self._waiting.popleft()
            if error is not None:
                self._on_failed(error)
            elif isinstance(found, Edit):
                self._take(request.document, found)
            else:
                self._tell_unchanged(found or request.nothing)
        self.go_on()
