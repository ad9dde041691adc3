"""Texts that tell comparison groups and configurations apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from batch_race.hyperparameters import GROUP


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


def describe_values(values: Mapping[str, Any], parameters: Iterable[str]) -> str:
    """Return the values of parameters as text to append: `, threads 2, machine Abacus 3`."""
    return "".join(f", {key} {values[key]}" for key in parameters)
