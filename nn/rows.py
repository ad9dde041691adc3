"""Rows of examples: a mini-batch, a thread's shard of it, a chunk of that."""

from itertools import pairwise

from nn.network import Integers

Rows = slice | Integers
"""Which rows: consecutive ones as a slice with a start and a stop, others as their indices. None is
negative or past the end: compiled loops do not check."""


def row_count(rows: Rows) -> int:
    """Return how many rows there are."""
    return int(rows.stop - rows.start) if isinstance(rows, slice) else len(rows)


def first_rows(rows: Rows, most: int) -> Rows:
    """Return the first `most` rows, or all if there are fewer."""
    if isinstance(rows, slice):
        return slice(rows.start, min(rows.stop, rows.start + most))
    return rows[:most]


def split_rows(rows: Rows, n_parts: int) -> list[Rows]:
    """Split rows into parts whose lengths differ by 1 at most.

    Parameters
    ----------
    rows : slice or ndarray of int
    n_parts : int

    Returns
    -------
    list of slice or ndarray of int
        Slices of a slice, indices of indices.
    """
    parts = slices(row_count(rows), n_parts)
    if isinstance(rows, slice):
        return [slice(rows.start + part.start, rows.start + part.stop) for part in parts]
    return [rows[part] for part in parts]


def slices(length: int, n_parts: int) -> list[slice]:
    """Split 0 to `length` into slices whose lengths differ by 1 at most."""
    bounds = [length * index // n_parts for index in range(n_parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
