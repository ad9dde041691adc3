"""Notes for the subtitles of charts."""

import polars as pl


def evaluation(clock: str) -> str:
    """Return whether the seconds include evaluation.

    Parameters
    ----------
    clock : {"training", "wall"}
    """
    return "evaluation not timed" if clock == "training" else "evaluation timed"


def bars(summary: pl.DataFrame) -> str:
    """Return the name of the intervals that a chart of medians draws as bars; empty without any.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    """
    kinds = summary["interval"].drop_nulls().unique(maintain_order=True).to_list()
    return f"bars: {' or '.join(kinds)}" if kinds else ""


def contended(summary: pl.DataFrame) -> str:
    """Return how many of the runs behind the medians were contended; empty if none was.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    """
    configurations = summary.filter(pl.col("measure") == "final_loss")
    flagged, runs = configurations.select(pl.col("contended", "runs").sum()).row(0)
    return count_contended(flagged, runs)


def count_contended(flagged: int, runs: int) -> str:
    """Return how many of so many runs were contended; empty if none was."""
    return f"{flagged} of {runs} runs contended" if flagged else ""
