"""A test of whether the time of a step depends on the learning rate."""

from typing import Any

import polars as pl

from batch_race.hyperparameters import CONFIGURATION


def learning_rate_effect(measures: pl.DataFrame) -> dict[str, Any] | None:
    """Compare the steps per second of each batch size between its learning rates.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it, of one comparison group. Contended and diverged runs are
        left out.

    Returns
    -------
    dict or None
        `factor`, the largest ratio of steps per second between two learning rates of a batch size
        (geometric means over seeds), and that `batch_size`; and `p_value`, of the F test that the
        logarithms are equal at all learning rates of each batch size, None if no configuration has
        two seeds. None if no batch size has two learning rates.
    """
    configuration = pl.col(CONFIGURATION)
    block = [key for key in CONFIGURATION if key != "learning_rate"]
    is_undisturbed = ~(pl.col("contended") | pl.col("diverged"))
    speeds = measures.filter(
        pl.col("measure") == "steps_per_second", pl.col("value") > 0, is_undisturbed
    ).with_columns(pl.col("value").log())
    groups = speeds.group_by(configuration).agg(
        pl.len().alias("n"),
        pl.col("value").mean().alias("mean"),
        pl.col("value").var().alias("variance"),
    )
    groups = groups.filter(pl.len().over(block) > 1)
    if groups.is_empty():
        return None
    middle = (pl.col("n") * pl.col("mean")).sum().over(block) / pl.col("n").sum().over(block)
    between, within = groups.select(
        (pl.col("n") * (pl.col("mean") - middle) ** 2).sum().alias("between"),
        ((pl.col("n") - 1) * pl.col("variance").fill_null(0)).sum().alias("within"),
    ).row(0)
    spread = groups.group_by(block).agg(
        (pl.col("mean").max() - pl.col("mean").min()).exp().alias("factor")
    )
    worst = spread.sort("factor", "batch_size").row(-1, named=True)
    df_between, df_within = len(groups) - len(spread), int(groups["n"].sum()) - len(groups)
    p_value = None
    if df_within > 0 and within > 0:
        from scipy import special  # takes a third of a second

        ratio = between / df_between / (within / df_within)
        p_value = float(special.fdtrc(df_between, df_within, ratio))
    return {"factor": worst["factor"], "batch_size": worst["batch_size"], "p_value": p_value}
