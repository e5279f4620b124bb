"""What the documents say of files and keys is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path

from fcn_studio.cli.main import cli
from fcn_studio.cli.train import train
from fcn_studio.io.dataset_classes import read_classes

ROOT = Path(__file__).resolve().parents[2]


def test_the_classes_in_the_document_can_be_read(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    example = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert example is not None
    (tmp_path / "classes.json").write_text(example[1], "utf-8")
    classes = read_classes(tmp_path / "classes.json")
    assert classes.keys == ("background", "leaf", "symptom")
    assert classes.void == (11, 255)


def test_options_of_train_that_the_documents_name_exist() -> None:
    known = {word for option in train.params for word in option.opts}
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert named <= known, named - known


def test_every_command_that_the_readme_types_exists() -> None:
    lines = re.findall(r"^    fcn-studio (\w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert lines
    assert set(lines) <= set(cli.list_commands(None))


def test_no_document_names_one_file_twice_for_training() -> None:
    """The second command would be refused."""
    outs = re.findall(r"fcn-studio train .*--out (\S+)", (ROOT / "README.md").read_text("utf-8"))
    assert len(outs) > 1
    assert len(set(outs)) == len(outs)
