"""The code that the results of a rule depend on, found from the imports of the rule's script."""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from batch_race import hyperparameters

SCRIPTS = Path(__file__).parents[2]
ROOT = SCRIPTS.parents[1]

WITHOUT_EFFECT = frozenset(
    SCRIPTS / "batch_race" / name
    for name in (
        "__init__.py",  # only changes the path
        "ending.py",
        "errors.py",
        "run/claims.py",
        "run/interruption.py",
        "run/progress.py",
        "run/quota.py",
        "store/logs.py",
    )
)
"""Modules that change no result, so that no result depends on them."""


class _Module(NamedTuple):
    """A parsed module: the SHA-256 of its syntax, and the modules of this project it imports."""

    digest: bytes
    imports: frozenset[Path]


def digest(*sources: Path) -> str:
    """Compute a digest of files and all modules of this project that they import.

    Parameters
    ----------
    *sources : Path
        Python files.

    Returns
    -------
    str
        SHA-256 of the modules' paths and syntax, which is without docstrings, comments and layout,
        and of the registry of hyperparameters, where a module uses it.
    """
    summary = hashlib.sha256()
    for path in sorted(closure(*sources)):
        summary.update(str(path.relative_to(ROOT)).encode() + b"\0" + _parse(path).digest)
        if path == SCRIPTS / "batch_race" / "hyperparameters.py":  # read from the schema
            summary.update(repr(hyperparameters.REGISTRY).encode())
    return summary.hexdigest()


def closure(*sources: Path) -> set[Path]:
    """Return files and all modules of this project that they import, but those `WITHOUT_EFFECT`."""
    found: set[Path] = set()
    pending = set(sources)
    while pending:
        path = pending.pop()
        found.add(path)
        pending |= imports(path) - WITHOUT_EFFECT - found
    return found


def imports(path: Path) -> frozenset[Path]:
    """Return the modules of this project that a file imports, and the packages around them."""
    return _parse(path).imports


@cache
def _parse(path: Path) -> _Module:
    syntax: list[str] = []
    statements: list[ast.Import | ast.ImportFrom] = []
    _flatten(ast.parse(path.read_bytes()), syntax, statements)
    found = (module for each in statements for module in _imported(each, path))
    return _Module(hashlib.sha256("\0".join(syntax).encode()).digest(), frozenset(found))


def _flatten(
    node: ast.AST, syntax: list[str], statements: list[ast.Import | ast.ImportFrom]
) -> None:
    """Append a tree's syntax, without docstrings, and its import statements.

    One traversal for both: it is done for all modules at each start of Snakemake. Missing parts are
    left out, so that a part that a later Python adds to all trees changes nothing.
    """
    syntax.append(type(node).__name__)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        statements.append(node)
    for field in node._fields:
        value = getattr(node, field, None)
        if value is None or value == []:
            continue
        syntax.append(field)
        for part in value if isinstance(value, list) else (value,):
            if not isinstance(part, ast.AST):
                syntax.append(repr(part))
            elif not _is_text(part):
                _flatten(part, syntax, statements)
        syntax.append(",")
    syntax.append(")")


def _is_text(node: ast.AST) -> bool:
    """Return whether a node is a docstring, or that of an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imported(statement: ast.Import | ast.ImportFrom, importer: Path) -> set[Path]:
    """Return the modules of this project that a statement imports."""
    folders: tuple[Path, ...] = (SCRIPTS, ROOT)
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    else:
        if statement.level:
            folders = (importer.parents[statement.level - 1],)
        package = f"{statement.module}." if statement.module else ""
        names = [f"{package}{alias.name}" for alias in statement.names]
    return {module for name in names for module in _find(name, folders)}


@cache
def _find(name: str, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files of a module and the packages around it; none if no folder has it."""
    for folder in folders:
        found: list[Path] = []
        for part in name.split("."):
            candidates = (folder / part / "__init__.py", folder / f"{part}.py")
            found += [path for path in candidates if path.is_file()][:1]
            folder /= part
        if found:
            return tuple(found)
    return ()
