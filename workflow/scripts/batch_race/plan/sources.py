"""The code that a rule's results depend on, found from its script's imports."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[2]
ROOT = SCRIPTS.parents[1]

WITHOUT_EFFECT = (
    "batch_race",  # only finds the modules
    "batch_race.errors",
    "batch_race.run.interruption",
    "batch_race.run.progress",
    "batch_race.store.logs",
)
"""Modules that change no result: an edit of theirs makes nothing again."""


def digest(*sources: Path) -> str:
    """Compute a digest of some files and of all modules of this project that they import.

    Parameters
    ----------
    *sources : Path
        Python files.

    Returns
    -------
    str
        SHA-256 of the modules' syntax trees, without docstrings and comments.
    """
    summary = hashlib.sha256()
    for path in sorted(closure(*sources), key=lambda path: path.relative_to(ROOT)):
        summary.update(_parse(path)[0])
    return summary.hexdigest()


def closure(*sources: Path) -> set[Path]:
    """Return some files and all modules of this project that they import, but `WITHOUT_EFFECT`."""
    found: set[Path] = set()
    pending = list(sources)
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += _parse(path)[1]
    return found


@cache
def _parse(path: Path) -> tuple[bytes, tuple[Path, ...]]:
    """Return the syntax of a module, and the modules of this project that it imports."""
    tree = ast.parse(path.read_bytes())
    names = dict.fromkeys(name for node in ast.walk(tree) for name in _imported(node))
    modules = (_find(name) for name in names if name not in WITHOUT_EFFECT)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
    return ast.dump(tree).encode(), tuple(module for module in modules if module)


def _imported(node: ast.AST) -> Iterator[str]:
    """Name what a statement imports, and the packages around it."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _find(name: str) -> Path | None:
    """Return the file of a module of this project; None if the name is not one."""
    for folder in (SCRIPTS, ROOT):
        path = folder.joinpath(*name.split("."))
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if candidate.is_file():
                return candidate
    return None


def _is_text(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring, or that of an attribute."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
