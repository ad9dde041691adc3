"""Notes for the subtitles of charts."""

import polars as pl

from batch_race.analyze.statistics import FEWEST_RUNS, interval_name


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
    counts = sorted(summary.filter(pl.col("interval").is_not_null())["runs"].unique())
    few = [str(count) for count in counts if count < FEWEST_RUNS]
    several = " or ".join(few) if len(few) < 3 else f"{few[0]} to {few[-1]}"
    names = [f"lowest to highest of {several}"] if few else []
    if len(counts) > len(few):
        beyond = f" of {FEWEST_RUNS} and more" if few else ""
        names.append(f"{interval_name(FEWEST_RUNS)}{beyond}")
    return f"bars: {', '.join(names)}" if names else ""


def contended(summary: pl.DataFrame) -> str:
    """Return how many of the runs behind the medians were contended; empty if none was.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    """
    return of_runs_contended(*count_contended(summary))


def of_runs_contended(flagged: int, runs: int) -> str:
    """Return how many of so many runs were contended; empty if none was."""
    return f"{flagged} of {runs} runs contended" if flagged else ""


def count_contended(summary: pl.DataFrame) -> tuple[int, int]:
    """Return how many of the runs behind the medians were contended, and how many there are.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    """
    configurations = summary.filter(pl.col("measure") == "final_loss")
    flagged, runs = configurations.select(pl.col("contended", "runs").sum()).row(0)
    return flagged, runs
