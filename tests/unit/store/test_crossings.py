"""The cost of a target to a run, by the run's clock."""

import polars as pl
import pytest

from batch_race.errors import InputError
from batch_race.store import crossings, history, parquet
from nn.batches import MiniBatches
from nn.records import Reading
from nn.targets import Crossing, Target
from tests.unit.store.test_history import EVALUATIONS, METADATA, TABLE

BATCHES = MiniBatches(100, 8, leftover="keep")  # 13 per epoch, the last of 4
READINGS = [
    Reading(0, 0.0, 0.0),
    Reading(4, 0.08, 0.5),
    Reading(5, 0.1, 1.0),
    Reading(14, 1.4, 9.0),
]
LOSS = Target("loss", 0.5)


def files(folder, run):
    """Name the files of a run's history and crossings, and make their folders."""
    paths = (
        folder / f"results/train/mnist/{run}/4_steps/history.parquet",
        folder / f"results/find_crossings/mnist/{run}/4_steps/0123.parquet",
    )
    for path in paths:
        path.parent.mkdir(parents=True)
    return paths


def costs(crossing):
    (row,) = crossings.tabulate({LOSS: crossing}, EVALUATIONS, READINGS, BATCHES).to_dicts()
    values = {name: row[name] for name in crossings.COSTS}
    return tuple(values.values()), tuple(row[f"{name}_low"] for name in crossings.COSTS)


def test_the_costs_are_those_of_the_clock_at_the_step():
    # Without the evaluation there, which the history's wall clock includes.
    at_5 = (5, 40, 0.1, 1.0)
    assert costs(Crossing(5, 4, "grid")) == (at_5, at_5)
    assert costs(Crossing(14, 5, "grid")) == ((14, 108, 1.4, 9.0), at_5)
    assert costs(Crossing(0, None, "grid")) == ((0, 0, 0.0, 0.0),) * 2
    assert costs(Crossing(None, None, "grid")) == ((None,) * 4,) * 2
    assert costs(Crossing(None, 5, "evaluations")) == ((None,) * 4, at_5)


def test_off_the_grid_the_clock_is_that_of_evaluations():
    (_, later) = EVALUATIONS
    readings = READINGS[:1]
    table = crossings.tabulate(
        {LOSS: Crossing(5, 0, "evaluations")}, EVALUATIONS, readings, BATCHES
    )
    (row,) = table.to_dicts()
    assert (row["wall_seconds"], row["wall_seconds_low"]) == (later.wall_seconds, 0.0)
    assert row["source"] == "evaluations"


def test_each_collected_row_identifies_its_run(tmp_path):
    paths = []
    for seed in (3, 1):
        of_history, of_crossings = files(tmp_path, seed)
        specification = METADATA["specification"] | {"seed": seed}
        history.write(of_history, TABLE, METADATA | {"specification": specification})
        found = {LOSS: Crossing(5, 4, "grid"), Target("accuracy", 95): Crossing(None, None, "grid")}
        crossings.write(of_crossings, crossings.tabulate(found, EVALUATIONS, READINGS, BATCHES))
        paths.append((of_history, of_crossings))
    targets = {"loss": [0.5], "accuracy": [95]}
    histories, found = zip(*paths, strict=True)
    table = crossings.collect(histories, found[::-1], targets)
    assert table.schema == crossings.COLLECTED
    assert table.select("seed", "machine", "target", "target_value", "step").rows() == [
        (3, "Abacus 3", "loss", 0.5, 5),
        (3, "Abacus 3", "accuracy", 95.0, None),
        (1, "Abacus 3", "loss", 0.5, 5),
        (1, "Abacus 3", "accuracy", 95.0, None),
    ]
    parquet.write(tmp_path / "collected.parquet", table)
    assert crossings.read_collected(tmp_path / "collected.parquet").equals(table)
    with pytest.raises(InputError, match="found the columns"):
        crossings.read_collected(paths[0][1])
    with pytest.raises(InputError, match="found the columns"):
        crossings.collect(histories[:1], histories[:1], targets)


def test_targets_that_were_not_looked_for_are_those_of_the_evaluations(tmp_path):
    of_history, of_crossings = files(tmp_path, 1)
    history.write(of_history, TABLE, METADATA)
    evaluations = history.evaluations(TABLE)
    first, last = evaluations[0].training_loss, evaluations[-1].training_loss
    assert last < first
    targets = {"loss": [last, last / 2], "accuracy": [95]}
    found = {Target("accuracy", 95): Crossing(5, 4, "grid")}
    crossings.write(of_crossings, crossings.tabulate(found, EVALUATIONS, READINGS, BATCHES))
    for files_found, source in (([of_crossings], "grid"), ([], "evaluations")):
        rows = crossings.collect([of_history], files_found, targets).to_dicts()
        assert [(row["target"], row["target_value"]) for row in rows] == [
            ("loss", last),
            ("loss", last / 2),
            ("accuracy", 95),
        ]
        step = next(each.step for each in evaluations if each.training_loss <= last)
        before = max(each.step for each in evaluations if each.step < step)
        assert (rows[0]["step"], rows[0]["step_low"]) == (step, before)
        assert rows[1]["step"] is None
        assert [row["source"] for row in rows] == ["evaluations", "evaluations", source]


def test_other_columns_are_not_written(tmp_path):
    with pytest.raises(InputError, match="found the columns"):
        crossings.write(tmp_path / "c.parquet", pl.DataFrame({"step": [1]}))
