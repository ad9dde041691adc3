"""The series of a chart of histories: their names, order and styles."""

import polars as pl

from batch_race import batch_sizes
from batch_race.hyperparameters import CONFIGURATION, written
from batch_race.report import style
from batch_race.report.colours import of_batch_size
from batch_race.report.groups import varying_parameters

Style = tuple[str, list[int]]
"""A colour and the dashes of a line."""


def names(histories: pl.DataFrame, *, in_chapter: bool = False) -> pl.Series:
    """Return the name of each row's configuration.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    in_chapter : bool
        Whether to name batch sizes as the chapter does.

    Returns
    -------
    polars.Series of String
        "batch 2,048", or "all (60,000)" for all examples; in the chapter "Stochastic GD" for batch
        size 1, "Batch 2048", "Batch GD" for all. With, for example, ", learning rate 0.1" where the
        experiment has several learning rates, and "(contended)" or "(diverged)" where one of its
        runs was contended or diverged, but not where all series would be flagged.
    """
    describe = _describe_in_chapter if in_chapter else batch_sizes.name
    sizes = histories.select("batch_size", "training_images").unique()
    described = sizes.with_columns(name=pl.Series([*map(describe, *sizes)], dtype=pl.String))
    named = histories.join(
        described, on=["batch_size", "training_images"], how="left", maintain_order="left"
    )
    others = [
        pl.format(f", {key.replace('_', ' ')} {{}}", _written(histories[key]))
        for key in _others(histories)
    ]
    flags = []
    for is_flagged, text in (
        (pl.col("contended"), " (contended)"),
        (pl.col("stopped") == "diverged", " (diverged)"),
    ):
        of_series = is_flagged.any().over(CONFIGURATION)
        shown = of_series & ~of_series.all()
        flags.append(pl.when(shown).then(pl.lit(text)).otherwise(pl.lit("")))
    return named.select(pl.concat_str("name", *others, *flags).alias("series"))["series"]


def in_order(
    histories: pl.DataFrame, *, in_chapter: bool = False
) -> tuple[pl.DataFrame, list[str]]:
    """Sort histories by batch size and learning rate, and name their series.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    in_chapter : bool
        Whether to name batch sizes as the chapter does.

    Returns
    -------
    named : polars.DataFrame
        The histories, with the column `series`.
    names : list of str
        Of the series, in order.
    """
    named = histories.with_columns(names(histories, in_chapter=in_chapter)).sort(
        "batch_size", "learning_rate", maintain_order=True
    )
    return named, named["series"].unique(maintain_order=True).to_list()


def styles(named: pl.DataFrame) -> dict[str, Style]:
    """Return the style of each series, by its name.

    The colour is that of the batch size, and the dashes distinguish the varying parameters besides
    it, such as the learning rate.

    Parameters
    ----------
    named : polars.DataFrame
        As `in_order` makes it.
    """
    others = _others(named)
    series = named.unique("series", keep="first", maintain_order=True)
    values = series.select(others).unique().sort(others).rows() if others else [()]
    return {
        row["series"]: (
            of_batch_size(row["batch_size"]),
            style.dashes(values.index(tuple(row[key] for key in others))),
        )
        for row in series.to_dicts()
    }


def _written(values: pl.Series) -> pl.Expr:
    distinct = values.unique().to_list()
    texts = [*map(written, distinct)]
    return pl.col(values.name).replace_strict(distinct, texts, return_dtype=pl.String)


def _describe_in_chapter(batch_size: int, training_images: int) -> str:
    names = {1: "Stochastic GD", training_images: "Batch GD"}
    return names.get(batch_size, f"Batch {batch_size}")


def _others(histories: pl.DataFrame) -> list[str]:
    """Return the varying parameters besides the batch size."""
    return [key for key in varying_parameters(histories, CONFIGURATION) if key != "batch_size"]
