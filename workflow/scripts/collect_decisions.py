"""Collect the decisions of a race in one table."""

from pathlib import Path

from batch_race.analyze import decisions
from batch_race.plan.race import Race
from batch_race.store import logs, rounds, with_csv


def main() -> None:
    """Write the decisions of all rounds."""
    logs.start(snakemake.log[0])
    last = rounds.read(Path(snakemake.input.last))
    table = decisions.tabulate(Race(snakemake.params.race), last)
    with_csv.write(Path(snakemake.output.decisions), table)


if __name__ == "__main__":
    main()
