"""Which mask file belongs to which input of a batch: nothing collides, and no input is ever written over."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fcn_studio.core.errors import FcnStudioError, ImageReadError, ProjectError, UsageError
from fcn_studio.io.scan import PROJECT_SUFFIX, scan_folder


@dataclass(frozen=True)
class Output:
    """One input and where its results go."""

    image: Path
    mask: Path
    overlay: Path


@dataclass(frozen=True)
class Plan:
    """Outputs in the order of the inputs, and a sentence for each input that cannot be done."""

    outputs: tuple[Output, ...]
    problems: tuple[tuple[Path, FcnStudioError], ...]


@dataclass(frozen=True)
class _Source:
    """An input file and its place below the folder that was named (just the name for a file)."""

    path: Path
    inner: PurePosixPath


def plan_outputs(paths: Sequence[Path], out_dir: Path) -> Plan:
    """Find the inputs and give each its files in `out_dir`.

    `cat.jpg` becomes `cat.png` and `cat.overlay.png`; inputs of a folder keep their inner folders. Where two
    would get the same file both take their full name, `cat.jpg.png`; where that is the same too, the name of
    the folder they lie in goes before it. An input that is named twice is done once.
    Raises UsageError when `out_dir` is one of the input folders.
    """
    problems: list[tuple[Path, FcnStudioError]] = []
    sources: dict[str, _Source] = {}
    for path in paths:
        for source in _find_sources(path, out_dir, problems):
            sources.setdefault(os.path.realpath(source.path), source)
    found = list(sources.values())
    outputs: list[Output] = []
    taken = {_identity(source.path) for source in found}
    for source, stem in zip(found, _choose_stems(found), strict=True):
        output = Output(source.path, _below(out_dir, stem, ".png"), _below(out_dir, stem, ".overlay.png"))
        clash = next((file for file in (output.mask, output.overlay) if _identity(file) in taken), None)
        if clash is None:
            outputs.append(output)
        else:
            sentence = (
                f"{source.path} was not done, because its mask would replace the input {clash}: "
                "choose another --out."
            )
            problems.append((source.path, UsageError(sentence)))
    return Plan(tuple(outputs), tuple(problems))


def _find_sources(path: Path, out_dir: Path, problems: list[tuple[Path, FcnStudioError]]) -> list[_Source]:
    if not path.is_dir():
        # A file that is not there, or no image, is named when it is read.
        return [_Source(path, PurePosixPath(path.name))]
    if path.suffix == PROJECT_SUFFIX:
        problems.append((path, ProjectError(f"{path} is a project: name the folder of its images instead.")))
        return []
    out, folder = os.path.realpath(out_dir), os.path.realpath(path)
    if out == folder:
        raise UsageError(f"The masks would lie among the images in {path}: choose another folder for --out.")
    try:
        scan = scan_folder(path)
    except FcnStudioError as error:
        problems.append((path, error))
        return []
    problems.extend((path, ImageReadError(notice)) for notice in scan.notices)
    found = [_Source(path / name, PurePosixPath(name)) for name in scan.images]
    # Masks of an earlier run inside the input folder are no photographs.
    found = [source for source in found if not os.path.realpath(source.path).startswith(out + os.sep)]
    if not found:
        problems.append((path, ImageReadError(f"{path} holds no images: choose a folder with photographs.")))
    return found


def _choose_stems(sources: Sequence[_Source]) -> list[PurePosixPath]:
    """Output path without suffix for each source; no two of them claim the same file, capitals or not."""
    levels = [0] * len(sources)
    while True:
        stems = [_stem(source, levels[n], n) for n, source in enumerate(sources)]
        claims: defaultdict[str, set[int]] = defaultdict(set)
        for n, stem in enumerate(stems):
            for suffix in (".png", ".overlay.png"):
                claims[f"{stem}{suffix}".casefold()].add(n)
        rivals = [group for group in claims.values() if len(group) > 1]
        if not rivals:
            return stems
        # Of those who claim one file, whoever has the shortest name gives way.
        giving_way = {n for group in rivals for n in group if levels[n] == min(levels[m] for m in group)}
        for n in giving_way:
            levels[n] += 1


def _stem(source: _Source, level: int, number: int) -> PurePosixPath:
    """The more often a name was taken (level), the more of the path goes in, at last the input's number."""
    inner = source.inner
    if level == 0:
        return inner.with_name(inner.stem)
    if level == 1:
        return inner
    folder = source.path.absolute().parents[len(inner.parts) - 1].name or "root"
    name = inner.name if level == 2 else f"{inner.name}.{number + 1}"
    return PurePosixPath(folder, inner.with_name(name))


def _below(folder: Path, stem: PurePosixPath, suffix: str) -> Path:
    return folder / f"{stem}{suffix}"


def _identity(path: Path) -> tuple[int, int] | str:
    """What makes two names one file: device and number where it exists (hard links too), else its path."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino)
