"""`fcn-studio [PATH]...`: the window."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fcn_studio.cli.console import handles_errors
from fcn_studio.core.errors import UsageError


@click.command("open")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where networks run.")
@click.option(
    "--theme", type=click.Choice(["system", "dark", "light", "contrast"]), help="Colours of the window."
)
@click.option("--samples", is_flag=True, help="Open the sample photographs.")
@handles_errors
def open_window(paths: tuple[Path, ...], device: str | None, theme: str | None, samples: bool) -> None:
    """Open images, a folder of images, a labelled folder or a project in the window.

    Without PATH the window shows what was open last, the first time the samples.
    """
    if paths and not any(os.path.exists(path) for path in paths):
        # A script would wait for its window for ever; where some are there the window tells of the others.
        raise UsageError(
            f"There is no file or folder {', '.join(map(str, paths))}: check the name. "
            "`fcn-studio --help` lists the commands."
        )
    from fcn_studio.ui.app import run

    chosen = {name: value for name, value in (("device", device), ("theme", theme)) if value}
    raise SystemExit(run(paths, settings=chosen, samples=samples))
