"""Decide what the next round of a race does."""

from pathlib import Path

from batch_race.analyze import outcomes
from batch_race.analyze.rounds import decide
from batch_race.plan.race import Race
from batch_race.store import crossings, history, logs, rounds


def main() -> None:
    """Read the results of the last round, and write what follows from them."""
    logs.start(snakemake.log[0])
    race, clock = Race(snakemake.params.race), snakemake.params.clock
    targets = race.parts["targets"]
    files = snakemake.input
    before = rounds.read(Path(files.before[0])) if files.before else rounds.Round()
    results = {
        name: outcomes.result(*history.read(Path(path)), targets, clock)
        for name, path in zip(before.train, files.histories, strict=True)
    }
    found = {
        name: outcomes.times(crossings.read(Path(path)), targets, clock)
        for name, path in zip(before.find, files.crossings, strict=True)
    }
    rounds.write(Path(snakemake.output.round), decide(race, before, results, found))


if __name__ == "__main__":
    main()
