"""Files that come with the program are found, and a missing one is named."""

from __future__ import annotations

import json

import pytest

from fcn_studio.core.resources import resource_path


def test_the_samples_are_found_with_their_sources_and_classes() -> None:
    samples = resource_path("samples")
    photographs = sorted(path.name for path in samples.glob("*.jpg"))
    assert 4 <= len(photographs) <= 6
    sources = (samples / "SOURCES.md").read_text(encoding="utf-8")
    assert [name for name in photographs if f"`{name}`" not in sources] == []
    assert sum(path.stat().st_size for path in samples.iterdir()) < 1_500_000
    classes = json.loads((samples / "classes.json").read_text(encoding="utf-8"))
    assert [entry["index"] for entry in classes] == list(range(len(classes)))
    assert classes[0]["name"] == "background"


def test_a_missing_resource_is_named_together_with_the_cure() -> None:
    with pytest.raises(FileNotFoundError, match=r"resources/no/such\.file is missing .*install"):
        resource_path("no", "such.file")
