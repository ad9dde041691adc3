"""No text file is read or written in the locale's encoding."""

import ast

import pytest

from tests.project import ROOT

SOURCES = [
    path
    for folder in ("workflow", "nn", "tools", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
]


def without_encoding(source):
    """List the lines of calls that take the locale's encoding, beside those that ruff finds.

    Ruff's rule PLW1514 knows no type for the path that a function or a context yields.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(each.arg == "encoding" for each in node.keywords):
            continue
        name = getattr(node.func, "attr", "")
        n_before_encoding = {"read_text": 0, "write_text": 1}.get(name)
        if n_before_encoding is not None and len(node.args) <= n_before_encoding:
            found.append(node.lineno)
        for each in node.keywords:  # of a process whose output is text
            if each.arg in ("text", "universal_newlines") and isinstance(each.value, ast.Constant):
                found.append(node.lineno)
    return found


def test_calls_without_an_encoding_are_found():
    text = """
path.read_text("utf-8"), path.read_text(encoding="ascii"), path.read_bytes()
path.read_text()
path.write_text(text)
path.write_text(text, "utf-8")
subprocess.run(command, encoding="utf-8")
subprocess.run(command, text=True)
"""
    assert without_encoding(text) == [3, 4, 7]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_text_has_its_encoding(path):
    assert without_encoding(path.read_text(encoding="utf-8")) == []
