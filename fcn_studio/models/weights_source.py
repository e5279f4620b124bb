"""Pretrained weights by name: where they lie, which copy is there already, and fetching what is not."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import CheckpointError, DownloadError
from fcn_studio.models.catalog import find_offer
from fcn_studio.models.download import (
    WAYS_OUT,
    OnProgress,
    RemoteFile,
    compute_sha256,
    fetch_file,
    is_whole,
)

PRETRAINED = "pretrained"
"""The word that stands for these weights where a path is expected."""

_HUB = "https://huggingface.co/"
_SHA256_DIGITS = 64


def fetch_weights(
    name: str, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
) -> Path:
    """The file with the pretrained weights of a trunk or network, fetched unless a whole copy is there.

    name: one of the catalog, or "timm:NAME" (with or without a head before it). Files are looked for and put
    where torch.hub has its own ($TORCH_HOME/hub/checkpoints); timm's are also found in the cache of the
    Hugging Face hub. Raises CheckpointError for a name without such weights, DownloadError, StorageError,
    Cancelled.
    """
    remote = find_remote(name)
    folder = weights_folder()
    if not is_whole(folder / remote.file_name, remote.sha256):
        copy = _find_hub_copy(remote)
        if copy is not None:
            return copy
        if remote.url.startswith(_HUB) and _says_yes("HF_HUB_OFFLINE"):
            raise DownloadError(
                f"{remote.file_name} could not be fetched: HF_HUB_OFFLINE forbids it. {WAYS_OUT}"
            )
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if endpoint and remote.url.startswith(_HUB):
        remote = RemoteFile(f"{endpoint}/{remote.url[len(_HUB) :]}", remote.file_name, remote.sha256)
    return fetch_file(remote, folder, on_progress=on_progress, cancel=cancel)


def path_of(weights: Path | str, name: str) -> Path | str:
    """``weights``, or the file of the network ``name`` where they are the word "pretrained"."""
    return fetch_weights(name) if weights == PRETRAINED else weights


def find_remote(name: str) -> RemoteFile:
    """Where the pretrained weights of a trunk or network lie. Raises CheckpointError where there are none."""
    _, family, timm_name = name.partition("timm:")
    if family:
        from fcn_studio.models.timm_trunks import find_timm, hub_url_of

        find_timm(timm_name)
        url, sha256 = hub_url_of(timm_name), ""
    else:
        offer = find_offer(name)
        url, sha256 = offer.url, offer.sha256
    if not url:
        raise CheckpointError(
            f"There are no pretrained weights to fetch for {name}: leave them out, name a file with "
            "--weights, or start from the embedded model."
        )
    return RemoteFile(url, _file_name(url), sha256)


def weights_folder() -> Path:
    """Where weights of others are kept: torch.hub's own place, so that programs share them."""
    home = os.environ.get("TORCH_HOME")
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(home or Path(cache, "torch")).expanduser() / "hub" / "checkpoints"


def _file_name(url: str) -> str:
    """The last part of the URL; on the hub, where every file is called alike, with the name of its place."""
    parts = urlsplit(url).path.strip("/").split("/")
    return f"{parts[1]}.safetensors" if url.startswith(_HUB) else parts[-1]


def _find_hub_copy(remote: RemoteFile) -> Path | None:
    """A file of the hub that another program has fetched, if it is whole.

    The hub's cache keeps large files under their SHA-256; a copy that does not tell its own is not used.
    """
    if not remote.url.startswith(_HUB):
        return None
    from huggingface_hub import try_to_load_from_cache

    owner, repository, *_, file_name = remote.url[len(_HUB) :].split("/")
    found = try_to_load_from_cache(f"{owner}/{repository}", file_name, cache_dir=_hub_cache())
    if not isinstance(found, str):
        return None
    blob = Path(found).resolve()
    return Path(found) if len(blob.name) == _SHA256_DIGITS and compute_sha256(blob) == blob.name else None


def _hub_cache() -> Path:
    """Where the Hugging Face hub keeps what was fetched, as its own library finds it."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME") or Path(cache, "huggingface")).expanduser() / "hub"


def _says_yes(variable: str) -> bool:
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}
