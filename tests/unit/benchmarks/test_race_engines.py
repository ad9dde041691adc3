"""The table and the chart of the engines' race, from known samples."""

import numpy as np
import polars as pl
import pytest

from batch_race.report import theme
from benchmarks import exact, race_engines
from benchmarks.engines.problem import Images, Problem
from benchmarks.measure_engine import Measurements
from benchmarks.race_engines import NAMES, OURS, WORKS, chart, markdown, ratios
from nn.initializers import normal
from nn.network import Weights

MORE = {"memory_bytes": 1e8, "sgemm_gflops": 100.0, "flushes_subnormals": 0.0}


def samples():
    """Return three turns: ours takes 1, 2 and 4 ms, JAX twice, the others ten times as long.

    A second repetition is slower, as if by noise.
    """
    times = {OURS: 1, "jax_xla": 2, "pytorch": 10, "scikit_learn": 10}
    assert times.keys() == NAMES.keys()
    return pl.DataFrame(
        [
            {"engine": engine, "threads": threads, "turn": turn, "work": work}
            | {"round": 0, "value": value * (1 + repetition)}
            for engine, times_ours in times.items()
            for threads in (1, 2)
            for turn in range(3)
            for work, value in (dict.fromkeys(WORKS, 0.001 * times_ours * 2**turn) | MORE).items()
            for repetition in range(2)
        ],
        schema=race_engines.SAMPLE,
    )


def test_a_ratio_is_taken_within_a_turn():
    assert ratios(samples(), "batch_32", 1) == ("jax_xla", [2, 2, 2])


def test_a_peer_has_fewer_threads_where_it_is_faster_for_it():
    slower_with_two = (pl.col("engine") == "jax_xla") & (pl.col("threads") == 2)
    table = samples().with_columns(
        pl.when(slower_with_two).then(9).otherwise("value").alias("value")
    )
    assert ratios(table, "batch_32", 2) == ("jax_xla", [2, 2, 2])


def test_the_table_has_medians_extremes_and_the_best_peer():
    lines = markdown(samples()).splitlines()
    step = "| step, batch size 32 | 2 (1 to 4) | 4 (2 to 8) | 20 (10 to 40) | 20 (10 to 40) |"
    assert lines.count(f"{step} 2 (2 to 2) (JAX (XLA)) |") == 2
    assert (
        sum("| memory of the process alone, MB | 100 (100 to 100) |" in line for line in lines) == 2
    )
    speed = 32 * race_engines.OPERATIONS / 0.002 / 1e9
    assert any(f"batch size 32, GFLOP/s | {speed:.3g} (" in line for line in lines)


def test_the_chart_is_drawn(tmp_path):
    path = tmp_path / "chart.svg"
    theme.save(chart(samples()), path)
    words = path.read_text()
    assert all(work in words for work in WORKS.values())
    assert all(name in words for engine, name in NAMES.items() if engine != OURS)


@pytest.fixture
def problem(monkeypatch):
    monkeypatch.setattr(exact, "BATCH_SIZES", (1, 32, 64))
    random = np.random.default_rng(0)
    images = Images(
        random.integers(0, 256, (64, 9), dtype=np.uint8), random.integers(0, 10, 64, dtype=np.uint8)
    )
    return Problem(images, images, normal(0, (10, 3), (4, 10)), threads=1, factor=1 / 255)


def test_an_engine_is_compared_with_the_formulas(problem, tmp_path):
    path = tmp_path / "exact.npz"
    exact.write(path, exact.compute(problem))
    expected = exact.read(path)
    found = Measurements("ours", problem).differences(str(path))
    names = {"batch_1", "batch_32", "batch_64", "loss", "accuracy"}
    assert found.keys() == {f"difference_{name}" for name in names}
    assert max(found.values()) < 1e-6

    w1, w2 = expected.weights[64]
    w1[3, 1] += 0.5
    weights = expected.weights | {64: Weights(w1, w2)}
    exact.write(path, expected._replace(weights=weights, loss=2 * expected.loss))
    found = Measurements("ours", problem).differences(str(path))
    assert found["difference_batch_64"] == pytest.approx(0.5, abs=1e-6)
    assert found["difference_loss"] == pytest.approx(0.5, abs=1e-6)


def test_an_engine_that_does_something_else_is_refused():
    figures = {f"difference_{name}": 0.0 for name in race_engines.TOLERANCES}
    race_engines.check("ours", figures)
    with pytest.raises(SystemExit, match="ours, batch_128: found nan between it and the formulas"):
        race_engines.check("ours", figures | {"difference_batch_128": float("nan")})
