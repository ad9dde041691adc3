"""Find the steps at which a finished run reached its targets."""

import logging
from pathlib import Path

from threadpoolctl import threadpool_limits

from batch_race.data.examples import open_examples
from batch_race.run import cores
from batch_race.run.snapshots import Snapshots
from batch_race.run.timed_run import Run, check_threads
from batch_race.store import clock, crossings, history, logs
from nn.replay import find_crossings


def main() -> None:
    """Repeat steps where a target lies, on cores of no timed run, and write the crossings."""
    logs.start(snakemake.log[0])
    paths = {name: Path(path) for name, path in snakemake.input.items()}
    table, metadata = history.read(paths["history"])
    specification = metadata["specification"]
    check_threads(specification["threads"], snakemake.threads)
    training, test = (open_examples(paths, part) for part in ("train", "test"))
    run = Run(specification, training, test)
    evaluations = history.evaluations(table)
    targets = crossings.listed(snakemake.params.targets)

    one_thread = threadpool_limits(limits=1, user_api="blas")
    with one_thread, cores.lease(specification["threads"]):
        snapshots = Snapshots(paths["history"].parents[1], metadata["fingerprint"])
        found = find_crossings(evaluations, targets, run.replay(snapshots))
    by_target = dict(zip(targets, found, strict=True))
    for target, crossing in by_target.items():
        logging.info("%s %g: step %s, after %s (%s)", *target, *crossing)
    if any(crossing.source == "evaluations" for crossing in found):
        logging.warning(
            "the steps are not reproduced here, on another processor or with other versions: the "
            "targets not yet found are taken from the run's own evaluations"
        )
    readings = clock.read(paths["clock"])
    found_costs = crossings.tabulate(by_target, evaluations, readings, run.batches)
    crossings.write(Path(snakemake.output.crossings), found_costs)


if __name__ == "__main__":
    main()
