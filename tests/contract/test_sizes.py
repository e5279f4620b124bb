"""No file, class or function outgrows what one can take in; each says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES, CLASS_LINES, FUNCTION_LINES = 500, 300, 60  # aims: 300, 200, 40
EXEMPT: tuple[str, ...] = ()  # "path::name"; to be kept empty
FORBIDDEN_WORDS = {"util", "utils", "manager", "helper", "helpers", "common", "misc"}

MODULES = sorted(
    path for folder in ("fcn_studio", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def walk_too_long(path: Path) -> Iterator[str]:
    """What is over its limit in one module, as "path::name: lines"."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    if lines > MODULE_LINES:
        yield f"{name_of(path)}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            limit = CLASS_LINES
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            limit = FUNCTION_LINES
        else:
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > limit and f"{name_of(path)}::{node.name}" not in EXEMPT:
            yield f"{name_of(path)}::{node.name}: {length} lines"


def test_nothing_is_too_long() -> None:
    assert MODULES
    assert [complaint for path in MODULES for complaint in walk_too_long(path)] == []


def test_a_file_that_is_too_long_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path, raising=True)
    body = "    x = 1\n"
    source = f"def long():\n{body * 60}\n\nclass Long:\n{body * 300}\n" + "\n" * 200
    (tmp_path / "big.py").write_text(source)
    complaints = sorted(walk_too_long(tmp_path / "big.py"))
    assert [complaint.split(":")[0] for complaint in complaints] == ["big.py"] * 3
    assert {"big.py::long: 61 lines", "big.py::Long: 301 lines"} < set(complaints)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_in_its_first_line_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert text.startswith(('"""', "#!"))
    assert docstring.splitlines()[0].strip()


def test_names_say_what_a_thing_is() -> None:
    for path in MODULES:
        names = [path.stem]
        names += [
            n.name
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.ClassDef)
        ]
        for name in names:
            words = {word.lower() for word in split_words(name)}
            assert not words & FORBIDDEN_WORDS, f"{name_of(path)}: {name}"


def split_words(name: str) -> list[str]:
    spaced = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return [word for word in spaced.split("_") if word]
