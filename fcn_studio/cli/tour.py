"""`fcn-studio tour`: the real window, off-screen, through its main job; screenshots, masks, figures."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from fcn_studio.cli.console import handles_errors, note, print_json


@click.command("tour")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where networks run."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary to standard output.")
@handles_errors
def tour(out: Path, device: str, as_json: bool) -> None:
    """Drive the real window off-screen through its main job on the samples.

    Writes screenshots, masks/ and summary.json under --out.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from fcn_studio.ui.tour import run_tour

    summary = run_tour(out, device=device, seconds_before=_seconds_since_start())
    if as_json:
        print_json(summary)
        return
    for stage in summary["stages"]:
        note(f"{stage['seconds']:6.2f} s  {stage['name']:18} {out / stage['screenshot']}")
    taught = summary["fine_tune"]
    note(f"The network gave {taught['agreement_before']:.0%} of the painted pixels their class before,")
    note(f"{taught['agreement_after']:.0%} after {taught['seconds']:.0f} s of fine-tuning.")
    note(f"Masks: {out / 'masks'}   figures: {out / 'summary.json'}")


def _seconds_since_start() -> float:
    """How long this process has been running; 0 where the system does not tell cheaply."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
        uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return time.process_time()
    return uptime_s - int(fields[19]) / os.sysconf("SC_CLK_TCK")
