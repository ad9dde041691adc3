"""The history of a run: one schema, checked on write and on read."""

import json

import polars as pl
import pytest

from batch_race.errors import InputError, ResultError
from batch_race.store import clock, history, parquet
from nn.records import Evaluation, Reading
from tests.project import DEFAULTS

SPECIFICATION = DEFAULTS | {"dataset": "strokes", "batch_size": 32, "budget": {"seconds": 60.0}}
METADATA = {
    "specification": SPECIFICATION,
    "stopped": "budget",
    "contention": {"contended": True, "reasons": ["busy"]},
    "processors": [0],
    "threads_used": {"step": 1, "evaluation": 1},
    "subnormals": "flushed",
    "fingerprint": "0123",
    "training_images": 60000,
    "training_data": {
        "classes": ["a", "b"],
        "height": 2,
        "width": 3,
        "background": "dark",
        "side": 2,
    },
    "pixel_scaling": [1.0, 0.0],
    "machine": {"processor": "Abacus 3", "blas": "openblas 0.3 Zen, openblas 0.3 Zen, mkl 9 AVX2"},
    "versions": {"python": "3.11.7", "numpy": "2.4.6", "scipy": "1.17", "polars": "2.1"},
    "engine": "0123456789",
}
EVALUATIONS = [
    Evaluation(0, 0, 0, 0.0, 0.5, 0.0, 2.3, 10.0),
    Evaluation(5, 0, 160, 0.1, 1.1, 0.1, 2.0, 41.5),
]
TABLE = history.tabulate(EVALUATIONS, SPECIFICATION)


def test_a_row_for_each_evaluation():
    assert TABLE.schema == history.SCHEMA
    hyperparameters = {key: SPECIFICATION[key] for key in DEFAULTS}
    assert TABLE.row(1, named=True) == hyperparameters | {
        "step": 5,
        "epoch": 0,
        "examples": 160,
        "training_seconds": 0.1,
        "wall_seconds": 1.1,
        "cpu_seconds": 0.1,
        "training_loss": 2.0,
        "test_accuracy": 41.5,
    }


def test_a_history_is_read_as_it_was_write(tmp_path):
    path = tmp_path / "history.parquet"
    history.write(path, TABLE, METADATA)
    table, metadata = history.read(path)
    assert table.equals(TABLE)
    assert metadata == METADATA


def test_evaluations_are_read_as_they_were_written():
    assert history.evaluations(TABLE) == EVALUATIONS


def test_a_loss_that_is_not_finite_is_preserved(tmp_path):
    path = tmp_path / "history.parquet"
    table = TABLE.with_columns(training_loss=pl.Series([float("inf"), float("nan")]))
    history.write(path, table, METADATA)
    assert history.read(path)[0].equals(table)


def write(path, **changes):
    """Write a history with another specification or other rows."""
    table = TABLE.with_columns(**changes)
    history.write(path, table, METADATA)
    return path


def test_each_collected_row_identifies_its_run(tmp_path):
    paths = [
        write(tmp_path / f"{seed}[x]*.parquet", seed=pl.lit(seed, pl.Int64)) for seed in (3, 1, 2)
    ]
    table = history.collect(paths)
    assert table.schema == history.COLLECTED
    assert table["seed"].to_list() == [3, 3, 1, 1, 2, 2]
    assert table["step"].to_list() == [0, 5] * 3
    assert (
        table.row(0, named=True).items()
        >= {
            "initializer": "nx",
            "inputs": "raw",
            "shuffle": False,
            "leftover": "repeat",
            "threads": 1,
            "elementwise": "numpy",
            "subnormals": "flushed",
            "training_images": 60000,
            "stopped": "budget",
            "contended": True,
            "machine": "Abacus 3",
            "software": "Python 3.11, numpy 2.4.6, scipy 1.17, "
            "openblas 0.3, mkl 9, engine 0123456789",
        }.items()
    )
    parquet.write(tmp_path / "collected.parquet", table)
    assert history.read_collected(tmp_path / "collected.parquet").equals(table)


