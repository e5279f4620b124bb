"""What cannot be read, at a run's start or in the middle of it, has no part in it: counted, and told once."""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import TypeVar

from fcn_studio.core.errors import FcnStudioError, InputError
from fcn_studio.training.events import LeftOut, TrainEvent

_Found = TypeVar("_Found")


class Unreadable:
    """The samples of a run that could not be read. ``quiet``: names that nobody needs to hear of."""

    def __init__(self, quiet: Collection[str] = ()) -> None:
        self._quiet = frozenset(quiet)
        self._names: set[str] = set()
        self._news: list[LeftOut] = []

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, error: InputError) -> None:
        """This sample is left out from now on; ``error`` says why."""
        if name not in self._names and name not in self._quiet:
            self._news.append(LeftOut(name, error.user_message))
        self._names.add(name)

    def told(self, walk: Generator[TrainEvent, None, _Found]) -> Generator[TrainEvent, None, _Found]:
        """The events of ``walk`` and, as soon as it is known, what is left out; also where the walk fails."""
        try:
            while True:
                try:
                    event = next(walk)
                except StopIteration as end:
                    yield from self._tell()
                    found: _Found = end.value
                    return found
                except FcnStudioError:
                    yield from self._tell()
                    raise
                yield from self._tell()
                yield event
        finally:
            walk.close()

    def _tell(self) -> Generator[TrainEvent, None, None]:
        while self._news:
            yield self._news.pop(0)
