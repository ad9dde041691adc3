"""Texts that tell comparison groups and configurations apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from batch_race.hyperparameters import GROUP, written

MOST_NAMED = 12
"""Batch sizes that a text names one by one; the rest are counted."""


def varying_parameters(table: pl.DataFrame, parameters: Iterable[str]) -> list[str]:
    """Return the parameters that have several values in a table.

    Parameters
    ----------
    table : polars.DataFrame
    parameters : iterable of str
        Columns. `training_images` is left out, since it follows from the dataset.
    """
    return [key for key in parameters if key != "training_images" and table[key].n_unique() > 1]


def varying_between(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the parameters that differ between comparison groups, besides those of the dataset."""
    others = [key for key in GROUP if key not in ("dataset", "training_images")]
    return [key for key in others if len({group[key] for group in groups}) > 1]


def describe_group(group: Mapping[str, Any], varying: Iterable[str]) -> str:
    """Return a comparison group as text: its dataset and varying parameters."""
    return f"{group['dataset']}{describe_values(group, varying)}"


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return names as text: `1, 8 and 32`; of more than `most`, those and a count."""
    beyond = len(names) - most
    shown = [*names[:most], f"{beyond} more"] if beyond > 0 else list(names)
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def describe_values(values: Mapping[str, Any], parameters: Iterable[str]) -> str:
    """Return the values of parameters as text to append: `, threads 2, machine Abacus 3`."""
    return "".join(f", {key} {written(values[key])}" for key in parameters)
