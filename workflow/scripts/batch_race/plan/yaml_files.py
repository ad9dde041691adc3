"""What YAML allows and a configuration may not have: a key twice, a cycle, an alias bomb.

They are found in the file's own structure, before it is made into values: a key that is given twice
has only one of them, and aliases make a few lines into more values than any memory holds.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml

from batch_race.errors import InputError
from batch_race.store.files import read_bytes
from batch_race.texts import quote

MAX_VALUES = 1_000_000
"""Of a file, each counted as often as aliases name it."""


def check(paths: Iterable[Path]) -> None:
    """Check configuration files.

    A file that is missing or no YAML is left to Snakemake, which has a message for it.

    Parameters
    ----------
    paths : iterable of Path

    Raises
    ------
    InputError
        If a file cannot be read, is no regular file or not in UTF-8, a mapping has a key twice, a
        value contains itself or is nested too deeply, or a file has more than `MAX_VALUES`; the
        message names the file and the line.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in paths:
        try:
            root = yaml.compose(read_bytes(path).decode("utf-8"), loader)
            if root is not None:
                _count(root, path, set(), {})
        except (FileNotFoundError, yaml.YAMLError):
            continue
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise InputError(f"{path}, line {line}: found no UTF-8, expected text in it") from error
        except RecursionError as error:
            raise InputError(f"{path}: found values nested too deeply, expected few") from error


def _count(node: yaml.Node, path: Path, around: set[int], known: dict[int, int]) -> int:
    """Return the number of values in a node.

    Parameters
    ----------
    around : set of int
        The identities of the nodes that it is in.
    known : dict of int to int
        The numbers of the nodes that were counted, by their identities.
    """
    if id(node) in around:
        raise InputError(f"{_place(path, node)}: found a value that contains itself, by an alias")
    if id(node) in known:
        return known[id(node)]
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, path)
        parts = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    around.add(id(node))
    count = 1 + sum(_count(part, path, around, known) for part in parts)
    around.remove(id(node))
    if count > MAX_VALUES:
        raise InputError(
            f"{_place(path, node)}: found more than {MAX_VALUES:,} values, counted by aliases, "
            "expected fewer"
        )
    known[id(node)] = count
    return count


def _check_keys(node: yaml.MappingNode, path: Path) -> None:
    keys = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in keys:
                raise InputError(
                    f"{_place(path, key)}: found the key {quote(key.value)} again, expected it once"
                )
            keys.add((key.tag, key.value))


def _place(path: Path, node: yaml.Node) -> str:
    return f"{path}, line {node.start_mark.line + 1}"
