"""The series of a chart of histories: their names, order and line styles."""

import altair as alt
import polars as pl

from batch_race.hyperparameters import CONFIGURATION
from batch_race.report import theme
from batch_race.report.groups import varying_parameters


def names(histories: pl.DataFrame) -> pl.Series:
    """Return the name of each row's configuration: as in the chapter, and the varying parameters.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    polars.Series of String
        "Stochastic GD" for batch size 1, "Batch GD" for all examples, else "Batch 32"; with, for
        example, ", learning_rate 0.1" where the experiment has several learning rates, and
        "(contended)" or "(diverged)" where one of its runs was contended or diverged.
    """
    batch_name = (
        pl.when(pl.col("batch_size") == 1)
        .then(pl.lit("Stochastic GD"))
        .when(pl.col("batch_size") == pl.col("training_images"))
        .then(pl.lit("Batch GD"))
        .otherwise(pl.format("Batch {}", "batch_size"))
    )
    varying = varying_parameters(histories, CONFIGURATION)
    others = [pl.format(f", {key} {{}}", pl.col(key)) for key in varying if key != "batch_size"]
    flags = [
        pl.when(flag.any().over(CONFIGURATION)).then(pl.lit(text)).otherwise(pl.lit(""))
        for flag, text in (
            (pl.col("contended"), " (contended)"),
            (pl.col("stopped") == "diverged", " (diverged)"),
        )
    ]
    return histories.select(pl.concat_str(batch_name, *others, *flags).alias("series"))["series"]


def in_order(histories: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Sort histories by batch size and learning rate, and name their series.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    named : polars.DataFrame
        The histories, with the column `series`.
    names : list of str
        Of the series, in order.
    """
    named = histories.with_columns(names(histories)).sort(
        "batch_size", "learning_rate", maintain_order=True
    )
    return named, named["series"].unique(maintain_order=True).to_list()


def encodings(names: list[str], title: str) -> tuple[alt.Color, alt.StrokeDash]:
    """Return the colours and dashes of the column `series`, with a legend.

    Parameters
    ----------
    names : list of str
        Of the series, in order.
    title : str
        Of the legend.
    """
    styles = [theme.line_style(index) for index in range(len(names))]
    colours, dashes = ([style[part] for style in styles] for part in (0, 1))
    colour = alt.Color("series:N", title=title).scale(domain=names, range=colours)
    return (
        colour.legend(
            symbolLimit=100,
            symbolType="stroke",
            symbolStrokeWidth=2,
            symbolSize=400,  # long enough to show dashes
            symbolOpacity=1,
        ),
        alt.StrokeDash("series:N", title=title).scale(domain=names, range=dashes),
    )
