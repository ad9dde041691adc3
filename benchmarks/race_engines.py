"""Race this project's engine against its peers, at the same steps on the same real batches.

    snakemake --cores all benchmark_engines

with the packages of the extra `peers`. Each measurement is a fresh process, pinned to cores of its
own; the engines take turns, so that an hour in which the machine is slow is slow for all.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

OURS = "ours"
NAMES = {
    OURS: "Batch Race",
    "jax_xla": "JAX (XLA)",
    "pytorch": "PyTorch",
    "scikit_learn": "scikit-learn",
}
WORKS = {
    "batch_1": "step, batch size 1",
    "batch_32": "step, batch size 32",
    "batch_128": "step, batch size 128",
    "batch_60000": "step, all 60,000",
    "evaluation": "loss over 60,000 and accuracy over 10,000",
    "dense_batch_32": "step, batch size 32, dense random images",
}
TOLERANCE = 1e-4
"""The largest difference of a weight after 10 steps: float32's rounding, grown by raw pixels."""

LIMITS = ("OPENBLAS_", "MKL_", "DNNL_", "ONEDNN_", "ATEN_", "NPY_", "XLA_", "OMP_", "JAX_")
"""Settings by such names could hold one library back and not another: none is passed on."""


def measure(engine: str, threads: int, folders: list[str]) -> dict[str, Any]:
    """Measure one engine in a process of its own."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(LIMITS)}
    environment |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if threads == 1:
        environment["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
    command = [sys.executable, "-m", "benchmarks.measure_engine", engine]
    done = subprocess.run(
        [*command, *folders, "--threads", str(threads)],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if not found["difference"] <= TOLERANCE:
        raise SystemExit(
            f"{engine}: after 10 steps a weight is {found['difference']} from the formulas', "
            f"expected at most {TOLERANCE}: it does not take the same steps"
        )
    return found


def samples(folders: list[str], threads: list[int], repetitions: int) -> pl.DataFrame:
    """Measure all engines in turn, again and again."""
    rows = []
    for repetition in range(repetitions):
        for count in threads:
            for engine in NAMES:
                found = measure(engine, count, folders)
                print(repetition, count, engine, found, file=sys.stderr, flush=True)
                of = {"engine": engine, "threads": count, "repetition": repetition}
                rows += [of | {"work": work, "value": value} for work, value in found.items()]
    return pl.DataFrame(rows)


def ratios(table: pl.DataFrame, work: str, threads: int) -> tuple[str, list[float]]:
    """Tell the best peer at some work, and its time over ours, repetition by repetition."""
    some = table.filter(pl.col("work") == work, pl.col("threads") == threads)
    medians = some.group_by("engine").agg(pl.col("value").median())
    best = medians.filter(pl.col("engine") != OURS).sort("value")["engine"][0]
    both = [
        some.filter(pl.col("engine") == engine).sort("repetition")["value"]
        for engine in (best, OURS)
    ]
    return best, (both[0] / both[1]).to_list()


def markdown(table: pl.DataFrame) -> str:
    """Write the samples as tables, one for each number of threads."""
    parts = []
    for threads in table["threads"].unique().sort():
        head = ["work", *(f"{name}, ms" for name in NAMES.values()), "best peer / ours"]
        parts += [f"Threads: {threads}", "", row(head), row(["---"] * len(head))]
        for work, words in WORKS.items():
            cells = []
            for engine in NAMES:
                values = of(table, engine, threads, work)
                cells.append(spread([1000 * value for value in values]))
            best, times = ratios(table, work, threads)
            parts.append(row([words, *cells, f"{spread(times)} ({NAMES[best]})"]))
        for work, words, unit in (
            ("memory_bytes", "memory of the process alone, MB", 1e-6),
            ("sgemm_gflops", "NumPy's sgemm beside it, GFLOP/s", 1),
        ):
            values = [[unit * each for each in of(table, e, threads, work)] for e in NAMES]
            parts.append(row([words, *map(spread, values), ""]))
        parts.append("")
    return "\n".join(parts)


def of(table: pl.DataFrame, engine: str, threads: int, work: str) -> list[float]:
    """Take the samples of one engine at one kind of work."""
    return table.filter(engine=engine, threads=threads, work=work)["value"].to_list()


def row(cells: list[str]) -> str:
    """Write a row of a table."""
    return f"| {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    """Write a median with its extremes, in three digits."""
    found = [f(values) for f in (statistics.median, min, max)]
    median, least, most = (f"{each:.0f}" if each >= 100 else f"{each:.3g}" for each in found)
    return f"{median} ({least} to {most})"


def chart(table: pl.DataFrame) -> alt.Chart:
    """Draw the time of each engine at each kind of work, as a multiple of ours."""
    is_ours = pl.col("engine") == OURS
    keys = ["threads", "work", "repetition"]
    ours = table.filter(is_ours).select(*keys, ours="value")
    relative = (
        table.filter(~is_ours, pl.col("work").is_in(list(WORKS)))
        .join(ours, on=keys)
        .with_columns(
            multiple=pl.col("value") / pl.col("ours"),
            engine=pl.col("engine").replace(NAMES),
            work=pl.col("work").replace(WORKS),
        )
    )
    peers = [name for engine, name in NAMES.items() if engine != OURS]
    points = alt.Chart(relative).mark_point(filled=True, size=40, opacity=0.7)
    return points.encode(
        x=alt.X(
            "multiple:Q",
            scale=alt.Scale(type="log", domainMin=0.8),
            title="its time / ours (ours is 1)",
        ),
        y=alt.Y("work:N", sort=list(WORKS.values()), title=None, axis=alt.Axis(labelLimit=300)),
        color=alt.Color("engine:N", sort=peers, title="engine"),
        shape=alt.Shape("engine:N", sort=peers, title="engine"),
        row=alt.Row("threads:N", title="threads"),
    ).properties(width=480, height=180)


def main() -> None:
    """Measure, and write samples, table and chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parsed", required=True, help="folder that the rule parse fills")
    parser.add_argument("--prepared", required=True, help="folder that the rule prepare fills")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    folders = ["--parsed", arguments.parsed, "--prepared", arguments.prepared]
    table = samples(folders, arguments.threads, arguments.repetitions)
    arguments.output.mkdir(parents=True, exist_ok=True)
    table.write_parquet(arguments.output / "samples.parquet")
    (arguments.output / "table.md").write_text(markdown(table))
    chart(table).save(arguments.output / "chart.svg")


if __name__ == "__main__":
    main()
