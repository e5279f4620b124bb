"""Where `train` writes: found out before anything runs, so that no training ends without a place for it, and
none replaces earlier work without a word."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fcn_studio.core.errors import CheckpointError, TrainingError, UsageError
from fcn_studio.io.atomic import TEMPORARY_PREFIX, make_folder, storage_error
from fcn_studio.models.spec import checkpoint_paths, read_card


def require_place(
    out: Path, stages: Sequence[str], run_folder: Path | None, *, resume: bool, overwrite: bool
) -> None:
    """Refuse a run that would destroy earlier work, or could not write its own.

    stages: names of the networks of a staged training, else empty. Makes the folder of ``out``. Raises
    UsageError for a run or checkpoint that is there already, ReadOnlyError, StorageError.
    """
    begun = 0.0  # when the run that is gone on with was begun: what is older is not its own
    if run_folder is not None:
        folders = [run_folder / name for name in stages] or [run_folder]
        if resume:
            begun = _begun(folders[0])
        else:
            _require_no_run(run_folder, folders, overwrite)
    _require_writable(out)
    if not overwrite:
        for path in _files(out, stages):
            _require_free(path, begun if resume else None)


def _files(out: Path, stages: Sequence[str]) -> list[Path]:
    """The weights and cards that a run writes, those that were asked for first."""
    from fcn_studio.training.stages import stage_path

    outs = (out, *(stage_path(out, name) for name in stages[:-1]))
    return [file for path in outs for file in checkpoint_paths(path)]


def _begun(folder: Path) -> float:
    """When the run in the folder was begun, in seconds since the epoch; 0 where there is none."""
    from fcn_studio.training.run_folder import CONFIG

    try:
        return (folder / CONFIG).stat().st_mtime
    except OSError:
        return 0.0  # the run itself says that there is nothing to go on with


def _require_no_run(run_folder: Path, folders: Sequence[Path], overwrite: bool) -> None:
    """Raise UsageError where a state would be lost: of an unfinished run in any case, of a finished one
    unless ``overwrite``. Of a staged training the last folder says whether it is finished."""
    from fcn_studio.training.loop import STOPPED
    from fcn_studio.training.run_folder import RunFolder

    runs = [RunFolder(folder) for folder in folders]
    if not any(run.has_state for run in runs):
        return
    try:
        reason = runs[-1].load_state().get("reason", "") if runs[-1].has_state else ""
    except TrainingError:
        reason = "broken"  # nobody can go on with it
    if reason in ("", STOPPED):
        raise UsageError(
            f"{run_folder} holds an unfinished run: go on with --resume, or name another folder."
        )
    if not overwrite:
        raise UsageError(
            f"{run_folder} holds an earlier run: name another folder, or replace it with --overwrite."
        )


def _require_free(path: Path, begun: float | None) -> None:
    """Raise UsageError where a file is at the path, unless the run that began then wrote it."""
    if not os.path.lexists(path) or (begun is not None and path.exists() and path.stat().st_mtime >= begun):
        return
    try:
        card = read_card(path)
        what = f" ({card.architecture}, {len(card.class_keys)} classes, {_steps(card.figures.get('steps'))})"
    except CheckpointError:
        what = ""
    raise UsageError(f"{path} is there already{what}: name another --out, or replace it with --overwrite.")


def _steps(steps: object) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}" if isinstance(steps, int) else "steps unknown"


def _require_writable(out: Path) -> None:
    """Make the folder of the checkpoint and try a write there."""
    for path in checkpoint_paths(out):
        target = Path(os.path.realpath(path))  # a link is followed, as by the write itself
        make_folder(target.parent)
        try:
            with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, suffix=".tmp", dir=target.parent):
                if target.is_dir():
                    raise IsADirectoryError(f"{path} is a folder")
        except OSError as error:
            raise storage_error(error, path) from error
