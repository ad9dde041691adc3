"""Rows of examples: a batch, a thread's shard of it, a chunk of that."""

from itertools import pairwise

from nn.network import Integers

Rows = slice | Integers
"""Which rows: a slice, with a start and a stop, where they lie in order, else their indices. None
is negative or past the end: compiled loops trust that."""


def count(rows: Rows) -> int:
    """Return how many rows there are."""
    return int(rows.stop - rows.start) if isinstance(rows, slice) else len(rows)


def first(rows: Rows, most: int) -> Rows:
    """Give the first rows, so many at the most."""
    if isinstance(rows, slice):
        return slice(rows.start, min(rows.stop, rows.start + most))
    return rows[:most]


def cut(rows: Rows, n_parts: int) -> list[Rows]:
    """Cut rows into parts of about the same size.

    Parameters
    ----------
    rows : slice or ndarray of int
    n_parts : int

    Returns
    -------
    list of slice or ndarray of int
        Each as `rows` is.
    """
    start = rows.start if isinstance(rows, slice) else 0
    parts = [slice(start + part.start, start + part.stop) for part in slices(count(rows), n_parts)]
    return list(parts) if isinstance(rows, slice) else [rows[part] for part in parts]


def slices(length: int, n_parts: int) -> list[slice]:
    """Cut a length into slices of about the same size."""
    bounds = [length * index // n_parts for index in range(n_parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
