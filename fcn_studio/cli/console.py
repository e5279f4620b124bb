"""What every command shares: progress with time left, complaints on stderr, JSON on stdout, exit codes."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, Protocol, TypeVar

import click

from fcn_studio.core.errors import FcnStudioError, UsageError

EXIT_DONE = 0
EXIT_FAILED = 1
"""Something failed and was named on stderr; the rest is done."""
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""Ended by Ctrl+C (128 + SIGINT, as shells count)."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class FiniteRange(click.FloatRange):
    """A number between bounds; "nan" and "inf", which float() takes and no bound stops, are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number that can be used.", param, ctx)
        return number


class Progress(Protocol):
    """A bar that a command moves; does nothing where nobody looks."""

    def advance(self, steps: float = 1) -> None: ...

    def describe(self, text: str) -> None: ...


class _Quiet:
    """Progress away from a terminal."""

    def advance(self, steps: float = 1) -> None:
        del steps

    def describe(self, text: str) -> None:
        del text


class _Bar:
    """Progress on a terminal: one task of a rich progress display."""

    def __init__(self, display: Any, task: Any) -> None:
        self._display = display
        self._task = task

    def advance(self, steps: float = 1) -> None:
        self._display.advance(self._task, steps)

    def describe(self, text: str) -> None:
        self._display.update(self._task, description=text)


@contextmanager
def progress(total: float | None, title: str) -> Iterator[Progress]:
    """A bar with count and time left on stderr while the block runs; silent when stderr is no terminal.

    total: how many steps there are; None = unknown. Complaints printed by `fail` appear above the bar.
    """
    if not sys.stderr.isatty():
        yield _Quiet()
        return
    # rich takes a tenth of a second to import, which a pipe need not pay.
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield _Bar(display, display.add_task(title, total=total))


def fail(message: str) -> None:
    """Print one complaint (a sentence with its cure) to stderr."""
    print(message, file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Print one line that is no complaint, for people, to stderr, so that stdout stays clean."""
    print(message, file=sys.stderr, flush=True)


def summarize(message: str) -> None:
    """Print a closing line to stderr for a person at a terminal; silent in pipes and scripts."""
    if sys.stderr.isatty():
        note(message)


def print_json(value: Any) -> None:
    """Print one JSON document on one line of stdout, in ASCII for any terminal, and let it out at once."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


ignore_option = click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.IntRange(0, 255),
    help="One more mask value that means no label.",
)


def handles_errors(
    command: Callable[_Arguments, _Result], interrupted: str = "Interrupted; what was finished is kept."
) -> Callable[_Arguments, _Result]:
    """Decorate a command: errors of the tree become a sentence on stderr and exit code 1 (usage: 2).

    Ctrl+C ends with 130 and the sentence ``interrupted``. An unknown exception stays one, with its traceback:
    it is a fault of the program.
    """

    @functools.wraps(command)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return command(*args, **kwargs)
        except FcnStudioError as error:
            fail(error.user_message)
            raise SystemExit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED) from None
        except KeyboardInterrupt:
            fail(interrupted)
            raise SystemExit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # The reader of the pipe (head, less) has gone; Python must not complain while shutting down.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(EXIT_FAILED) from None

    return run
