"""`fcn-studio`: opens the window, or runs the command that is named."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from fcn_studio import __version__

# name: (module, attribute, one line of help); a command's module is imported only when it runs.
COMMANDS = {
    "open": ("fcn_studio.cli.open", "open_window", "Open images, a folder or a project in the window."),
    "predict": ("fcn_studio.cli.predict", "predict", "Write masks for images and folders of images."),
    "train": ("fcn_studio.cli.train", "train", "Train a network on a labelled folder or project."),
    "evaluate": ("fcn_studio.cli.evaluate", "evaluate", "Measure a checkpoint on labelled images."),
    "models": ("fcn_studio.cli.models", "models", "List the networks; fetch pretrained weights."),
    "tour": ("fcn_studio.cli.tour", "tour", "Drive the real window through its main job, off-screen."),
}


class LazyCommands(click.Group):
    """A group whose commands are imported when they are asked for; anything else is a path to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`fcn-studio photo.jpg` is `fcn-studio open photo.jpg`; so is `fcn-studio` alone."""
        own = {"--help", "-h", "--version"}
        if not args or (args[0] not in COMMANDS and args[0] not in own):
            if args:
                _refuse_slip(ctx, args[0])
            args = ["open", *args]
        return super().parse_args(ctx, args)


def _refuse_slip(ctx: click.Context, word: str) -> None:
    """`predcit` is a slip of the pen, and no image to open: a script would wait for its window for ever."""
    meant = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.8)
    if meant and not Path(word).exists():
        ctx.fail(
            f"There is no command {word!r}, and no file or folder of that name. Did you mean {meant[0]!r}?"
        )


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Open images, see what a network takes each pixel for, correct it, teach it.\n\n"
    "fcn-studio [IMAGE | FOLDER | PROJECT]... opens the window.",
)
@click.version_option(__version__, prog_name="fcn-studio")
def cli() -> None:
    """The group itself does nothing; its commands do."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script; exits with the command's code."""
    cli.main(args=list(sys.argv[1:] if arguments is None else arguments), prog_name="fcn-studio")
