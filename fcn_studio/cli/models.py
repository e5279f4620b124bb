"""`fcn-studio models`: what each network offers, and fetching pretrained weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from fcn_studio.cli.console import handles_errors, note, print_json

_HELP = """What each network offers: the trunks, and the networks that are not put together from one.

A network is named HEAD_TRUNK with HEAD one of fcn32s, fcn16s, fcn8s, fcn4s: fcn8s_vgg16. Any other backbone
of timm goes as HEAD_timm:NAME. With --json every trunk and every network is listed, with the keys name,
kind, family, trunk, parameters, stride, receptive_field, exact_tiling, preprocessing, weights, licence, url,
sha256.
"""


@click.group("models", invoke_without_command=True, help=_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON array.")
@click.pass_context
@handles_errors
def models(context: click.Context, as_json: bool) -> None:
    if context.invoked_subcommand is not None:
        return
    import msgspec

    from fcn_studio.models.catalog import read_catalog

    offers = read_catalog()
    if as_json:
        print_json([msgspec.to_builtins(offer) for offer in offers])
        return
    trunks = [offer for offer in offers if offer.kind == "trunk"]
    alone = [offer for offer in offers if offer.kind == "network" and not offer.trunk]
    _print_table("trunk", trunks)
    click.echo()
    _print_table("network of its own", alone)


@models.command("fetch")
@click.argument("name")
@handles_errors
def fetch(name: str) -> None:
    """Fetch the pretrained weights of the trunk or network NAME and print the path of the file.

    They are kept where torch.hub keeps its own (TORCH_HOME). A whole copy that is there is not fetched again,
    and what was interrupted goes on where it was.
    """
    from fcn_studio.models.weights_source import fetch_weights

    _require_fetchable(name)
    with _bytes_bar(f"Fetching {name}") as on_progress:
        path = fetch_weights(name, on_progress=on_progress)
    click.echo(str(path))


def fetch_pretrained(weights: tuple[str, ...], architecture: str) -> tuple[str, ...]:
    """The words after --weights with files in place of "pretrained"; one for each part of "a+b"."""
    from fcn_studio.models.weights_source import PRETRAINED, fetch_weights

    parts = architecture.split("+")
    found = list(weights)
    for index, (word, part) in enumerate(zip(weights, parts, strict=False)):
        if word == PRETRAINED:
            _require_fetchable(part)
            with _bytes_bar(f"Fetching weights for {part}") as on_progress:
                found[index] = str(fetch_weights(part, on_progress=on_progress))
    return tuple(found)


def _require_fetchable(name: str) -> None:
    """Raise CheckpointError before anything is said to be fetched: an unknown name, or nothing to fetch."""
    from fcn_studio.core.errors import CheckpointError
    from fcn_studio.models.catalog import find_offer
    from fcn_studio.models.weights_source import find_remote

    if "timm:" not in name and _comes_along(find_offer(name)):
        raise CheckpointError(
            f"There are no pretrained weights to fetch for {name}: they come with the program, in the "
            "embedded model, which `train` starts from where --architecture is left out. Or name a file with "
            "--weights."
        )
    find_remote(name)


def _comes_along(offer: Any) -> bool:
    """Whether the pretrained weights are those in the embedded model, which nobody offers for download."""
    return bool(offer.weights) and not offer.url


def _weights(offer: Any) -> str:
    return f"{offer.weights}, in the embedded model" if _comes_along(offer) else offer.weights or "nothing"


def _print_table(title: str, offers: list[Any]) -> None:
    """One line an offer, for people."""
    rows = [(title, "weights M", "stride", "sees px", "tiles", "pretrained on", "licence")]
    for offer in offers:
        field = "all" if offer.receptive_field is None else str(offer.receptive_field)
        rows.append(
            (offer.name, f"{offer.parameters / 1e6:.1f}", str(offer.stride), field,
             "exact" if offer.exact_tiling else "not exact", _weights(offer), offer.licence)
        )  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in (1, 2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


@contextmanager
def _bytes_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar in megabytes on stderr while the block runs; one line where stderr is no terminal."""
    if not sys.stderr.isatty():
        note(f"{title} ...")
        yield lambda done, total: None  # noqa: ARG005
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(title, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)