def test_the_software_is_what_times_depend_on():
    def software(**changes):
        return history.constants(METADATA | changes)["software"]

    versions = METADATA["versions"]
    for unrelated in ({"python": "3.11.9"}, {"polars": "3"}, {"numexpr": "3"}):
        assert software(versions=versions | unrelated) == software()
    for related in ({"python": "3.12.1"}, {"numpy": "2.4.7"}, {"scipy": "1.18"}):
        assert software(versions=versions | related) != software()
    kernel = {"processor": "Abacus 4", "blas": "openblas 0.3 Haswell, mkl 9 SSE2"}
    assert software(machine=kernel) == software()
    assert software(machine={"blas": "openblas 0.4 Zen, mkl 9 AVX2", "processor": ""}) != software()
    assert software(engine="1") != software()
    specification = SPECIFICATION | {"elementwise": "numexpr"}
    with_numexpr = {"specification": specification, "versions": versions | {"numexpr": "2.14"}}
    assert "numexpr 2.14" in software(**with_numexpr)


DAMAGED = "found a table that is damaged, edited or of an older version"


def as_format(path, table, number=history.FORMAT):
    """Write a table with the metadata of a history, unchecked."""
    texts = {key: json.dumps(value) for key, value in METADATA.items()}
    parquet.write(path, table, {"format": number, **texts})


def test_a_damaged_history_among_many_is_named(tmp_path):
    paths = [write(tmp_path / f"{seed}.parquet", seed=pl.lit(seed, pl.Int64)) for seed in (1, 2, 3)]
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:8] + bytes(40) + whole[48:])  # the footer is not damaged
    with pytest.raises(InputError, match=f"2.parquet: {DAMAGED}"):
        history.collect(paths)
    as_format(paths[1], TABLE.drop("epoch"))
    with pytest.raises(InputError, match=r"2.parquet: found the columns dataset"):
        history.collect(paths)


def test_another_table_is_not_read_as_collected_histories(tmp_path):
    path = tmp_path / "collected.parquet"
    parquet.write(path, TABLE)
    with pytest.raises(InputError, match="found the columns"):
        history.read_collected(path)


@pytest.mark.parametrize(
    "table",
    [
        TABLE.drop("step"),
        TABLE.with_columns(pl.col("step").cast(pl.Float64)),
        TABLE.with_columns(extra=1),
        TABLE.select(reversed(TABLE.columns)),
    ],
    ids=["missing", "type", "extra", "order"],
)
def test_other_columns_are_neither_written_nor_read(tmp_path, table):
    path = tmp_path / "history.parquet"
    with pytest.raises(InputError, match=r"found the columns .*, expected dataset \(String\)"):
        history.write(path, table, METADATA)
    assert not path.exists()
    as_format(path, table)
    with pytest.raises(InputError, match="found the columns"):
        history.read(path)


def test_missing_metadata_is_named(tmp_path):
    path = tmp_path / "history.parquet"
    with pytest.raises(ResultError, match=r"found the metadata \['stopped'\], expected"):
        history.write(path, TABLE, {"stopped": "budget"})


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "history.parquet"
    as_format(path, TABLE, "0")
    with pytest.raises(ResultError, match=f"format 0, expected {history.FORMAT}; remove it"):
        history.read(path)
    parquet.write(path, TABLE)
    with pytest.raises(ResultError, match="found a history of format None, expected"):
        history.read(path)


def test_clock_readings_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "clock.parquet"
    readings = [Reading(0, 0.0, 0.0), Reading(1, 0.25, 0.5)]
    clock.write(path, readings)
    assert clock.read(path) == readings
    parquet.write(path, TABLE)
    with pytest.raises(InputError, match="found the columns"):
        clock.read(path)
