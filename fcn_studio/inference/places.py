"""Where the program keeps what it can compute again: compiled networks and predictions."""

from __future__ import annotations

from pathlib import Path


def default_cache_dir() -> Path:
    """The person's cache folder for this program; not made here."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("fcn-studio", appauthor=False))


def prune_folder(folder: Path, limit_bytes: int, keep: Path | None = None) -> None:
    """Delete the files of `folder` that were used longest ago until it holds at most `limit_bytes`.

    Another process may do the same at the same time: what is gone is gone. keep: a file that stays.
    """
    entries = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            entries.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries, key=lambda entry: entry[0]):
        if total <= limit_bytes:
            return
        if path != keep:
            remove_quietly(path)
            total -= size


def remove_quietly(path: Path) -> None:
    """Delete a cache file; whether that works does not matter to anybody."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
