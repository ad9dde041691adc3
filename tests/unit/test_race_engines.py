"""The table and the chart of the engines' race, from samples that are known."""

import polars as pl

from benchmarks import race_engines
from benchmarks.race_engines import NAMES, OURS, WORKS, chart, markdown, ratios
from workflow.scripts.common import theme

MORE = {"memory_bytes": 1e8, "sgemm_gflops": 100.0}


def samples():
    """Three turns: ours takes 1, 2 and 4 ms, JAX twice, the others ten times as long."""
    times = {OURS: 1, "jax_xla": 2, "pytorch": 10, "scikit_learn": 10}
    assert times.keys() == NAMES.keys()
    return pl.DataFrame(
        {"engine": engine, "threads": threads, "repetition": turn, "work": work, "value": value}
        for engine, times_ours in times.items()
        for threads in (1, 2)
        for turn in range(3)
        for work, value in (dict.fromkeys(WORKS, 0.001 * times_ours * 2**turn) | MORE).items()
    )


def test_a_ratio_is_taken_within_a_turn():
    assert ratios(samples(), "batch_32", 1) == ("jax_xla", [2, 2, 2])


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
