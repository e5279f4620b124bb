"""The checkpoint shelf: the embedded model first, broken cards listed with their reason."""

from __future__ import annotations

import sys
from pathlib import Path

from fcn_studio.project import read_entry, read_shelf


def test_a_broken_or_missing_card_is_listed_as_unusable_and_harms_nothing(tmp_path: Path) -> None:
    shelf = tmp_path / "checkpoints"
    shelf.mkdir()
    for name, card in (("photos 1", b"{broken"), ("photos 2", None), ("photos 10", b"[]")):
        (shelf / f"{name}.safetensors").write_bytes(b"weights")
        if card is not None:
            (shelf / f"{name}.json").write_bytes(card)
    entries = read_shelf(tmp_path / "embedded.safetensors", tmp_path)
    assert [entry.name for entry in entries] == ["embedded", "photos 1", "photos 2", "photos 10"]
    assert all(entry.card is None for entry in entries)
    assert all(entry.reason for entry in entries)
    assert "photos 1" in entries[1].reason


def test_a_good_card_is_read_without_torch(tmp_path: Path) -> None:
    from fcn_studio.core.resources import resource_path
    from fcn_studio.models.spec import read_card

    embedded = resource_path("models", "embedded.safetensors")
    entry = read_entry(embedded)
    assert entry.reason == ""
    assert entry.card == read_card(embedded)


def test_the_room_is_imported_without_torch_or_qt() -> None:
    import subprocess

    code = (
        "import sys, fcn_studio.project, fcn_studio.jobs, fcn_studio.io.images, fcn_studio.models.spec\n"
        "assert not {'torch', 'PySide6'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
